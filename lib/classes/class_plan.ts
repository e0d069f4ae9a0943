import { readLease } from "../election/lease_record.ts";
import { byAge, keyOf } from "../election/rivals.ts";
import type { Lease } from "../kube/types.ts";
import { ALLOCATING_ANNOTATION, parseIntents } from "../pools/journal.ts";
import { MOST_RANGES, type PoolSpec } from "../pools/pool.ts";
import type { IpAddress } from "../net/ip.ts";
import {
  type AddressRange,
  describeRange,
  includesAddress,
  merged,
  parseRange,
} from "../pools/range.ts";

/**
 * Annotation of the Lease: what its instance says of itself. Which Services it serves is not in
 * here: the annotation `classvip.io/scope` says that, and the election goes by it.
 */
export const PLAN_ANNOTATION = "classvip.io/plan";

/** What an instance says of itself on its Lease. */
export interface ClassPlan {
  readonly instance: string;
  /** CIDRs, ranges and addresses that it gives out. */
  readonly pools: readonly string[];
}

/** @returns the annotation's text; of too many addresses those that follow each other as one */
export function formatClassPlan(instance: string, pools: readonly PoolSpec[]): string {
  const written = pools.flatMap(({ addresses }) => addresses);
  const addresses = written.length <= MOST_RANGES
    ? written
    : merged(written.flatMap(rangeOf)).map(describeRange).slice(0, MOST_RANGES);
  return JSON.stringify({ instance, pools: addresses } satisfies ClassPlan);
}

function rangeOf(text: string): AddressRange[] {
  const parsed = parseRange(text, { hostBits: true });
  return parsed.ok ? [parsed.range] : [];
}

/** Read once for each version of a Lease. */
const PLANS = new WeakMap<Lease, { plan: ClassPlan; ranges: readonly AddressRange[] }>();

/** Reads the plan on a Lease. Whatever is missing or nonsense (a hand edit) counts as not said. */
export function readClassPlan(lease: Lease): {
  readonly plan: ClassPlan;
  readonly ranges: readonly AddressRange[];
} {
  let read = PLANS.get(lease);
  if (read === undefined) {
    const plan = parseClassPlan(lease.metadata?.annotations?.[PLAN_ANNOTATION]);
    const ranges = plan.pools.flatMap(rangeOf);
    read = { plan, ranges };
    PLANS.set(lease, read);
  }
  return read;
}

function parseClassPlan(text = "{}"): ClassPlan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const { instance, pools } = (value ?? {}) as { instance?: unknown; pools?: unknown };
  return {
    instance: typeof instance === "string" ? instance : "",
    pools: Array.isArray(pools) ? pools.filter((pool) => typeof pool === "string") : [],
  };
}

/**
 * Another Lease whose instance has the address in its pools, be it alive or not: who has none of its
 * own must leave it alone.
 */
export function poolOwner(
  own: { readonly namespace?: string; readonly name?: string },
  leases: readonly Lease[],
  ip: IpAddress,
): Lease | undefined {
  const key = `${own.namespace}/${own.name}`;
  return leases.find((lease) =>
    keyOf(lease) !== key && includesAddress(readClassPlan(lease).ranges, ip)
  );
}

/** Whose a Lease is, for people. */
export function describeOwner(lease: Lease): string {
  const { plan: { instance } } = readClassPlan(lease);
  return `instance ${instance} (Lease ${keyOf(lease)})`;
}

/**
 * What the holders of other Leases are giving out, or were: a status may be on its way.
 *
 * @returns by address the uid of the Service that gets it
 */
export function intendedElsewhere(
  own: { readonly namespace: string; readonly name: string },
  leases: readonly Lease[],
): Map<string, string> {
  return new Map(leases.flatMap((lease) => {
    const text = lease.metadata?.annotations?.[ALLOCATING_ANNOTATION];
    if (text === undefined || keyOf(lease) === `${own.namespace}/${own.name}`) return [];
    return [...parseIntents(text) ?? []].flatMap(([uid, { addresses }]) =>
      addresses.map((vip) => [vip, uid] as const)
    );
  }));
}

/**
 * The addresses that are another instance's to give out: those in the pools of older Leases that
 * have a holder.
 *
 * @param own as it is among the Leases; where it is not seen yet, all others count as older
 */
export function rangesOfOlder(
  own: { readonly namespace: string; readonly name: string },
  leases: readonly Lease[],
): AddressRange[] {
  const key = `${own.namespace}/${own.name}`;
  const ours = leases.find((lease) => keyOf(lease) === key);
  return leases.flatMap((lease) => {
    if (keyOf(lease) === key || readLease(lease).holder === undefined) return [];
    if (ours !== undefined && byAge(ours, lease) < 0) return [];
    return readClassPlan(lease).ranges;
  });
}
