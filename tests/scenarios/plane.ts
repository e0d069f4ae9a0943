/** One request that was answered. */
export interface PlaneRequest {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly status: number;
}

/** An API server for scenarios: the lab's own, or a real one. */
export interface Plane {
  /** URL, without a slash at the end. */
  readonly url: string;
  /** PEM of the authority that signed the server's certificate. */
  readonly caCert: string;
  /** Of somebody who may do everything. */
  readonly token: string;
  /** Closes the port and every connection; what is stored stays. */
  stop(): Promise<void>;
  /** Listens on the same port again; nothing when it does. */
  start(): Promise<void>;
  /** Restarts, and answers versions from before with 410: their history is gone. */
  forget(): Promise<void>;
  /** All requests that were answered so far, oldest first. */
  requests(): Promise<readonly PlaneRequest[]>;
}
