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
  /** PEM. Trusted beside the system's authorities. May change with `authorization()`. */
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
