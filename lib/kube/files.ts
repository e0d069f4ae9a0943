import { readTextFile } from "../read_file.ts";
import { KubeconfigError } from "./errors.ts";

/** The reads of the file system that credentials need. */
export interface Files {
  /** @throws {Error} a sentence without its subject, the file: "does not exist" */
  read(path: string): Promise<string>;
  /** Time of the last change; undefined when the file cannot be seen. */
  modifiedMs(path: string): Promise<number | undefined>;
}

/** Where distributions keep the authorities they trust, as Go's crypto/x509 looks for them. */
const SYSTEM_AUTHORITIES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

export const denoFiles: Files = {
  read: readTextFile,
  async modifiedMs(path) {
    try {
      return (await Deno.stat(path)).mtime?.getTime() ?? 0;
    } catch {
      return undefined;
    }
  },
};

/** Reads a file, or says in one sentence why that cannot be. */
export async function readNamed(files: Files, what: string, path: string): Promise<string> {
  try {
    return await files.read(path);
  } catch (error) {
    throw new KubeconfigError(`${what} "${path}" ${(error as Error).message}`);
  }
}

/** The authorities this machine trusts, in PEM: for servers whose kubeconfig names none. */
export async function systemAuthorities(files: Files): Promise<string[]> {
  for (const path of SYSTEM_AUTHORITIES) {
    try {
      return [await files.read(path)];
    } catch {
      // Another distribution's place.
    }
  }
  return [];
}
