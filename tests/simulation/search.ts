import type { Violation } from "./checker.ts";
import { Log } from "./log.ts";
import type { Mutation } from "./mutation.ts";
import { derive } from "./random.ts";
import { randomSchedule, type Schedule } from "./schedule.ts";
import { simulate } from "./world.ts";

export interface SearchOptions {
  readonly seed: number;
  readonly schedules: number;
  readonly mutation?: Mutation;
  /** By how much the clocks of two nodes differ in speed at most; 1 % is what is allowed for. */
  readonly drift?: number;
  /** Default: a schedule in strict mode. */
  readonly make?: (seed: number, drift: number) => Schedule;
}

/** What many simulations found. */
export interface Findings {
  /** Of the first schedule that went wrong. */
  readonly failing: Schedule | undefined;
  readonly violation: Violation | undefined;
  /** How many schedules were played, that one included. */
  readonly played: number;
  readonly elections: number;
  readonly frames: number;
  readonly simulatedMs: number;
  readonly steals: number;
  readonly overlaps: number;
  readonly overlapMs: number;
}

const DRIFT = 0.01;

/** Plays random schedules until one goes wrong. */
export async function search(options: SearchOptions): Promise<Findings> {
  const { seed, schedules, mutation, drift = DRIFT, make = randomSchedule } = options;
  let [played, elections, frames, simulatedMs] = [0, 0, 0, 0];
  let [steals, overlaps, overlapMs] = [0, 0, 0];
  let [failing, violation]: [Schedule?, Violation?] = [];
  while (played < schedules && failing === undefined) {
    const schedule = make(derive(seed, played++), drift);
    const outcome = await simulate(schedule, mutation);
    elections += outcome.elections;
    frames += outcome.frames;
    steals += outcome.steals;
    overlaps += outcome.overlaps;
    overlapMs += outcome.overlapMs;
    simulatedMs += schedule.endMs;
    if (outcome.violation !== undefined) [failing, violation] = [schedule, outcome.violation];
  }
  const counts = { elections, frames, simulatedMs, steals, overlaps, overlapMs };
  return { failing, violation, played, ...counts };
}

/** A schedule and its time line, for people. */
export async function explain(schedule: Schedule, mutation?: Mutation): Promise<string> {
  const log = new Log();
  await simulate(schedule, mutation, log);
  const { leaseDurationMs, nodes } = schedule;
  const clocks = nodes.map(({ identity, rate }) =>
    `${identity} ${((rate - 1) * 100).toFixed(2)} %`
  );
  return `leaseDuration ${leaseDurationMs} ms, clocks: ${clocks.join(", ")}\n${log.text()}`;
}
