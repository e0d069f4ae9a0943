import { happen, LONGEST_EDIT_SECONDS } from "./actions.ts";
import { ApiServer } from "./api_server.ts";
import { Checker, type Violation } from "./checker.ts";
import { FastNet } from "./fast_net.ts";
import { HandoverNet } from "./handover_net.ts";
import type { Log } from "./log.ts";
import type { Mutation } from "./mutation.ts";
import { Node } from "./node.ts";
import { between, derive, type Random, seeded } from "./random.ts";
import type { Schedule } from "./schedule.ts";
import { Timeline } from "./timeline.ts";

/** What came of a simulation. */
export interface Outcome {
  readonly violation: Violation | undefined;
  readonly elections: number;
  readonly frames: number;
  readonly events: number;
  /** In fast mode: how often the witness found a holder dead. */
  readonly steals: number;
  /** In fast mode: how often two nodes had the VIP, and for how long in all. */
  readonly overlaps: number;
  readonly overlapMs: number;
}

/** Turns of the microtask queue after which every promise of a process has settled. */
const TURNS = 8;

/** Everything there is in one simulation. */
export class World {
  readonly schedule: Schedule;
  readonly mutation: Mutation;
  readonly timeline = new Timeline();
  readonly random: Random;
  readonly server = new ApiServer();
  readonly fast: FastNet | undefined;
  readonly handovers: HandoverNet;
  readonly checker: Checker;
  readonly nodes: readonly Node[];
  readonly note: Log["note"];
  /** Whether agents are started again. */
  open = true;
  #ran = false;

  constructor(schedule: Schedule, mutation: Mutation, log: Log | undefined) {
    this.schedule = schedule;
    this.mutation = mutation;
    this.note = log === undefined
      ? () => {}
      : (who, text, routine) => log.note(who, text, routine, this.timeline.nowMs);
    if (log !== undefined) {
      this.server.onChange((by) => log.lease(by, this.server.lease, this.note));
    }
    this.random = seeded(derive(schedule.seed, 1));
    this.fast = schedule.fast && new FastNet(this, schedule.fast);
    this.checker = this.fast?.checker ?? new Checker(this);
    this.handovers = new HandoverNet(this);
    this.nodes = schedule.nodes.map((_, i) => new Node(this, i));
  }

  /** Code of a process was run: what it awaits goes on before time does. */
  readonly ran = (): void => {
    this.#ran = true;
  };

  /** Plays the schedule, then waits for a holder, then ends all agents. */
  async play(): Promise<Outcome> {
    const { schedule, timeline, checker, nodes } = this;
    for (const node of nodes) timeline.at(between(this.random, 0, 500), () => node.start());
    for (const action of schedule.actions) timeline.at(action.atMs, () => happen(this, action));
    let events = await this.#until(schedule.endMs);
    const boundMs = this.#takeOverMs;
    let served = false;
    events += await this.#until(schedule.endMs + boundMs, () => served = checker.served);
    if (!served) checker.notServed(boundMs);
    checker.finished();
    this.open = false;
    for (const node of nodes) node.terminate();
    const atRest = ({ process, kernel }: Node) => !process && !kernel.present;
    const endMs = timeline.nowMs + 2 * schedule.leaseDurationMs;
    events += await this.#until(endMs, () => nodes.every(atRest));
    if (!nodes.every(atRest)) checker.notAtRest(nodes.filter((node) => !atRest(node)));
    const { violation, elections, frames } = checker;
    const { steals = 0, overlaps = 0, overlapMs = 0 } = this.fast?.checker ?? {};
    return { violation, elections, frames, events, steals, overlaps, overlapMs };
  }

  /** @returns how many things happened */
  async #until(endMs: number, done: () => boolean = () => false): Promise<number> {
    const { timeline, checker } = this;
    let events = 0;
    while (timeline.nowMs < endMs && checker.violation === undefined && !done()) {
      if (!timeline.step()) break;
      events++;
      if (!this.#ran) continue;
      this.#ran = false;
      for (let turn = 0; turn < TURNS; turn++) await null;
    }
    return events;
  }

  /** By when somebody holds once nothing goes wrong any more. */
  get #takeOverMs(): number {
    const { leaseDurationMs } = this.schedule;
    // A claim in the Lease that is longer than one's own is waited for; then a request that hangs,
    // and, where less than a second was left to hold, the reconciler.
    return Math.max(leaseDurationMs, LONGEST_EDIT_SECONDS * 1000) * 1.03 + leaseDurationMs + 8000;
  }
}

/** Plays a schedule. @param log keeps what happens, for people */
export async function simulate(
  schedule: Schedule,
  mutation: Mutation = {},
  log?: Log,
): Promise<Outcome> {
  using _patch = mutation.patch?.();
  return await new World(schedule, mutation, log).play();
}
