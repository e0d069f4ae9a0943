import type { Clock } from "../../lib/election/clock.ts";

/** Real time, for tests with real connections: requests take some. */
export const realClock: Clock = {
  nowMs: () => performance.now(),
  until(atMs, signal) {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal.aborted) return Promise.resolve();
    const waitMs = Math.min(atMs - performance.now(), 2 ** 31 - 1);
    const timer = setTimeout(resolve, waitMs);
    signal.addEventListener("abort", () => resolve(), { once: true });
    return promise.finally(() => clearTimeout(timer));
  },
};
