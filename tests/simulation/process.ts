import type { Clock } from "../../lib/election/clock.ts";
import type { Machine } from "./machine.ts";
import { between, type Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

/** Deno's timers come a little late. */
const TIMER_LATENESS_MS = 0.5;
/** lib/sys/clock.ts looks again this often, since timers stand still in suspend. */
const LONGEST_TIMER_MS = 1000;
/** Who looks at the clock more often than this at one instant goes round and round. */
const MOST_LOOKS = 10_000;

/** When a process runs: nothing wakes it while it is stopped, and nothing at all once it is dead. */
export class Process {
  readonly #timeline: Timeline;
  readonly #machine: Machine;
  readonly #random: Random;
  readonly #onRun: () => void;
  #alive = true;
  #stoppedUntilMs = -Infinity;
  /** Whether timers come before messages when it goes on; it may be either. */
  #timersFirst = false;

  /** @param onRun called whenever code of the process was run */
  constructor(timeline: Timeline, machine: Machine, random: Random, onRun: () => void) {
    this.#timeline = timeline;
    this.#machine = machine;
    this.#random = random;
    this.#onRun = onRun;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stopped(): boolean {
    return this.#timeline.nowMs < this.#stoppedUntilMs;
  }

  /** Whether nothing kept it from running since then. */
  ranSince(atMs: number): boolean {
    return this.#alive && this.#stoppedUntilMs <= atMs && this.#machine.asleepUntilMs <= atMs;
  }

  /** SIGKILL, or the end. */
  die(): void {
    this.#alive = false;
  }

  /** SIGSTOP, and SIGCONT later. */
  stop(ms: number): void {
    this.#stoppedUntilMs = Math.max(this.#stoppedUntilMs, this.#timeline.nowMs + ms);
    this.#timersFirst = this.#random() < 0.5;
  }

  /** Runs code of the process as soon as it can run. */
  wake(run: () => void, kind: "timer" | "message" = "message"): void {
    if (!this.#alive) return;
    if (this.#machine.asleep) {
      this.#timeline.at(this.#machine.asleepUntilMs, () => this.wake(run, kind));
    } else if (this.stopped) {
      const laterMs = (kind === "timer") === this.#timersFirst ? 0 : 0.2;
      this.#timeline.at(this.#stoppedUntilMs + laterMs, () => this.wake(run, kind));
    } else {
      run();
      this.#onRun();
    }
  }

  /** setTimeout(): on the monotonic clock, which stands still in suspend. */
  timer(ms: number, run: () => void): void {
    const lateMs = between(this.#random, 0, TIMER_LATENESS_MS);
    this.#machine.afterAwake(ms + lateMs, () => this.wake(run, "timer"));
  }

  /** As BootClock of lib/sys/clock.ts does it. */
  clock(read: () => number): Clock {
    let [instantMs, looks] = [NaN, 0];
    const nowMs = () => {
      if (instantMs !== this.#timeline.nowMs) [instantMs, looks] = [this.#timeline.nowMs, 0];
      // Else neither the simulation would end, nor the test that waits for it.
      if (++looks > MOST_LOOKS) throw new Error("the agent spins: no time passes");
      return read();
    };
    return {
      nowMs,
      until: (atMs, signal) =>
        new Promise((resolve) => {
          let settled = false;
          const finish = () => {
            settled = true;
            signal.removeEventListener("abort", finish);
            resolve();
          };
          const look = () => {
            const leftMs = atMs - nowMs();
            if (leftMs <= 0) return finish();
            const waitMs = Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS) +
              between(this.#random, 0, TIMER_LATENESS_MS);
            this.#machine.afterAwake(waitMs, () => {
              if (!settled) this.wake(() => void (settled || look()), "timer");
            });
          };
          if (signal.aborted) return resolve();
          signal.addEventListener("abort", finish);
          look();
        }),
    };
  }
}
