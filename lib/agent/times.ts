/** The times of an election, derived from the two that users set. Milliseconds. */
export interface ElectionTimes {
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  readonly fenceMarginMs: number;
  readonly clockDrift: number;
  /** A standby waits this much longer than the Lease says: lifetimes are whole seconds. */
  readonly lifetimeRoomMs: number;
  /** The lifetimes of addresses end this long before the right to hold does, or longer. */
  readonly lifetimeMarginMs: number;
  readonly retryMs: number;
  readonly jitterMs: number;
  /** Three requests may run into it between a renewal that is due and the fence. */
  readonly requestTimeoutMs: number;
  readonly watchSilenceMs: number;
}

/** NTP slews a clock by at most 0.05 %; ten times that and more is allowed for. */
const CLOCK_DRIFT = 0.01;
/** The holder's own fence: for a removal that is under way, and a busy machine. */
const FENCE_MARGIN_MS = 400;
/**
 * The kernel removes an address up to a second after its lifetime, of either family: between two
 * looks for lifetimes that ended it lets a second pass (ADDRCONF_TIMER_FUZZ_MAX), whoever's address
 * the former look was for. Measured: 0.99 s.
 */
const KERNEL_LATENESS_MS = 1050;
/** An answer of the API server may take so long, about, before a lifetime is a second shorter. */
const LIFETIME_ROOM_MS = 250;

export function electionTimes(leaseDurationMs: number, renewIntervalMs: number): ElectionTimes {
  const fenceMarginMs = FENCE_MARGIN_MS + leaseDurationMs * CLOCK_DRIFT;
  return {
    leaseDurationMs,
    renewIntervalMs,
    fenceMarginMs,
    clockDrift: CLOCK_DRIFT,
    lifetimeRoomMs: LIFETIME_ROOM_MS,
    lifetimeMarginMs: Math.max(0, KERNEL_LATENESS_MS - LIFETIME_ROOM_MS - fenceMarginMs),
    retryMs: Math.min(250, leaseDurationMs / 20),
    jitterMs: 50,
    requestTimeoutMs: Math.min(leaseDurationMs / 5, 5000),
    // A holder renews far more often than this: silence means a dead connection.
    watchSilenceMs: leaseDurationMs * 2 + 5000,
  };
}
