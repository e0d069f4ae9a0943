import { MOST_RANGES, type PoolSpec } from "../pools/pool.ts";
import { type AddressRange, merged, overlaps, parseRange } from "../pools/range.ts";
import type { ConfigProblem } from "./errors.ts";
import type { ControlPlaneConfig } from "./instance.ts";
import type { Resolved } from "./resolve.ts";
import { type Parsed, parseNamespace, parseObjectName } from "./values.ts";

/** A pool as it was given, with where each part of it stands. */
export interface GivenPool extends PoolSpec {
  readonly source: string;
  /** One for each of `addresses`. */
  readonly sources: readonly string[];
}

/** What a pool is when nobody says otherwise. */
export const POOL_DEFAULTS = {
  autoAssign: true,
  avoidEnds: false,
  namespaces: [],
  serviceSelector: [],
} as const;

/**
 * Pools: addresses with commas, which are one pool, or the JSON that reading a file made of its
 * pools. What is wrong with those of a file is told where it stands there.
 */
export function parsePools(text: string): Parsed<readonly GivenPool[]> {
  if (text === "") return { ok: true, value: [] };
  if (text.startsWith("[")) return { ok: true, value: JSON.parse(text) };
  const addresses = text.split(",").map((address) => address.trim());
  for (const address of addresses) {
    const parsed = parseRange(address);
    if (!parsed.ok) {
      return { ok: false, problem: `${address}: ${parsed.problem}`, right: parsed.right };
    }
  }
  return {
    ok: true,
    value: [{ ...POOL_DEFAULTS, name: "default", addresses, source: "", sources: [] }],
  };
}

/** `namespace/name`; empty text is none. */
export function parseConfigMapName(text: string): Parsed<string | undefined> {
  if (text === "") return { ok: true, value: undefined };
  const [namespace = "", name = "", ...rest] = text.split("/");
  const ok = rest.length === 0 && parseNamespace(namespace).ok && parseObjectName(name).ok;
  return ok ? { ok, value: text } : {
    ok,
    problem: "not a ConfigMap",
    right: "namespace/name, such as kube-system/kubevip",
  };
}

interface Placed {
  readonly instance: string;
  readonly pool: GivenPool;
  readonly source: string;
}

/**
 * @returns the problems between all pools of a plan: names given twice, addresses in two pools, or
 * in one and the control plane's VIP.
 */
export function checkPools(
  instances: readonly {
    name: Resolved<string>;
    pools: Resolved<readonly PoolSpec[]>;
    namespaces: Resolved<readonly string[]>;
    controlPlane: Resolved<ControlPlaneConfig | undefined>;
  }[],
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const byName = new Map<string, Placed>();
  const ranges: PlacedRange[] = [];
  for (const { name: { value: instance }, pools, namespaces } of instances) {
    if (pools.failed) continue;
    for (const pool of pools.value as readonly GivenPool[]) {
      const placed = { instance, pool, source: pool.source || pools.source };
      problems.push(...checkNamespaces(placed, namespaces));
      const first = byName.get(pool.name);
      if (first === undefined) byName.set(pool.name, placed);
      else {
        problems.push({
          setting: "pools",
          value: pool.name,
          source: placed.source,
          problem: `a pool of ${whose(first, placed)} has the same name (${first.source})`,
          right: "a name of its own for each pool",
        });
      }
      pool.addresses.forEach((text, i) => {
        const parsed = parseRange(text);
        if (!parsed.ok) return;
        const source = pool.sources[i] ?? placed.source;
        ranges.push({ range: parsed.range, text, placed: { ...placed, source } });
      });
    }
  }
  return [
    ...problems,
    ...instances.flatMap(checkCount),
    ...checkOverlaps(ranges),
    ...instances.flatMap((instance) => checkVip(instance, ranges)),
  ];
}

