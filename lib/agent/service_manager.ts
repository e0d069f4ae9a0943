import type { Clock } from "../election/clock.ts";
import type { Logger } from "../observe/logger.ts";
import type { Health } from "./health.ts";
import type { Task } from "./task.ts";

/** So often its state is looked at. */
const LOOK_MS = 500;
/** Signs of life for each that is wanted: one may be late. */
const SIGNS = 4;
/** What waits for the unit, such as a boot, does not wait for an API server any longer than this. */
const LONGEST_START_MS = 30_000;

export interface ServiceManagerParts {
  /** Sends a state to the service manager. @returns whether it went out */
  readonly send: (state: string) => boolean;
  /** It wants a sign of life this often; undefined: it wants none. */
  readonly watchdogMs: number | undefined;
  /** CLOCK_MONOTONIC. */
  readonly monotonicTimeUs: () => bigint;
  readonly health: Pick<Health, "live" | "ready">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Tells the service manager how the process does, in the words of sd_notify(3).
 *
 * - READY: every instance stands for its Lease, or knows what is in the way and says so in STATUS
 *   for LONGEST_START_MS by then.
 * - WATCHDOG: only while every part goes round its loop.
 */
export class ServiceManager implements Task {
  readonly name = "service manager";
  readonly #parts: ServiceManagerParts;
  #ready = false;
  #refused = false;
  #stopping = false;
  #status: string | undefined;
  #alive = true;

  constructor(parts: ServiceManagerParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, watchdogMs = Infinity } = this.#parts;
    const startedMs = clock.nowMs();
    while (!signal.aborted) {
      this.#look(clock.nowMs() - startedMs >= LONGEST_START_MS);
      await clock.until(clock.nowMs() + Math.min(LOOK_MS, watchdogMs / SIGNS), signal);
    }
  }

  /** Begins to read the settings again; {@linkcode reloaded} ends it. */
  reloading(): void {
    if (this.#ready) this.#send(`RELOADING=1\nMONOTONIC_USEC=${this.#parts.monotonicTimeUs()}`);
  }

  /** The settings were read again, whether they were taken or refused. */
  reloaded(ok: boolean): void {
    this.#refused = !ok;
    // Sent again with the next look where it did not go out.
    if (this.#ready) this.#ready = this.#parts.send("READY=1");
  }

  stopping(): void {
    this.#stopping = true;
    this.#send("STOPPING=1\nSTATUS=withdraws, verifies, releases");
  }

  #look(late: boolean): void {
    const { health, send, logger } = this.#parts;
    const { healthy } = health.live();
    if (healthy) this.#send("WATCHDOG=1");
    else if (this.#alive) logger.warn("the watchdog gets no sign of life: see /healthz");
    this.#alive = healthy;
    if (this.#stopping) return;
    const report = health.ready();
    // The first look comes before the first instance does.
    if (!report.checks.some(({ instance }) => instance !== undefined)) return;
    const problem = report.checks.find(({ ok }) => !ok);
    const state = problem === undefined
      ? "every instance stands for its Lease"
      : `waiting: ${problem.instance ?? ""} ${problem.name}: ${problem.problem}`.replace(
        /\s+/g,
        " ",
      );
    const status = state +
      (this.#refused ? "; the new settings are refused, those from before go on" : "");
    if (status !== this.#status && send(`STATUS=${status}`)) this.#status = status;
    if (!this.#ready && (report.healthy || late)) this.#ready = send("READY=1");
  }

  #send(state: string): void {
    // A service manager that is behind gets the next one.
    this.#parts.send(state);
  }
}
