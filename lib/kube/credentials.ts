import { findSource, type Source } from "./credential_source.ts";
import { denoFiles, type Files, readNamed, systemAuthorities } from "./files.ts";
import { KubeconfigError } from "./errors.ts";
import { text } from "./text.ts";
import { UserAuthenticator } from "./user_auth.ts";

/** How to reach the API server and prove who one is. */
export interface Credentials {
  /** Base URL without a slash at the end. */
  readonly server: string;
  /** Where all this came from, for messages; never a secret. */
  readonly origin: string;
  /** Namespace of the pod or of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /** Proxy to go through (`proxy-url`). */
  readonly proxyUrl: string | undefined;
  /** PEM; the machine's own authorities where none are given. May change with `authorization()`. */
  readonly caCerts: readonly string[];
  /** PEM, both or none. May change with `authorization()`. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /**
   * The value of the Authorization header, undefined where a client certificate does.
   *
   * @param force read everything again: the server refused what it was given.
   */
  authorization(force?: boolean): Promise<string | undefined>;
}

export interface CredentialsOptions {
  /** Chosen by the user; nothing else is looked for then. */
  kubeconfig?: string | undefined;
  /** URL that replaces the server found. */
  server?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  files?: Files;
  /** Monotonic milliseconds. */
  nowMs?: () => number;
}

/** Tokens and certificates rotate: client-go too reads them again after a minute. */
const rereadMs = 60_000;

/** A plugin that runs longer is not waited for by those who come later. */
const patienceMs = 30_000;

/**
 * Finds and reads the credentials. Exec plugins and identity providers are asked later, by the
 * first request.
 *
 * @throws {KubeError} with the reason "NoCredentials" when there are none.
 * @throws {KubeconfigError} when they cannot be used.
 */
export async function loadCredentials(options: CredentialsOptions): Promise<Credentials> {
  const { env, files = denoFiles, nowMs = () => performance.now() } = options;
  const source = await findSource(options.kubeconfig, env, files);
  const server = options.server ?? source.server;
  if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw new KubeconfigError(
      `Server "${server}" is not a URL such as https://10.0.0.1:6443`,
    );
  }
  const credentials = new RotatingCredentials(
    { ...source, server: server.replace(/\/+$/, "") },
    files,
    env["PATH"],
    nowMs,
  );
  await credentials.readFiles();
  return credentials;
}

/** Reads what the source names, and again when it may have changed. */
class RotatingCredentials implements Credentials {
  readonly server: string;
  readonly origin: string;
  readonly namespace: string | undefined;
  readonly proxyUrl: string | undefined;
  caCerts: readonly string[] = [];
  cert: string | undefined;
  key: string | undefined;
  readonly #files: Files;
  readonly #nowMs: () => number;
  /** Where exec plugins are looked for. */
  readonly #path: string | undefined;
  #source: Source;
  #authenticator: UserAuthenticator;
  #tokenModifiedMs: number | undefined;
  #authorization: string | undefined;
  #authorizedAtMs: number | undefined;
  #refreshing: { force: boolean; sinceMs: number; done: Promise<void> } | undefined;

  constructor(source: Source, files: Files, path: string | undefined, nowMs: () => number) {
    this.server = source.server;
    this.origin = source.origin;
    this.namespace = source.namespace;
    this.proxyUrl = text(source.cluster["proxy-url"]);
    this.#files = files;
    this.#nowMs = nowMs;
    this.#source = source;
    this.#path = path;
    this.#authenticator = new UserAuthenticator(source.user, path);
  }

  /** Takes the files alone: certificates, key, token. */
  async readFiles(): Promise<void> {
    this.#take(await this.#read());
  }

