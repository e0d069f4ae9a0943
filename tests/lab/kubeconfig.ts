export interface KubeconfigOptions {
  /** URL. */
  server: string;
  /** PEM. */
  caCert?: string | undefined;
  /** Bearer token. */
  token?: string | undefined;
}

/** Text of a kubeconfig with one context. JSON is YAML too. */
export function kubeconfig({ server, caCert, token }: KubeconfigOptions): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "lab",
    contexts: [{ name: "lab", context: { cluster: "lab", user: "lab" } }],
    clusters: [{
      name: "lab",
      cluster: {
        server,
        ...(caCert === undefined ? {} : { "certificate-authority-data": btoa(caCert) }),
      },
    }],
    users: [{ name: "lab", user: token === undefined ? {} : { token } }],
  });
}
