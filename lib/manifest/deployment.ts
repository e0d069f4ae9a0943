import { ConfigError, type ConfigProblem } from "../config/errors.ts";
import type { InstanceConfig, ProcessConfig } from "../config/instance.ts";
import type { EffectiveSetting } from "../config/resolve.ts";

/** What one process on every node needs to be told, whatever starts it. */
export interface Deployment {
  /** Of every object: as somebody said, or the Lease of the first instance, which no other one has. */
  readonly name: string;
  /** It is another one when another instance comes first. */
  readonly isNamedAfterFirst: boolean;
  readonly namespace: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly instances: readonly InstanceConfig[];
  /** `--name=value` for each setting that somebody chose; without those of the place it runs in. */
  readonly flags: readonly string[];
  /** The flag for a port of its own, where nobody chose one. */
  readonly httpFlag: string | undefined;
  /** Where health and metrics answer; undefined: nowhere. */
  readonly http: { readonly host: string; readonly port: number } | undefined;
  /** The file with the instances, where there is one. */
  readonly plan: { readonly fileName: string; readonly text: string } | undefined;
  /** Path of the kubeconfig, where somebody chose one. */
  readonly kubeconfig: string | undefined;
  /** Paths of the keys of beacons. */
  readonly keyFiles: readonly string[];
  readonly fastFailover: boolean;
}

export interface DeploymentInput {
  readonly config: ProcessConfig;
  readonly effective: readonly EffectiveSetting[];
  readonly file: { readonly path: string; readonly text: string } | undefined;
  readonly namespace: string;
  readonly image: string;
  /** Undefined: after the first instance. */
  readonly name?: string | undefined;
}

/** Settings that say where a process runs, not what it does: the manifest says them by itself. */
const PLACE = ["config", "kubeconfig", "nodeName"];
/** How to write a value that stands for nothing. */
const OFF: Readonly<Record<string, string>> = { httpAddress: "off" };
/** What the place says in these variables is not somebody's choice. */
const PLACE_ENV = ["env POD_NAMESPACE", "env NODE_NAME"];
/** Instances on one node need a port each; these are no NodePorts, and nobody's well-known ones. */
const FIRST_PORT = 21120;
const PORTS = 1000;
const MAX_LABEL = 63;

/** @throws {ConfigError} for settings that no manifest can carry */
export function planDeployment(input: DeploymentInput): Deployment {
  const { config, effective, file, namespace, image } = input;
  const { instances } = config;
  const name = input.name ?? instances[0]!.leaseName;
  const keyFiles = [...new Set(instances.flatMap(({ beaconKeyFile }) => beaconKeyFile ?? []))];
  checkNames(input, name, keyFiles);
  const derived = config.httpAddressChosen ? undefined : `127.0.0.1:${portOf(name)}`;
  const address = config.httpAddress && (derived ?? config.httpAddress);
  const chosen = effective.filter(({ name, source }) =>
    /^(flag|env) /.test(source) && !PLACE_ENV.includes(source) && !PLACE.includes(name) &&
    !(name === "httpAddress" && derived !== undefined)
  );
  const flags = [
    ...new Set(chosen.map(({ name, value }) => `--${name}=${value || OFF[name] || ""}`)),
  ].sort();
  return {
    name,
    isNamedAfterFirst: input.name === undefined && instances.length > 1,
    namespace,
    image,
    labels: { "app.kubernetes.io/name": "classvip", "app.kubernetes.io/instance": name },
    instances,
    flags,
    httpFlag: derived && address ? `--httpAddress=${derived}` : undefined,
    http: address ? splitAddress(address) : undefined,
    plan: file && { fileName: file.path.slice(file.path.lastIndexOf("/") + 1), text: file.text },
    kubeconfig: config.kubeconfig,
    keyFiles,
    fastFailover: instances.some(({ fastFailover }) => fastFailover),
  };
}

function checkNames(
  { name: given }: DeploymentInput,
  name: string,
  keyFiles: readonly string[],
): void {
  const problems: ConfigProblem[] = [];
  if (name.length > MAX_LABEL) {
    problems.push({
      setting: given === undefined ? "leaseName" : "name",
      value: name,
      source: given === undefined ? "manifest" : "flag --name",
      problem: "the objects are named after it, and a label holds no more than 63 characters",
      right: given === undefined ? "a shorter leaseName, or --name" : "a shorter name",
    });
  }
  const names = keyFiles.map(fileNameOf);
  const twice = keyFiles.filter((path, i) => names.indexOf(fileNameOf(path)) !== i);
  for (const value of twice) {
    problems.push({
      setting: "beaconKeyFile",
      value,
      source: "manifest",
      problem: "another key file has the same name in another folder",
      right: "a name of its own: all keys are in one Secret",
    });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

export function fileNameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** @param address `host:port`, `[v6]:port` or `:port` */
function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  const any = host === "" || host === "0.0.0.0" || host === "::";
  return { host: any ? "127.0.0.1" : host, port: Number(address.slice(colon + 1)) };
}

/** A port that stays the same for a name. Adler-32 (RFC 1950), which Helm's templates know too. */
export function portOf(name: string): number {
  let [a, b] = [1, 0];
  for (const byte of new TextEncoder().encode(name)) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return FIRST_PORT + (b * 65536 + a) % PORTS;
}
