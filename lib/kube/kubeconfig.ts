import { CORE_SCHEMA, load } from "js-yaml";
import { KubeconfigError } from "./errors.ts";
import { text } from "./text.ts";

type Fields = Record<string, unknown>;

/** One kubeconfig file's content, lists by their key (`clusters`, `users`, `contexts`). */
export interface KubeconfigFile {
  readonly path: string;
  readonly content: Fields;
}

/** The parts of a kubeconfig that its current context names. */
export interface Selection {
  /** The file that names the current context. */
  readonly path: string;
  readonly context: string;
  readonly namespace: string | undefined;
  readonly cluster: Fields;
  readonly user: Fields;
}

/** Files that a kubeconfig names; relative to the kubeconfig's own folder. */
const fileKeys = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

/** @throws {KubeconfigError} when it is not YAML, or not a kubeconfig. */
export function parseKubeconfig(path: string, text: string): KubeconfigFile {
  let content: unknown;
  try {
    // As client-node's KubeConfig does; "yaml" knows more, and takes 15 ms more of each start.
    content = load(text, { schema: CORE_SCHEMA });
  } catch (cause) {
    // Only the first line: the rest quotes the file, which holds secrets.
    const why = cause instanceof Error ? cause.message.split("\n")[0] : "";
    throw new KubeconfigError(`Kubeconfig "${path}" is not valid YAML: ${why}`);
  }
  if (!isFields(content)) {
    throw new KubeconfigError(`Kubeconfig "${path}" is empty or not a mapping`);
  }
  const kind = content["kind"];
  if (kind !== undefined && kind !== "Config") {
    throw new KubeconfigError(`Kubeconfig "${path}" is none: its kind is ${kind}, not Config`);
  }
  return { path, content };
}

/**
 * Follows the current context. With several files the first that has a name wins, as in kubectl.
 *
 * @throws {KubeconfigError} naming file and key.
 */
export function selectContext(files: readonly KubeconfigFile[]): Selection {
  const named = files.find(({ content }) => text(content["current-context"]) !== undefined);
  const context = text(named?.content["current-context"]);
  if (named === undefined || context === undefined) {
    const paths = files.map(({ path }) => `"${path}"`).join(", ");
    throw new KubeconfigError(
      `Kubeconfig ${paths} has no current-context; set it with "kubectl config use-context"`,
    );
  }
  const by = `contexts[${context}]`;
  const entry = find(files, "contexts", context);
  if (entry === undefined) {
    throw new KubeconfigError(
      `Kubeconfig "${named.path}" has current-context "${context}", which is not among its contexts`,
    );
  }
  const part = (kind: "cluster" | "user"): Fields => {
    const name = text(entry.fields[kind]);
    const found = name === undefined ? undefined : find(files, `${kind}s`, name);
    if (found === undefined) {
      throw new KubeconfigError(
        `Kubeconfig "${entry.path}" names ${kind} "${name ?? ""}" in ${by}.${kind}, ` +
          `which is not among its ${kind}s`,
      );
    }
    return found.fields;
  };
  const namespace = text(entry.fields["namespace"]);
  const selection = { path: named.path, context, namespace };
  return check({ ...selection, cluster: part("cluster"), user: part("user") });
}

/** Refuses what would silently not be done. */
function check(selection: Selection): Selection {
  const { path, cluster, user } = selection;
  const refuse = (key: string, why: string): never => {
    throw new KubeconfigError(`Kubeconfig "${path}": ${key} ${why}`);
  };
  const server = text(cluster["server"]);
  if (server === undefined) refuse("clusters[].cluster.server", "is missing");
  else if (!/^https?:\/\/[^/]/.test(server) || !URL.canParse(server)) {
    refuse(
      "clusters[].cluster.server",
      `"${hidden(server)}" is not a URL such as https://10.0.0.1:6443`,
    );
  } else if (new URL(server).username || new URL(server).password) {
    // Not shown: errors name the server.
    refuse("clusters[].cluster.server", "holds a user name or password; give it in users[].user");
  }
  const proxy = text(cluster["proxy-url"]);
  if (proxy !== undefined && !(/^(https?|socks5h?):\/\/[^/]/.test(proxy) && URL.canParse(proxy))) {
    refuse(
      "clusters[].cluster.proxy-url",
      `"${hidden(proxy)}" is not a URL such as http://10.0.0.1:3128`,
    );
  }
  if (cluster["insecure-skip-tls-verify"] === true) {
    refuse(
      "insecure-skip-tls-verify",
      "is not supported; give the cluster's certificate-authority instead",
    );
  }
  if (text(cluster["tls-server-name"]) !== undefined) {
    refuse("tls-server-name", "is not supported; give a server URL that its certificate names");
  }
  if (text(user["as"]) !== undefined) {
    refuse("users[].user.as", "(impersonation) is not supported; give the user's own credentials");
  }
  const has = (key: string) =>
    text(user[key]) !== undefined || text(user[`${key}-data`]) !== undefined;
  if (has("client-certificate") !== has("client-key")) {
    refuse("users[].user", "needs both client-certificate and client-key, or neither");
  }
  return selection;
}

function find(
  files: readonly KubeconfigFile[],
  list: string,
  name: string,
): { path: string; fields: Fields } | undefined {
  const kind = list.slice(0, -1);
  for (const { path, content } of files) {
    const entries: unknown = content[list];
    if (!Array.isArray(entries)) continue;
    const entry: unknown = entries.find((entry) => isFields(entry) && entry["name"] === name);
    if (!isFields(entry)) continue;
    const fields = isFields(entry[kind]) ? entry[kind] : {};
    return { path, fields: withAbsolutePaths(path, fields) };
  }
  return undefined;
}

function withAbsolutePaths(path: string, fields: Fields): Fields {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const absolute = fileKeys.flatMap((key) => {
    const file = text(fields[key]);
    return file === undefined || file.startsWith("/") ? [] : [[key, folder + file] as const];
  });
  return { ...fields, ...Object.fromEntries(absolute) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Without what a URL may hold of credentials. */
function hidden(url: string): string {
  return url.replace(/\/\/.*@/, "//(hidden)@");
}
