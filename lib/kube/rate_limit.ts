import type { WatchClock } from "./watch.ts";

/** A token bucket: so many requests at once, then so many a second. */
export class RateLimit {
  readonly #clock: WatchClock;
  readonly #perSecond: () => number;
  readonly #burstSeconds: number;
  #tokens: number;
  #refilledAtMs: number;

  /**
   * @param perSecond asked each time: it may change
   * @param burstSeconds the tokens of so many seconds may be taken at once
   */
  constructor(clock: WatchClock, perSecond: () => number, burstSeconds: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burstSeconds = burstSeconds;
    this.#tokens = Infinity;
    this.#refilledAtMs = clock.nowMs();
  }

  /** Takes a token. @returns 0; without one, how long to wait for the next, in milliseconds */
  tryTake(): number {
    const [nowMs, rate] = [this.#clock.nowMs(), this.#perSecond()];
    const gained = (nowMs - this.#refilledAtMs) * rate / 1000;
    this.#tokens = Math.min(Math.max(1, rate * this.#burstSeconds), this.#tokens + gained);
    this.#refilledAtMs = nowMs;
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) * 1000 / rate);
    this.#tokens--;
    return 0;
  }

  /** Resolves with a token, or when the signal aborts. */
  async take(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = this.tryTake();
      if (waitMs === 0) return;
      await this.#clock.until(this.#clock.nowMs() + waitMs, signal);
    }
  }
}
