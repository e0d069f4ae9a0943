import { GAP_BOUND_MS } from "./bound.ts";
import { Random } from "./random.ts";

type Scope = "process" | "api" | "cable" | "segment" | "server" | "lease" | "address" | "clock";

/** What can be done, and to what. */
interface KindOfFault {
  readonly weight: number;
  /** How long, in milliseconds; [0, 0]: it is over at once. */
  readonly forMs: readonly [min: number, max: number];
  /** Of the faults with one scope, a node (or what all share) has one at a time. */
  readonly scope: Scope;
  readonly to: "node" | "nodes" | "all";
  /** Nobody whom it is done to can take or keep the Lease meanwhile. */
  readonly disables?: true;
  /** It may cost the time of one Lease. */
  readonly setback?: true;
  /** Nodes don't hear each other meanwhile. */
  readonly separates?: true;
  /** A real API server can't be asked for it. */
  readonly embeddedOnly?: true;
}

const WHILE: readonly [number, number] = [300, 8000];
const SHORT: readonly [number, number] = [500, 4000];
const ONCE: readonly [number, number] = [0, 0];
const separates = true;
const server = { scope: "server", to: "all", embeddedOnly: true } as const;
const lease = { scope: "lease", to: "all", weight: 1, forMs: ONCE, setback: true } as const;

export const KINDS = {
  "SIGKILL": { weight: 4, forMs: WHILE, scope: "process", to: "node", disables: true },
  "SIGSTOP": { weight: 4, forMs: WHILE, scope: "process", to: "node", disables: true },
  "SIGTERM": { weight: 6, forMs: SHORT, scope: "process", to: "node", disables: true },
  "API cut off": { weight: 4, forMs: WHILE, scope: "api", to: "node", disables: true },
  "API cut off from all": { weight: 1, forMs: WHILE, scope: "server", to: "all", disables: true },
  "API server restarts": { weight: 1, forMs: SHORT, scope: "server", to: "all", disables: true },
  "link down": { weight: 3, forMs: WHILE, scope: "cable", to: "node", disables: true, separates },
  "partition": { weight: 2, forMs: WHILE, scope: "cable", to: "nodes", disables: true, separates },
  // Each node reaches the API server, and no other node.
  "segment cut": { weight: 3, forMs: WHILE, scope: "segment", to: "all", separates },
  // An hour ahead, and then set back by that.
  "wall clock wrong": { weight: 3, forMs: WHILE, scope: "clock", to: "node" },
  "API slow": { weight: 2, forMs: WHILE, ...server },
  "API stalls": { weight: 1, forMs: SHORT, ...server, disables: true },
  "API errors": { weight: 1, forMs: SHORT, ...server, disables: true },
  "answers lost": { weight: 2, forMs: SHORT, ...server, setback: true },
  "writes applied late": { weight: 2, forMs: SHORT, ...server, setback: true },
  "writes applied twice": { weight: 2, forMs: SHORT, ...server, setback: true },
  "connections reset": { weight: 1, forMs: ONCE, ...server, setback: true },
  "watches stale": { weight: 1, forMs: SHORT, ...server },
  "watches mute": { weight: 1, forMs: SHORT, ...server },
  "Lease deleted": lease,
  "Lease emptied": lease,
  "Lease given to nobody known": lease,
  "Lease edited to nonsense": lease,
  "Lease moved": { ...lease, weight: 5, to: "node" },
  "address flushed": { weight: 3, forMs: ONCE, scope: "address", to: "node" },
} as const satisfies Record<string, KindOfFault>;

export type Kind = keyof typeof KINDS;

/** One thing to do. */
export interface Step {
  readonly kind: Kind;
  /** From the start of the run. */
  readonly atMs: number;
  readonly forMs: number;
  /** Indexes; empty: what all nodes share. */
  readonly nodes: readonly number[];
  /** To the node that has the VIPs then, if there is one: most of what happens to others is no test. */
  readonly holder: boolean;
  /** Nothing else happens meanwhile. */
  readonly calm?: true;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly durationMs: number;
  /** The API server is the lab's own. */
  readonly embedded: boolean;
  /** Wall clocks can be set. */
  readonly clock: boolean;
  readonly fast: boolean;
}

