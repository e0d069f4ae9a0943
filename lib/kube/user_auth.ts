import { KubeConfig } from "@kubernetes/client-node";

/** What a user of a kubeconfig authenticates with, as of now. */
export interface UserAuth {
  authorization: string | undefined;
  /** PEM from an exec plugin, both or none. */
  cert: string | undefined;
  key: string | undefined;
}

/** Asks client-node's KubeConfig: tokens, passwords, exec plugins, OIDC, auth providers. */
export class UserAuthenticator {
  readonly #config = new KubeConfig();

  /** @param user the fields below `users[].user`; the files among them are the caller's. */
  constructor(user: Record<string, unknown>) {
    this.#config.loadFromString(JSON.stringify({
      // KubeConfig refuses http:// here; where the requests go is not its business.
      clusters: [{ name: "cluster", cluster: { server: "https://cluster" } }],
      users: [{ name: "user", user: withExecInfo(withoutFiles(user)) }],
      contexts: [{ name: "context", context: { cluster: "cluster", user: "user" } }],
      "current-context": "context",
    }));
  }

  /** May run a command or ask an identity provider. */
  async authenticate(): Promise<UserAuth> {
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
