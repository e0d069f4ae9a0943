import type { Clock } from "../election/clock.ts";

/** How far an instance has come since it began: 1: its VIPs are up, or it stands by; 2: all done. */
export type StartStage = 0 | 1 | 2;

/** A class of higher priority that cannot begin must not hold up the others for longer. */
const PATIENCE_MS = 1000;
/** A take-over later on is no start: then nobody waits for anybody. */
const START_MS = 15_000;
const LOOK_MS = 10;

/** Lets the instances of higher priority of this process go first, for a bounded time. */
export class StartOrder {
  readonly #clock: Clock;
  readonly #isAwaited: (stage: StartStage) => boolean;
  readonly #startedMs: number;
  #untilMs: number | undefined;

  constructor(clock: Clock, isAwaited: (stage: StartStage) => boolean) {
    this.#clock = clock;
    this.#isAwaited = isAwaited;
    this.#startedMs = clock.nowMs();
  }

  /** @returns how long to wait before asking again; 0: it is this instance's turn */
  waitMs(stage: StartStage): number {
    const nowMs = this.#clock.nowMs();
    this.#untilMs ??= Math.min(nowMs + PATIENCE_MS, this.#startedMs + START_MS);
    return nowMs < this.#untilMs && this.#isAwaited(stage) ? LOOK_MS : 0;
  }

  /** Resolves when it is this instance's turn, or the signal aborts. */
  async turn(stage: StartStage, signal: AbortSignal): Promise<void> {
    for (let waitMs = this.waitMs(stage); waitMs > 0; waitMs = this.waitMs(stage)) {
      if (signal.aborted) return;
      await this.#clock.until(this.#clock.nowMs() + waitMs, signal);
    }
  }
}
