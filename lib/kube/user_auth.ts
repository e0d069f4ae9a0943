import type { KubeConfig } from "./client_node.ts";

/** What a user of a kubeconfig authenticates with, as of now. */
export interface UserAuth {
  authorization: string | undefined;
  /** PEM from an exec plugin, both or none. */
  cert: string | undefined;
  key: string | undefined;
}

/** What only client-node's KubeConfig knows to handle. */
const BY_KUBECONFIG = ["exec", "auth-provider", "username", "password"];

/** Tokens are taken as they are; passwords, exec plugins, OIDC are client-node's KubeConfig's. */
export class UserAuthenticator {
  readonly #user: Record<string, unknown>;
  #config: KubeConfig | undefined;

  /** @param user the fields below `users[].user`; the files among them are the caller's. */
  constructor(user: Record<string, unknown>) {
    this.#user = user;
  }

  /** May run a command or ask an identity provider. */
  async authenticate(): Promise<UserAuth> {
    if (!BY_KUBECONFIG.some((key) => this.#user[key] != null)) {
      const { token } = this.#user;
      return {
        authorization: typeof token === "string" && token ? `Bearer ${token}` : undefined,
        cert: undefined,
        key: undefined,
      };
    }
    this.#config ??= await loadKubeConfig(this.#user);
    const options: Parameters<KubeConfig["applyToHTTPSOptions"]>[0] = { headers: {} };
    await this.#config.applyToHTTPSOptions(options);
    const { Authorization: bearer } = options.headers as Record<string, string | undefined>;
    const basic = options.auth === undefined ? undefined : `Basic ${base64(options.auth ?? "")}`;
    return {
      authorization: bearer ?? basic,
      cert: options.cert?.toString(),
      key: options.key?.toString(),
    };
  }
}

/** Imported when needed: it takes 6 MB, and most agents have a token or a certificate. */
async function loadKubeConfig(user: Record<string, unknown>): Promise<KubeConfig> {
  const { KubeConfig } = await import("./client_node.ts");
  const config = new KubeConfig();
  config.loadFromString(JSON.stringify({
    // KubeConfig refuses http:// here; where the requests go is not its business.
    clusters: [{ name: "cluster", cluster: { server: "https://cluster" } }],
    users: [{ name: "user", user: withExecInfo(withoutFiles(user)) }],
    contexts: [{ name: "context", context: { cluster: "cluster", user: "user" } }],
    "current-context": "context",
  }));
  return config;
}

function withoutFiles(user: Record<string, unknown>): Record<string, unknown> {
  const kept = ["token", "username", "password", "exec", "auth-provider"];
  return Object.fromEntries(kept.map((key) => [key, user[key]]));
}

/** Plugins of client.authentication.k8s.io want this variable, which KubeConfig does not set. */
function withExecInfo(user: Record<string, unknown>): Record<string, unknown> {
  const exec = user["exec"] as { apiVersion?: string; env?: unknown[] } | null | undefined;
  if (typeof exec !== "object" || exec === null) return user;
  const info = {
    kind: "ExecCredential",
    apiVersion: exec.apiVersion,
    spec: { interactive: false },
  };
  const variable = { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) };
  return { ...user, exec: { ...exec, env: [variable, ...exec.env ?? []] } };
}

function base64(value: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(value)));
}
