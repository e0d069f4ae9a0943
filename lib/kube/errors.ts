/** A request that the API server refused, or that never got its answer. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /**
   * `reason` of the Status object, or "Timeout", "Unreachable", "Aborted", "Silent", "Unreadable"
   * (an answer that is not what was asked for), "NoCredentials".
   */
  readonly reason: string;
  /** From the Retry-After header, where the server sent one. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: { status: number; reason: string; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A kubeconfig that cannot be used; the message says what to do. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}