/** A storm of faults, one in so many milliseconds, and then peace until all must be well. */
const STORM_MS = [8000, 18_000] as const;
const PACES: readonly (readonly [min: number, max: number])[] = [
  [100, 600],
  [300, 1500],
  [1000, 3000],
];
/** The part of the faults of one node that are for the holder. */
const AT_HOLDER = 0.5;
const PEACE_MS = GAP_BOUND_MS + 500;
/** A run that is longer than this begins with what happens on purpose, one thing after another. */
const CALM_FROM_MS = 35_000;
const CALM_EVERY_MS = 3000;
const CALM_FOR_MS = 1000;
const CALM_KINDS = ["SIGTERM", "Lease moved", "SIGTERM", "Lease moved"] as const;
/** A crash is noticed at once, a process that stands still is none, and deaf nodes take over. */
const CALM_FAST_KINDS = ["SIGKILL", "SIGSTOP", "segment cut"] as const;

/** Random faults, the same ones for the same options. In the end there is time to recover. */
export function schedule(options: ScheduleOptions): Step[] {
  const { seed, nodes, durationMs, embedded, clock } = options;
  const random = new Random(seed);
  const kinds = (Object.keys(KINDS) as Kind[])
    .filter((kind) => embedded || !("embeddedOnly" in KINDS[kind]))
    .filter((kind) => clock || kind !== "wall clock wrong");
  const steps = durationMs < CALM_FROM_MS ? [] : calm(options);
  let atMs = steps.length * CALM_EVERY_MS;
  do {
    const stormEndMs = Math.min(
      atMs + random.between(...STORM_MS),
      Math.max(durationMs - PEACE_MS, atMs + STORM_MS[0] / 2),
    );
    const pace = random.pick(PACES);
    /** When a scope of a node is free for the next fault, within this storm. */
    const freeAtMs = new Map<string, number>();
    for (atMs += random.between(...pace); atMs < stormEndMs; atMs += random.between(...pace)) {
      const kind = random.weighted(kinds, (kind) => KINDS[kind].weight);
      const { forMs: [min, max], to }: KindOfFault = KINDS[kind];
      const chosen = choose(random, to, nodes);
      const forMs = Math.min(random.between(min, max), stormEndMs - atMs);
      const keys = occupied(kind, chosen);
      if (forMs < min || keys.some((key) => (freeAtMs.get(key) ?? 0) > atMs)) continue;
      for (const key of keys) freeAtMs.set(key, atMs + forMs);
      // The Lease is moved to somebody else.
      const holder = to === "node" && kind !== "Lease moved" && random.next() < AT_HOLDER;
      steps.push({ kind, atMs, forMs, nodes: chosen, holder });
    }
    atMs = stormEndMs + PEACE_MS;
  } while (atMs + STORM_MS[0] / 2 + PEACE_MS <= durationMs);
  return steps;
}

function calm({ nodes, fast }: ScheduleOptions): Step[] {
  const kinds = [...CALM_KINDS, ...fast ? CALM_FAST_KINDS : []];
  return kinds.map((kind, i) => ({
    kind,
    atMs: i * CALM_EVERY_MS,
    forMs: Math.min(CALM_FOR_MS, KINDS[kind].forMs[1]),
    nodes: KINDS[kind].to === "all" ? [] : [i % nodes],
    holder: kind !== "Lease moved" && kind !== "segment cut",
    calm: true,
  }));
}

/** What a fault needs for itself as long as it lasts. */
export function occupied(kind: Kind, nodes: readonly number[]): string[] {
  const { scope } = KINDS[kind];
  return nodes.length === 0 ? [scope] : nodes.map((node) => `${scope} ${node}`);
}

function choose(random: Random, to: KindOfFault["to"], nodes: number): number[] {
  if (to === "all") return [];
  const first = random.between(0, nodes - 1);
  if (to === "node") return [first];
  const count = random.between(1, nodes - 1);
  return Array.from({ length: count }, (_, i) => (first + i) % nodes).sort();
}