/** A pool for namespaces that the instance does not serve gives nothing to anybody. */
function checkNamespaces(
  { pool: { name, namespaces }, source }: Placed,
  { value: served, source: where, failed }: Resolved<readonly string[]>,
): ConfigProblem[] {
  if (failed || served.length === 0) return [];
  const missing = namespaces.filter((namespace) => !served.includes(namespace));
  if (missing.length === 0) return [];
  return [{
    setting: "namespaces",
    value: missing.join(","),
    source,
    problem: `pool ${name} is for what its instance does not serve`,
    right: `namespaces of the instance: ${served.join(",")} (${where})`,
  }];
}

/** What an instance gives out, all others must be able to read on its Lease. */
function checkCount(
  { pools }: { pools: Resolved<readonly PoolSpec[]> },
): ConfigProblem[] {
  if (pools.failed) return [];
  const ranges = merged(
    pools.value.flatMap(({ addresses }) => addresses).flatMap((text) => {
      const parsed = parseRange(text);
      return parsed.ok ? [parsed.range] : [];
    }),
  );
  if (ranges.length <= MOST_RANGES) return [];
  return [{
    setting: "pools",
    value: undefined,
    source: pools.source,
    problem: `the instance has ${ranges.length} ranges of addresses that don't follow each other`,
    right: `at most ${MOST_RANGES} in all pools of an instance, or another instance for the rest`,
  }];
}

/** The control plane's VIP is nobody's to give out. */
function checkVip(
  { name, controlPlane: { value: vip, source } }: {
    name: Resolved<string>;
    controlPlane: Resolved<ControlPlaneConfig | undefined>;
  },
  ranges: readonly PlacedRange[],
): ConfigProblem[] {
  const parsed = parseRange(vip?.address ?? "");
  const taken = parsed.ok && ranges.find(({ range }) => overlaps(range, parsed.range));
  if (!taken) return [];
  const { pool, instance, source: where } = taken.placed;
  return [{
    setting: "address",
    value: vip!.address,
    source,
    problem: `the control plane's VIP (instance ${name.value}) is in pool ${pool.name} of ` +
      `instance ${instance} (${where})`,
    right: "an address outside of all pools",
  }];
}

interface PlacedRange {
  readonly range: AddressRange;
  readonly text: string;
  readonly placed: Placed;
}

/** @returns a problem for each range that meets an earlier one of the plan */
function checkOverlaps(ranges: readonly PlacedRange[]): ConfigProblem[] {
  const order = new Map(ranges.map((one, index) => [one, index]));
  const others = new Map<PlacedRange, PlacedRange>();
  let widest: PlacedRange | undefined;
  // By where they begin: each meets the one that reaches furthest, or none before it.
  for (const one of ranges.toSorted((a, b) => compare(a.range, b.range))) {
    if (widest !== undefined && overlaps(widest.range, one.range)) {
      const [first, second] = order.get(widest)! < order.get(one)! ? [widest, one] : [one, widest];
      if (!others.has(second)) others.set(second, first);
      if (one.range.last <= widest.range.last) continue;
    }
    widest = one;
  }
  return ranges.flatMap((second) => {
    const first = others.get(second);
    if (first === undefined) return [];
    const { text, placed } = second;
    return [{
      setting: "pools",
      value: text,
      source: placed.source,
      problem: `it overlaps with ${first.text} in pool ${first.placed.pool.name} of ` +
        `${whose(first.placed, placed)} (${first.placed.source})`,
      right: "each address in one pool only",
    }];
  });
}

function compare(a: AddressRange, b: AddressRange): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.first < b.first ? -1 : a.first > b.first ? 1 : 0;
}

function whose(first: Placed, second: Placed): string {
  return first.instance === second.instance ? "this instance" : `instance ${first.instance}`;
}

/** @returns the pool as it is used: without where it stands. */
export function withoutSource({ source: _, sources: __, ...pool }: GivenPool): PoolSpec {
  return pool;
}
