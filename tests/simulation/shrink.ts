import type { Mutation } from "./mutation.ts";
import type { Action, Schedule } from "./schedule.ts";
import { simulate } from "./world.ts";

/** What a change leaves out shifts all later chances: each is tried with this many seeds. */
const SEEDS_TRIED = 6;

/** Makes a schedule that goes wrong as short as it gets while it still goes wrong. */
export async function shrink(schedule: Schedule, mutation?: Mutation): Promise<Schedule> {
  let smallest = await cut(schedule, mutation);
  for (let changed = true; changed;) {
    changed = false;
    for (const candidate of simpler(smallest)) {
      const failing = await stillFailing(candidate, mutation);
      if (failing === undefined) continue;
      smallest = await cut(failing, mutation);
      changed = true;
      break;
    }
  }
  return smallest;
}

/** Ends a schedule where it went wrong. */
async function cut(schedule: Schedule, mutation: Mutation | undefined): Promise<Schedule> {
  const { violation } = await simulate(schedule, mutation);
  const endMs = Math.min(schedule.endMs, violation?.atMs ?? Infinity) + 1;
  return { ...schedule, endMs, actions: schedule.actions.filter(({ atMs }) => atMs < endMs) };
}

function* simpler(schedule: Schedule): Generator<Schedule> {
  const { actions, nodes } = schedule;
  const withActions = (actions: readonly Action[]) => ({ ...schedule, actions });
  for (let size = actions.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from < actions.length; from += size) {
      yield withActions(actions.filter((_, i) => i < from || i >= from + size));
    }
  }
  const needed = Math.max(2, ...actions.map(({ node }) => node + 1));
  if (needed < nodes.length) yield { ...schedule, nodes: nodes.slice(0, -1) };
  const exact = nodes.map((node) => ({ ...node, rate: 1 }));
  if (nodes.some(({ rate }) => rate !== 1)) yield { ...schedule, nodes: exact };
  // Earlier, so that less routine comes before it.
  const first = actions[0]?.atMs ?? 0;
  for (const byMs of [first, first / 2, 5000]) {
    if (byMs < 1000 || byMs > first) continue;
    const earlier = actions.map((action) => ({ ...action, atMs: action.atMs - byMs }));
    yield { ...withActions(earlier), endMs: schedule.endMs - byMs };
  }
}

async function stillFailing(
  candidate: Schedule,
  mutation: Mutation | undefined,
): Promise<Schedule | undefined> {
  for (let i = 0; i < SEEDS_TRIED; i++) {
    const schedule = { ...candidate, seed: candidate.seed + i };
    if ((await simulate(schedule, mutation)).violation !== undefined) return schedule;
  }
  return undefined;
}
