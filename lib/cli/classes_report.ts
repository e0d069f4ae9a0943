import { nameHint } from "../classes/class_names.ts";
import { readClassPlan } from "../classes/class_plan.ts";
import type { Life } from "../classes/lease_lives.ts";
import { findMixUps, type MixUp, type MixUpKind, type SeenLease } from "../classes/mix_ups.ts";
import { readLease } from "../election/lease_record.ts";
import { keyOf } from "../election/rivals.ts";
import type { Event, Lease } from "../kube/types.ts";
import { parseIp } from "../net/ip.ts";
import { type AddressRange, includesAddress, parseRange } from "../pools/range.ts";
import { AddressOwners } from "../services/address_owners.ts";
import { isInScope, parseScope, whyNotServed } from "../services/class_policy.ts";
import type { Refusal } from "../services/decide.ts";
import type { ServiceView } from "../services/service_view.ts";

/** An instance as its Lease tells of it. */
export interface InstanceReport {
  readonly instance: string;
  /** null: Services without a class. */
  readonly class: string | null;
  readonly alsoClassless: boolean;
  /** None: all. */
  readonly namespaces: readonly string[];
  /** `namespace/name`. */
  readonly lease: string;
  readonly holder: string | null;
  readonly life: Life;
  /** The holder's. */
  readonly priority: number | null;
  readonly pools: readonly PoolReport[];
  /** Services that show an address, and those that wait for one. */
  readonly served: number;
  readonly pending: number;
}

export interface PoolReport {
  readonly addresses: string;
  readonly size: number;
  readonly used: number;
}

/** Something that an instance said in an Event. */
export interface Said {
  readonly kind: string;
  readonly object: MixUp["object"];
  readonly message: string;
  readonly secondsAgo: number;
}

export interface ClassesReport {
  readonly instances: readonly InstanceReport[];
  readonly findings: readonly (MixUp | Said)[];
  /** Further warnings. */
  readonly warnings: readonly Said[];
  readonly hints: readonly string[];
}

/** The instance that is refused writes nothing but its Event: what it says is found as well. */
const ONLY_SAID: readonly string[] = ["ClassServedTwice", "LeaseShared"] satisfies MixUpKind[];

/** Why a Service has no address, or one too few. */
const REFUSED: readonly string[] = [
  "AddressRefused",
  "NoAddress",
  "NoPool",
  "AllocationFailed",
  "LimitReached",
] satisfies Refusal["reason"][];

/** What `classvip classes` shows. Pure. */
export function reportClasses(
  { leases, services, events, wallClockMs }: {
    readonly leases: readonly SeenLease[];
    readonly services: readonly ServiceView[];
    /** Warnings of classvip. */
    readonly events: readonly Event[];
    readonly wallClockMs: number;
  },
): ClassesReport {
  const mixUps = findMixUps({
    leases,
    services,
    owners: new AddressOwners(services),
    complete: true,
    wallClockMs,
  });
  const covered = new Set(mixUps.map(({ kind, object }) => nameOf(kind, object)));
  const byKey = new Map(services.map((service) => [service.key, service]));
  const served = new Set(leases.flatMap(({ lease }) => servicesOf(lease, services).served));
  const youngest = new Map<string, Said>();
  for (const event of events) {
    const one = saidBy(event, wallClockMs);
    const name = nameOf(one.kind, one.object);
    if (covered.has(name) || isOver(one, byKey, served)) continue;
    const other = youngest.get(name);
    if (other === undefined || one.secondsAgo < other.secondsAgo) youngest.set(name, one);
  }
  const said = [...youngest.values()].sort((a, b) => a.secondsAgo - b.secondsAgo);
  const instances = leases.flatMap((seen) => instanceOf(seen, services))
    .sort((a, b) => a.instance < b.instance ? -1 : a.instance > b.instance ? 1 : 0);
  const classes = new Set(instances.flatMap(({ class: name }) => name ?? []));
  return {
    instances,
    findings: [...mixUps, ...said.filter(({ kind }) => ONLY_SAID.includes(kind))],
    warnings: said.filter(({ kind }) => !ONLY_SAID.includes(kind)),
    hints: [nameHint(classes) ?? []].flat(),
  };
}