  async authorization(force = false): Promise<string | undefined> {
    const nowMs = this.#nowMs();
    let running = this.#refreshing;
    const joins = running !== undefined && (running.force || !force) &&
      nowMs - running.sinceMs < patienceMs;
    if (running === undefined || !joins) {
      running = { force, sinceMs: nowMs, done: this.#refresh(force, nowMs) };
      this.#refreshing = running;
    }
    try {
      await running.done;
    } finally {
      if (this.#refreshing === running) this.#refreshing = undefined;
    }
    return this.#authorization;
  }

  async #isDue(nowMs: number): Promise<boolean> {
    if (this.#authorizedAtMs === undefined || nowMs - this.#authorizedAtMs >= rereadMs) return true;
    const tokenFile = text(this.#source.user["tokenFile"]);
    return tokenFile !== undefined &&
      await this.#files.modifiedMs(tokenFile) !== this.#tokenModifiedMs;
  }

  async #refresh(force: boolean, nowMs: number): Promise<void> {
    if (!force && !await this.#isDue(nowMs)) return;
    try {
      if (force) {
        this.#source = { ...this.#source, ...await this.#source.reload() };
        // A new one has no cache: plugins are run again.
        this.#authenticator = new UserAuthenticator(this.#source.user, this.#path);
      }
      const material = await this.#read();
      const { authorization, cert, key } = await this.#authenticator.authenticate();
      const { token } = material;
      const value = token === undefined ? authorization : `Bearer ${token.value}`;
      refuseUnsendable(value);
      // All at once: requests go on meanwhile.
      this.#take(cert === undefined || key === undefined ? material : { ...material, cert, key });
      this.#authorization = value;
    } catch (error) {
      // What was read before may well be good still; the server will say when it is not.
      if (force || this.#authorizedAtMs === undefined) throw error;
    }
    this.#authorizedAtMs = this.#nowMs();
  }

  async #read(): Promise<Material> {
    const { cluster, user, origin } = this.#source;
    const pem = (fields: Fields, key: string, kind: string) =>
      readPem(this.#files, origin, fields, key, kind);
    const ca = await pem(cluster, "certificate-authority", "CERTIFICATE");
    const tokenFile = text(user["tokenFile"]);
    return {
      caCerts: ca === undefined ? await systemAuthorities(this.#files) : [ca],
      cert: await pem(user, "client-certificate", "CERTIFICATE"),
      key: await pem(user, "client-key", "PRIVATE KEY"),
      token: tokenFile === undefined ? undefined : {
        // Before the content: a change in between is seen as one the next time.
        modifiedMs: await this.#files.modifiedMs(tokenFile),
        value: (await readNamed(this.#files, "Token file", tokenFile)).trim(),
      },
    };
  }

  #take({ caCerts, cert, key, token }: Material): void {
    this.caCerts = caCerts;
    this.cert = cert;
    this.key = key;
    this.#tokenModifiedMs = token?.modifiedMs;
  }
}

/**
 * fetch() would refuse it too, and say the token (RFC 9110, section 5.5).
 *
 * @throws {KubeconfigError} for what no header can carry
 */
function refuseUnsendable(authorization: string | undefined): void {
  if (authorization === undefined || /^[\t\x20-\x7e]*$/.test(authorization)) return;
  throw new KubeconfigError(
    "the token has a line break or another character that is in no token; give the token alone",
  );
}

/** What the files hold. */
interface Material {
  caCerts: readonly string[];
  cert: string | undefined;
  key: string | undefined;
  token: { value: string; modifiedMs: number | undefined } | undefined;
}

type Fields = Record<string, unknown>;

/** Reads `key` (a path) or `key-data` (base64), as kubeconfigs have them. */
async function readPem(
  files: Files,
  origin: string,
  fields: Fields,
  key: string,
  kind: string,
): Promise<string | undefined> {
  const data = text(fields[`${key}-data`]);
  const path = text(fields[key]);
  // Data goes before files, as in client-go.
  if (data === undefined && path === undefined) return undefined;
  const pem = data !== undefined ? decodeBase64(data) : await readNamed(files, key, path ?? "");
  // Deno passes over authorities that it cannot read.
  if (new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(pem)) return pem;
  const what = data !== undefined ? `${key}-data` : `${key} "${path}"`;
  throw new KubeconfigError(`${what} from ${origin} holds no ${kind} in PEM`);
}

function decodeBase64(data: string): string {
  try {
    return atob(data.replace(/\s/g, ""));
  } catch {
    return "";
  }
}
