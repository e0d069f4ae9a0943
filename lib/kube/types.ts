import type { CoreV1Event, V1Lease, V1ObjectMeta, V1Service } from "@kubernetes/client-node";

/** A model of client-node as it travels: dates are RFC 3339 strings. */
export type Json<T> = T extends Date ? string
  : T extends (infer U)[] ? Json<U>[]
  : T extends object ? { [K in keyof T]: Json<T[K]> }
  : T;

export type ObjectMeta = Json<V1ObjectMeta>;
export type Service = Json<V1Service>;
export type Lease = Json<V1Lease>;
export type Event = Json<CoreV1Event>;

/** Any object of the API. */
export interface KubeObject {
  metadata?: ObjectMeta;
}

export interface RequestOptions {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From the root of the server, for example `/api/v1/services`. */
  path: string;
  query?: Record<string, string | undefined>;
  /** Sent as JSON; a PATCH is a merge patch (RFC 7386). */
  body?: unknown;
  /** Milliseconds until the request is given up and its HTTP client replaced. Default 10,000. */
  deadlineMs?: number;
  signal?: AbortSignal;
}

/** Requests to one API server over one HTTP client of its own. */
export interface KubeClient extends Disposable {
  /**
   * @returns the decoded body.
   * @throws {KubeError} for a refusal by the server (status ≥ 400), a deadline (status 0, reason
   * "Timeout"), a failed connection (status 0, reason "Unreachable"), an abort by the caller's
   * signal (status 0, reason "Aborted").
   */
  request<T>(options: RequestOptions): Promise<T>;
  /**
   * A watch: yields one decoded line after another. Ends when the server closes the stream.
   * `deadlineMs` bounds the wait for the response's head, `silenceMs` the wait between two lines.
   *
   * @throws {KubeError} as `request()`, and with reason "Silent" when the stream fell silent.
   */
  stream<T>(options: RequestOptions & { silenceMs: number }): AsyncIterable<T>;
}
