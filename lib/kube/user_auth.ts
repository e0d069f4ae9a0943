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
  /** Where commands are looked for, as the environment has it. */
  readonly #path: string;
  #config: KubeConfig | undefined;

  /**
   * @param user the fields below `users[].user`; the files among them are the caller's.
   * @param path folders of programs, with colons between them.
   */
  constructor(user: Record<string, unknown>, path = "") {
    this.#user = user;
    this.#path = path;
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
    await this.#requirePlugin();
    this.#config ??= await loadKubeConfig(this.#user);
    const options: Parameters<KubeConfig["applyToHTTPSOptions"]>[0] = { headers: {} };
    await this.#config.applyToHTTPSOptions(options).catch((error) => {
      throw this.#explain(error);
    });
    const { Authorization: bearer } = options.headers as Record<string, string | undefined>;
    const basic = options.auth === undefined ? undefined : `Basic ${base64(options.auth ?? "")}`;
    return {
      authorization: bearer ?? basic,
      cert: options.cert?.toString(),
      key: options.key?.toString(),
    };
  }

  /** client-node takes a command that cannot be started for one that did: the process would end. */
  async #requirePlugin(): Promise<void> {
    const command = this.#plugin;
    if (command === undefined) return;
    const paths = command.includes("/")
      ? [command]
      : this.#path.split(":").map((folder) => `${folder}/${command}`);
    for (const path of paths) if (await isProgram(path)) return;
    throw new Error(`exec plugin "${command}" gave no credentials: there is no such program`);
  }

  get #plugin(): string | undefined {
    const exec = this.#user["exec"] as { command?: unknown } | null | undefined;
    return exec == null ? undefined : String(exec.command);
  }

  /** client-node trips over what is no ExecCredential with a status. */
  #explain(error: unknown): Error {
    const said = error instanceof Error ? error.message.trim() : String(error);
    // The command of an auth-provider is quoted with its arguments: whatever they hold.
    if (this.#plugin === undefined) {
      const provider = this.#user["auth-provider"] as { name?: unknown } | null | undefined;
      // Its OpenIDConnectAuth gives the issuer as a text to what wants a URL: it never renews a token.
      if (provider?.name === "oidc" && error instanceof TypeError) {
        return new Error(
          'the id-token of auth-provider "oidc" has expired, and is not renewed here; right would ' +
            "be an exec plugin, or the token of a ServiceAccount",
        );
      }
      return new Error(said.replace(/Command failed: [^]*/, "its command failed"));
    }
    const why = error instanceof TypeError || error instanceof SyntaxError || said === ""
      ? "it failed, or printed no ExecCredential with a status"
      : said;
    return new Error(`exec plugin "${this.#plugin}" gave no credentials: ${why}`);
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile && (mode! & 0o111) !== 0;
  } catch {
    return false;
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
