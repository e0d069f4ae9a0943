/** The times of an election, derived from the two that users set. Milliseconds. */
export interface ElectionTimes {
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  readonly fenceMarginMs: number;
  readonly clockDrift: number;
  readonly retryMs: number;
  readonly jitterMs: number;
  /** Three requests may run into it between a renewal that is due and the fence. */
  readonly requestTimeoutMs: number;
  readonly watchSilenceMs: number;
}

/** NTP slews a clock by at most 0.05 %; ten times that and more is allowed for. */
const CLOCK_DRIFT = 0.01;
/** The kernel removes an address up to 0.31 s after its lifetime (measured). */
const KERNEL_LATENESS_MS = 310;

export function electionTimes(leaseDurationMs: number, renewIntervalMs: number): ElectionTimes {
  return {
    leaseDurationMs,
    renewIntervalMs,
    fenceMarginMs: KERNEL_LATENESS_MS + 90 + leaseDurationMs * CLOCK_DRIFT,
    clockDrift: CLOCK_DRIFT,
    retryMs: Math.min(250, leaseDurationMs / 20),
    jitterMs: 50,
    requestTimeoutMs: Math.min(leaseDurationMs / 5, 5000),
    // A holder renews far more often than this: silence means a dead connection.
    watchSilenceMs: leaseDurationMs * 2 + 5000,
  };
}
