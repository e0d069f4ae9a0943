import { readLease } from "../election/lease_record.ts";
import { byAge, keyOf } from "../election/rivals.ts";
import type { Lease } from "../kube/types.ts";
import { type AddressRange, describeRange, overlap } from "../pools/range.ts";
import { classKeys, parseScope } from "../services/class_policy.ts";
import { readClassPlan } from "./class_plan.ts";
import type { MixUp, MixUpInput, OwnInstance } from "./mix_ups.ts";

/** What a mix-up is about: a Lease, and whose it is. */
type Subject = Pick<MixUp, "instance" | "class" | "object">;

/** A Lease, or one that an instance would take if it could. */
interface Standing extends Subject {
  readonly key: string;
  readonly scope: string;
}

export function leaseSubject(lease: Lease): Subject {
  const { namespace = "", name = "", uid } = lease.metadata ?? {};
  return {
    instance: readClassPlan(lease).plan.instance,
    class: classIn(readLease(lease).scope),
    object: { kind: "Lease", namespace, name, uid },
  };
}

function ownSubject({ instance, scope, namespace, name }: OwnInstance): Subject {
  return { instance, class: classIn(scope), object: { kind: "Lease", namespace, name } };
}

function classIn(scope: string | undefined): string {
  return parseScope(scope)?.loadBalancerClass ?? "";
}

/** The first that stands for the Services of a class. */
interface First {
  /** Of any namespace. */
  any?: Standing;
  /** Of all namespaces. */
  all?: Standing;
  readonly byNamespace: Map<string, Standing>;
}

/**
 * One class under two Leases. The younger one is named: its instance yields, as does one that does
 * not hold its Lease yet.
 */
export function servedTwice({ leases, own = [] }: MixUpInput): MixUp[] {
  const alive = leases.filter(({ life }) => life === "alive").map(({ lease }) => lease).sort(byAge);
  const living = alive.map((lease): Standing => ({
    ...leaseSubject(lease),
    key: keyOf(lease),
    scope: readLease(lease).scope ?? "",
  }));
  const keys = new Set(living.map(({ key }) => key));
  const waiting = own.map((one): Standing => ({
    ...ownSubject(one),
    key: `${one.namespace}/${one.name}`,
    scope: one.scope,
  })).filter(({ key }) => !keys.has(key));
  const firsts = new Map<string | undefined, First>();
  return [...living, ...waiting].flatMap((one) => {
    const rival = firstRival(firsts, one);
    if (!waiting.includes(one)) enter(firsts, one);
    if (rival === undefined) return [];
    const theirs = rival.scope === one.scope ? "" : `, as part of ${rival.scope}`;
    return {
      kind: "ClassServedTwice",
      instance: one.instance,
      class: one.class,
      object: one.object,
      message: `Lease ${one.key} is for ${one.scope}, which is served under Lease ${rival.key} ` +
        `already${theirs}`,
      advice: `use that Lease, or stop the instance of Lease ${one.key}: it serves nothing`,
    };
  });
}

function firstRival(
  firsts: ReadonlyMap<string | undefined, First>,
  { scope }: Standing,
): Standing | undefined {
  const policy = parseScope(scope);
  for (const key of policy ? classKeys(policy) : []) {
    const first = firsts.get(key);
    const { namespaces } = policy!;
    const rival = namespaces.length === 0
      ? first?.any
      : first?.all ?? namespaces.map((name) => first?.byNamespace.get(name)).find(Boolean);
    if (rival !== undefined) return rival;
  }
  return undefined;
}

function enter(firsts: Map<string | undefined, First>, one: Standing): void {
  const policy = parseScope(one.scope);
  for (const key of policy ? classKeys(policy) : []) {
    const first: First = firsts.get(key) ?? { byNamespace: new Map() };
    firsts.set(key, first);
    first.any ??= one;
    if (policy!.namespaces.length === 0) first.all ??= one;
    for (const name of policy!.namespaces) {
      if (!first.byNamespace.has(name)) first.byNamespace.set(name, one);
    }
  }
}

/** One Lease for two classes. Who holds it goes on, the other one takes nothing. */
export function leasesShared({ leases, own = [] }: MixUpInput): MixUp[] {
  return own.flatMap((one) => {
    const { namespace, name, scope, usedFor } = one;
    if (usedFor === undefined) return [];
    const seen = leases.find(({ lease }) => keyOf(lease) === `${namespace}/${name}`);
    return {
      kind: "LeaseShared",
      ...ownSubject(one),
      ...seen && { object: leaseSubject(seen.lease).object },
      message: `Lease ${namespace}/${name} is used for ${usedFor}, and an instance for ${scope} ` +
        "has it as its own",
      advice: "set another leaseName for one of them: until then the second one serves nothing",
    };
  });
}

/** Pools of two instances with the same addresses: the younger Lease's instance gives out none. */
export function poolsOverlapping({ leases }: MixUpInput): MixUp[] {
  const ranges = leases.map(({ lease }) => lease)
    .filter((lease) => readLease(lease).holder !== undefined)
    .flatMap((lease) => readClassPlan(lease).ranges.map((range) => ({ lease, range })))
    .sort(({ range: a }, { range: b }) =>
      a.family - b.family || (a.first < b.first ? -1 : a.first > b.first ? 1 : 0)
    );
  /** By the keys of both Leases, younger first. */
  const found = new Map<string, { younger: Lease; older: Lease; common: AddressRange }>();
  let reaching: typeof ranges = [];
  for (const one of ranges) {
    reaching = reaching.filter(({ range }) => overlap(range, one.range) !== undefined);
    for (const { lease, range } of reaching) {
      if (keyOf(lease) === keyOf(one.lease)) continue;
      const [older, younger] = [lease, one.lease].sort(byAge) as [Lease, Lease];
      const pair = `${keyOf(younger)} ${keyOf(older)}`;
      if (!found.has(pair)) found.set(pair, { younger, older, common: overlap(range, one.range)! });
    }
    reaching.push(one);
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([, { younger, older, common }]) => ({
    kind: "PoolsOverlap",
    ...leaseSubject(younger),
    message: `${describeRange(common)} is in pools of Lease ${keyOf(younger)} and of Lease ` +
      `${keyOf(older)}, which is older and alone gives it out`,
    advice: "take it out of the pools of one of them",
  }));
}
