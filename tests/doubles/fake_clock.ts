import { setImmediate } from "node:timers";
import type { Clock } from "../../lib/election/clock.ts";

/** Time that passes only in `advance()`. Waiters wake in the order of their times. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #waiters = new Set<{ atMs: number; wake: () => void }>();

  constructor(startMs = 1_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** How many wait for a time or a signal. */
  get waiting(): number {
    return this.#waiters.size;
  }

  until(atMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || atMs <= this.#nowMs) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter = {
        atMs,
        wake: () => {
          this.#waiters.delete(waiter);
          signal?.removeEventListener("abort", waiter.wake);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", waiter.wake);
    });
  }

  /** Lets time pass; what a waiter does at its time is done before the next one wakes. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      let next: { atMs: number; wake: () => void } | undefined;
      for (const waiter of this.#waiters) {
        if (waiter.atMs <= targetMs && waiter.atMs < (next?.atMs ?? Infinity)) next = waiter;
      }
      if (next === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
      await settled();
    }
    this.#nowMs = targetMs;
    await settled();
  }

  /** Time passes and nobody gets to act, as when the process is stopped; then all wake. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }
}

/** Resolves when every promise that can go on without time or I/O has done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
