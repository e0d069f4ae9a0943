import { KubeconfigError, KubeError } from "./errors.ts";
import { type Files, readNamed } from "./files.ts";
import type { KubeconfigFile, Selection } from "./kubeconfig.ts";
import { text } from "./text.ts";

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
const lastResort = "/etc/kubernetes/admin.conf";

/** Where credentials were found, in the terms of a kubeconfig. */
export interface Source {
  server: string;
  origin: string;
  namespace: string | undefined;
  cluster: Record<string, unknown>;
  user: Record<string, unknown>;
  /** Finds the user anew after it was refused. */
  reload(): Promise<Pick<Source, "cluster" | "user">>;
}

/**
 * The path given, the pod's service account, KUBECONFIG, ~/.kube/config, /etc/kubernetes/admin.conf:
 * the first that is there.
 *
 * @throws {KubeError} with the reason "NoCredentials" where none is
 * @throws {KubeconfigError} where one is, and cannot be used
 */
export async function findSource(
  explicit: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  files: Files,
): Promise<Source> {
  if (explicit !== undefined) return await kubeconfigSource([explicit], files);
  const lookedFor: string[] = [];
  const inCluster = await inClusterSource(env, files);
  if (inCluster !== undefined) return inCluster;
  lookedFor.push(`a pod's service account (KUBERNETES_SERVICE_HOST and ${serviceAccount}/token)`);
  const listed = (env["KUBECONFIG"] ?? "").split(":").filter((path) => path !== "");
  if (listed.length > 0) return await kubeconfigSource(listed, files);
  lookedFor.push("KUBECONFIG in the environment");
  const home = env["HOME"];
  const paths = home === undefined ? [lastResort] : [`${home}/.kube/config`, lastResort];
  for (const path of paths) {
    if (await files.modifiedMs(path) !== undefined) return await kubeconfigSource([path], files);
    lookedFor.push(path);
  }
  throw new KubeError(
    `No credentials for the API server: looked for ${lookedFor.join(", ")}. ` +
      `Give a kubeconfig with --kubeconfig, or run as a pod with a service account`,
    { status: 0, reason: "NoCredentials" },
  );
}

/** What the kubelet gives to every pod. */
async function inClusterSource(
  env: Readonly<Record<string, string | undefined>>,
  files: Files,
): Promise<Source | undefined> {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const tokenFile = `${serviceAccount}/token`;
  if (!host || await files.modifiedMs(tokenFile) === undefined) return undefined;
  const namespace = await files.read(`${serviceAccount}/namespace`).catch(() => "");
  const parts = {
    cluster: { "certificate-authority": `${serviceAccount}/ca.crt` },
    user: { tokenFile },
  };
  const port = env["KUBERNETES_SERVICE_PORT"] || "443";
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    origin: "the pod's service account",
    namespace: text(namespace.trim()),
    ...parts,
    reload: () => Promise.resolve(parts),
  };
}

async function kubeconfigSource(paths: readonly string[], files: Files): Promise<Source> {
  const selected = await readKubeconfigs(paths, files);
  return {
    server: String(selected.cluster["server"]),
    origin: `kubeconfig ${selected.path}, context ${selected.context}`,
    namespace: selected.namespace,
    cluster: selected.cluster,
    user: selected.user,
    reload: () => readKubeconfigs(paths, files),
  };
}

async function readKubeconfigs(paths: readonly string[], files: Files): Promise<Selection> {
  // Pods have none: they need no YAML.
  const { parseKubeconfig, selectContext } = await import("./kubeconfig.ts");
  const read: KubeconfigFile[] = [];
  for (const path of paths) {
    // kubectl too passes over the missing ones of a list.
    if (paths.length > 1 && await files.modifiedMs(path) === undefined) continue;
    read.push(parseKubeconfig(path, await readNamed(files, "Kubeconfig", path)));
  }
  if (read.length === 0) {
    throw new KubeconfigError(`None of the files in KUBECONFIG exists: ${paths.join(", ")}`);
  }
  return selectContext(read);
}
