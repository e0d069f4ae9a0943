import { between, derive, pick, type Random, seeded } from "./random.ts";
import { type Action, type ActionKind, KINDS, type Schedule, WHO_HOLDS } from "./schedule.ts";
import { SEGMENT_KINDS } from "./segment_actions.ts";

/** What a schedule in fast mode has besides. */
export interface FastPlan {
  /** From one beacon to the next. */
  readonly intervalMs: number;
  /** Addresses are on the interface itself, and stay there after a crash. */
  readonly withoutDevice: boolean;
  /** What may happen at most, where a schedule says that. */
  readonly mostElections?: number;
  readonly mostGapMs?: number;
}

/** In lease durations: the first election is over. */
const SETTLED = 1.8;
/** Not all directions of the same pairs of nodes. */
const ONE_WAY: readonly ActionKind[] = ["mute", "deaf", "cut ways"];
const SINGLE: readonly ActionKind[] = [...ONE_WAY, "isolated", "parted", "crash", "reboot"];

/** A schedule in fast mode. One in four has one trouble only, and says what that may lead to. */
export function randomFastSchedule(seed: number, drift: number): Schedule {
  const random = seeded(derive(seed, 3));
  if (random() < 0.75) return many(random, seed, drift);
  return single(random, seed, drift, pick(random, SINGLE));
}

function frame(random: Random, seed: number, drift: number) {
  const leaseDurationMs = pick(random, [2000, 2000, 3000, 5000]);
  const nodes = Array.from({ length: pick(random, [2, 2, 3, 3, 4]) }, (_, i) => ({
    identity: `node-${i}`,
    rate: 1 + drift * pick(random, [-0.5, 0, 0.5, random() - 0.5]),
  }));
  const renewIntervalMs = leaseDurationMs * 0.3;
  const intervalMs = pick(random, [50, 100, 100, 200]);
  return { seed, leaseDurationMs, renewIntervalMs, nodes, intervalMs };
}

function many(random: Random, seed: number, drift: number): Schedule {
  const { intervalMs, ...rest } = frame(random, seed, drift);
  const { leaseDurationMs, nodes } = rest;
  const startMs = SETTLED * leaseDurationMs;
  const endMs = startMs + between(random, 5000, 15_000);
  const actions: Action[] = [];
  for (let atMs = startMs; atMs < endMs;) {
    const onSegment = random() < 0.6;
    const kind: ActionKind = pick(random, onSegment ? SEGMENT_KINDS : KINDS);
    const longest = (onSegment ? 20 * intervalMs : 0) + leaseDurationMs;
    const node = random() < 0.6 ? WHO_HOLDS : Math.floor(random() * nodes.length);
    const ms = Math.min(between(random, 0.02, 1) ** 2 * 2 * longest, endMs - atMs);
    actions.push({ atMs, kind, node, ms, amount: between(random, -1, 1) });
    // A take-over that was begun gets through only when nodes hear each other again.
    if (onSegment && random() < 0.2) {
      const more = { kind: "stop server", node, amount: between(random, -1, 1) } as const;
      const moreMs = Math.min(ms + between(random, 1, 10) * intervalMs, endMs - atMs);
      actions.push({ ...more, atMs, ms: moreMs });
    }
    atMs += random() < 0.7
      ? random() * random() * 10 * intervalMs
      : between(random, 0.3, 1.5) * leaseDurationMs;
  }
  return { ...rest, endMs, actions, fast: { intervalMs, withoutDevice: random() < 0.3 } };
}

/** A partition in which some nodes hear others that don't hear them, and nothing else. */
export function asymmetricPartition(seed: number, drift: number): Schedule {
  const random = seeded(derive(seed, 4));
  return single(random, seed, drift, pick(random, ONE_WAY));
}

/** A crash, or one way or another in which nodes don't hear each other, and nothing else. */
function single(random: Random, seed: number, drift: number, kind: ActionKind): Schedule {
  const { intervalMs, ...rest } = frame(random, seed, drift);
  const atMs = SETTLED * rest.leaseDurationMs + between(random, 600, 1200);
  const ms = between(random, 20, 60) * intervalMs;
  const crash = kind === "crash" || kind === "reboot";
  const endMs = atMs + ms + 15 * intervalMs;
  const amount = random();
  const attack: Action = { atMs: 0, kind: "replay", node: 0, ms: endMs, amount };
  const actions: Action[] = [
    ...random() < 0.5 ? [attack] : [],
    { atMs, kind, node: WHO_HOLDS, ms, amount },
  ];
  // The last missed beacon, the way to the API server and back, and what timers and clocks lose.
  const gapMs = crash ? 3.5 * intervalMs * 1.02 + 60 : 60;
  return {
    ...rest,
    endMs,
    actions,
    fast: { intervalMs, withoutDevice: false, mostElections: 2, mostGapMs: gapMs },
  };
}