function instanceOf(
  { lease, life }: SeenLease,
  services: readonly ServiceView[],
): InstanceReport[] {
  const { scope, holder, priority } = readLease(lease);
  const policy = parseScope(scope);
  if (policy === undefined) return [];
  const { plan } = readClassPlan(lease);
  const { own, served } = servicesOf(lease, services);
  const vips = new Set(served.flatMap(({ ingress }) => ingress.flatMap(({ ip }) => ip ?? [])));
  const pools = plan.pools.flatMap((addresses): PoolReport[] => {
    const parsed = parseRange(addresses, { hostBits: true });
    if (!parsed.ok) return [];
    const { first, last } = parsed.range;
    const used = [...vips].filter((vip) => {
      const ip = parseIp(vip);
      return ip !== undefined && includesAddress([parsed.range], ip);
    }).length;
    return [{ addresses, size: Number(last - first + 1n), used }];
  });
  return [{
    instance: plan.instance || keyOf(lease),
    class: policy.loadBalancerClass ?? null,
    alsoClassless: policy.alsoClassless,
    namespaces: policy.namespaces,
    lease: keyOf(lease),
    holder: holder ?? null,
    life,
    priority: priority ?? null,
    pools,
    served: served.length,
    pending: own.length - served.length,
  }];
}

/** The Services of an instance, and those among them that show an address of it. */
function servicesOf(
  lease: Lease,
  services: readonly ServiceView[],
): Record<"own" | "served", readonly ServiceView[]> {
  const policy = parseScope(readLease(lease).scope);
  if (policy === undefined) return { own: [], served: [] };
  const own = services.filter((service) =>
    isInScope(policy, service) && whyNotServed(policy, service) === undefined
  );
  const { ranges } = readClassPlan(lease);
  return { own, served: own.filter((service) => isServed(service, ranges)) };
}

/**
 * Whether a Service shows an address of its instance. The status of a class is written by instances
 * alone; without a class it may be another controller's, and what it shows is refused here.
 */
function isServed(
  { loadBalancerClass, ingress, wished }: ServiceView,
  ranges: readonly AddressRange[],
): boolean {
  if (loadBalancerClass !== undefined) return ingress.length > 0;
  const wishes = wished.map((text) => parseIp(text)?.text);
  return ingress.some(({ ip: text }) => {
    const ip = parseIp(text ?? "");
    if (ip === undefined) return false;
    return ranges.length > 0 ? includesAddress(ranges, ip) : wishes.includes(ip.text);
  });
}

/** The Service is gone, or has by now what it was refused. */
function isOver(
  { kind, object: { kind: of, namespace, name } }: Said,
  services: ReadonlyMap<string, ServiceView>,
  served: ReadonlySet<ServiceView>,
): boolean {
  if (of !== "Service") return false;
  const service = services.get(`${namespace}/${name}`);
  if (service === undefined) return true;
  return REFUSED.includes(kind) && served.has(service) &&
    service.ingress.length >= Math.max(1, service.wished.length);
}

function saidBy(event: Event, wallClockMs: number): Said {
  const { kind, namespace = "", name = "" } = event.involvedObject;
  const at = event.lastTimestamp ?? event.metadata.creationTimestamp ?? "";
  return {
    kind: event.reason ?? "",
    object: { kind: kind === "Lease" ? "Lease" : "Service", namespace, name },
    message: event.message ?? "",
    secondsAgo: Math.max(0, Math.round((wallClockMs - Date.parse(at)) / 1000)) || 0,
  };
}

function nameOf(kind: string, { kind: of, namespace, name }: MixUp["object"]): string {
  return [kind, of, namespace, name].join(" ");
}
