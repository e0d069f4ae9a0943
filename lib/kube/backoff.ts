const firstMs = 200;
const lastMs = 5_000;
const retryAfterLimitMs = 60_000;

/**
 * Milliseconds to wait after the n-th failure in a row (n from 0): doubling, with jitter of half
 * either way, so that the nodes of a cluster don't come back all at once.
 *
 * @param random uniform in [0, 1).
 * @param retryAfterMs what the server asked for, if it did; a floor.
 */
export function backoffMs(failures: number, random: () => number, retryAfterMs = 0): number {
  const ms = Math.min(firstMs * 2 ** failures, lastMs) * (0.5 + random());
  return Math.max(ms, Math.min(retryAfterMs, retryAfterLimitMs));
}
