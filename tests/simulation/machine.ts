import type { Timeline } from "./timeline.ts";

/** What a machine's clocks are like. */
export interface ClockPlan {
  /** How fast its time runs: 1.005 gains 5 ms a second. */
  readonly rate: number;
  /** Reading of its boot clock when the simulation begins. */
  readonly bootMs: number;
}

const WALL_CLOCK_START_MS = Date.UTC(2026, 0, 1);

/**
 * The clocks of a node. Boot time goes on while the machine is suspended; timers and the kernel's
 * jiffies, which count the lifetimes of addresses, stand still (clock_gettime(2), timer(7)).
 */
export class Machine {
  readonly name: string;
  readonly #timeline: Timeline;
  readonly #plan: ClockPlan;
  #rebootedAtMs = 0;
  #asleepMs = 0;
  #asleepSinceMs = -Infinity;
  #asleepUntilMs = -Infinity;
  #wallForwardMs = 0;
  #wallBackMs = 0;
  readonly #onWake: (() => void)[] = [];

  constructor(name: string, timeline: Timeline, plan: ClockPlan) {
    this.name = name;
    this.#timeline = timeline;
    this.#plan = plan;
  }

  /** CLOCK_BOOTTIME. */
  bootMs(): number {
    return this.#sinceStartMs - this.#rebootedAtMs;
  }

  /** Boot time begins anew. */
  reboot(): void {
    this.#rebootedAtMs = this.#sinceStartMs;
  }

  get #sinceStartMs(): number {
    return this.#plan.bootMs + this.#timeline.nowMs * this.#plan.rate;
  }

  wallMs(): number {
    return WALL_CLOCK_START_MS + this.#sinceStartMs + this.#wallForwardMs + this.#wallBackMs;
  }

  /** How far the wall clock was set forward and back, in all. */
  get wallJumps(): { readonly forwardMs: number; readonly backMs: number } {
    return { forwardMs: this.#wallForwardMs, backMs: this.#wallBackMs };
  }

  setWallClock(byMs: number): void {
    if (byMs > 0) this.#wallForwardMs += byMs;
    else this.#wallBackMs += byMs;
  }

  /** Until all is told that it woke, also at the very instant of that. */
  get asleep(): boolean {
    return this.#asleepSinceMs !== -Infinity;
  }

  get asleepUntilMs(): number {
    return this.#asleepUntilMs;
  }

  /** Calls back whenever the machine was suspended and goes on. */
  onWake(run: () => void): void {
    this.#onWake.push(run);
  }

  suspend(ms: number): void {
    if (this.asleep) return;
    this.#asleepSinceMs = this.#timeline.nowMs;
    this.#asleepUntilMs = this.#timeline.nowMs + ms;
    this.#timeline.after(ms, () => {
      this.#asleepMs += ms;
      this.#asleepSinceMs = -Infinity;
      for (const run of this.#onWake) run();
    });
  }

  /** Runs after this much of the machine's own time, of which none passes in suspend. */
  afterAwake(localMs: number, run: () => void): void {
    const dueMs = this.#awakeMs() + localMs / this.#plan.rate;
    const look = () => {
      const leftMs = dueMs - this.#awakeMs();
      if (leftMs > 1e-6) this.#timeline.at(this.#wakesAtMs() + leftMs, look);
      else if (this.asleep) this.#timeline.at(this.#asleepUntilMs, look);
      else run();
    };
    this.#timeline.at(this.#wakesAtMs() + dueMs - this.#awakeMs(), look);
  }

  #wakesAtMs(): number {
    return Math.max(this.#timeline.nowMs, this.#asleepUntilMs);
  }

  /** Time that the machine was not suspended. */
  #awakeMs(): number {
    const nowMs = this.#asleepSinceMs === -Infinity ? this.#timeline.nowMs : this.#asleepSinceMs;
    return nowMs - this.#asleepMs;
  }
}
