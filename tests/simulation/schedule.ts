import type { FastPlan } from "./fast_schedule.ts";
import { between, pick, type Random, seeded } from "./random.ts";
import type { SegmentKind } from "./segment_actions.ts";

/** Stands for the node that has the VIP at that time, in an action's `node`. */
export const WHO_HOLDS = -1;

export const KINDS = [
  // Of a process or a machine, for `ms`.
  "stall",
  "crash",
  "terminate",
  "reboot",
  "suspend",
  "set wall clock",
  // Of the wire between a node and the API server, for `ms`.
  "slow requests",
  "slow answers",
  "lost requests",
  "lost answers",
  "repeated requests",
  "errors",
  "late watch",
  "cut off",
  "break watch",
  // Of the API server, for `ms`.
  "stop server",
  // Of somebody's hand.
  "delete Lease",
  "empty holder",
  "edit duration",
  "strip annotations",
  "rename holder",
  "label Lease",
] as const;
export type ActionKind = typeof KINDS[number] | SegmentKind;

/** Something that happens to a node, or to the API server. */
export interface Action {
  readonly atMs: number;
  readonly kind: ActionKind;
  readonly node: number;
  /** How long it lasts. */
  readonly ms: number;
  /** How much of it, from −1 to 1: what of is the kind's affair. */
  readonly amount: number;
}

export interface NodePlan {
  readonly identity: string;
  /** How fast its clocks run. */
  readonly rate: number;
}

/** All that happens in one simulation; what it does not say follows from its seed. */
export interface Schedule {
  readonly seed: number;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  readonly nodes: readonly NodePlan[];
  readonly actions: readonly Action[];
  readonly endMs: number;
  /** Only in fast mode. */
  readonly fast?: FastPlan;
}

/** @param drift by how much the clocks of two nodes differ in speed at most */
export function randomSchedule(seed: number, drift: number): Schedule {
  const random = seeded(seed);
  const leaseDurationMs = pick(random, [2000, 3000, 5000, 5000, 5000, 5000, 10_000, 15_000]);
  const count = pick(random, [2, 2, 3, 3, 3, 4, 5]);
  // Two machines of one name, as cloned images have it: nothing but the incarnation differs.
  const namesakes = random() < 0.15;
  const nodes = Array.from({ length: count }, (_, i) => ({
    identity: `node-${namesakes && i === 1 ? 0 : i}`,
    // The extremes are what matters.
    rate: 1 + drift * pick(random, [-0.5, 0, 0.5, random() - 0.5]),
  }));
  const endMs = Math.max(45_000, leaseDurationMs * between(random, 9, 15));
  const actions: Action[] = [];
  let atMs = between(random, 0, leaseDurationMs);
  let action: Action | undefined;
  while (atMs < endMs) {
    action = followUp(random, action, atMs, count) ??
      randomAction(random, atMs, leaseDurationMs, count);
    actions.push({ ...action, ms: Math.min(action.ms, endMs - atMs) });
    // Troubles seldom come alone, and the worst ones close together.
    atMs += random() < 0.6
      ? random() * random() * leaseDurationMs
      : between(random, 0.5, 3) * leaseDurationMs;
  }
  const renewIntervalMs = leaseDurationMs * 0.3;
  return { seed, leaseDurationMs, renewIntervalMs, nodes, actions, endMs };
}

function randomAction(
  random: Random,
  atMs: number,
  leaseDurationMs: number,
  count: number,
): Action {
  return {
    atMs,
    kind: pick(random, KINDS),
    node: random() < 0.5 ? WHO_HOLDS : Math.floor(random() * count),
    ms: between(random, 0.01, 1) * between(random, 0.1, 3) * leaseDurationMs,
    amount: between(random, -1, 1),
  };
}

/** The same once more, or a process that is gone for long while its messages are in trouble. */
function followUp(
  random: Random,
  last: Action | undefined,
  atMs: number,
  count: number,
): Action | undefined {
  // In the midst of a handover, to whoever may be about to take over.
  if (last?.kind === "terminate" && random() < 0.5) {
    return {
      ...last,
      atMs: last.atMs + between(random, 0, 30),
      kind: pick(random, ["cut off", "late watch", "stall", "suspend", "crash", "lost answers"]),
      node: Math.floor(random() * count),
      ms: 4 * last.ms,
    };
  }
  const chance = random();
  if (last === undefined || chance > (last.kind === "slow answers" ? 0.7 : 0.3)) return undefined;
  if (chance < 0.07) return { ...last, atMs };
  return { ...last, atMs, kind: pick(random, ["stall", "crash"]), ms: 4 * last.ms };
}
