import { readLease } from "../election/lease_record.ts";
import type { Lease } from "../kube/types.ts";
import { keyOf } from "../election/rivals.ts";
import { isOlder, mayOwn } from "../services/address_owners.ts";
import { classKeys, parseScope } from "../services/class_policy.ts";
import type { ServiceView } from "../services/service_view.ts";
import { leaseSubject } from "./lease_mix_ups.ts";
import type { MixUp, MixUpInput, SeenLease } from "./mix_ups.ts";
import { Served } from "./served.ts";

/** A Service that is younger may be served any moment. */
const UNSERVED_MS = 60_000;

/** One address asked for in two classes. The Service that does not get it is named. */
export function askedTwice({ leases, owners }: MixUpInput): MixUp[] {
  const served = servedBy(leases);
  const found: MixUp[] = [];
  for (const vip of owners.contested()) {
    const owner = owners.owner(vip);
    for (const service of owners.naming(vip)) {
      if (owner === undefined || service.loadBalancerClass === owner.loadBalancerClass) continue;
      // Between classes of other controllers it is theirs to say.
      const server = mayOwn(service) ? served.by(service) : undefined;
      if (server === undefined) continue;
      found.push({
        kind: "AddressAskedTwice",
        ...serviceSubject(service, server.instance),
        message: `${vip} is asked for by Service ${service.key} (${classOf(service)}), and ` +
          `Service ${owner.key} (${classOf(owner)}) has it`,
        advice: "ask for another address in one of them",
      });
    }
  }
  return found.sort((a, b) => a.message < b.message ? -1 : 1);
}

/** Services whose class nobody serves; the oldest first. */
export function notServed({ leases, services, wallClockMs }: MixUpInput): MixUp[] {
  const served = servedBy(leases);
  const lost: ServiceView[] = [];
  for (const service of services) {
    // Without a class it is the cluster's own load balancer that is asked.
    if (service.loadBalancerClass === undefined || service.ingress.length > 0) continue;
    if (!mayOwn(service) || wallClockMs - Date.parse(service.createdAt) <= UNSERVED_MS) continue;
    if (served.by(service) === undefined) lost.push(service);
  }
  return lost.sort((a, b) => isOlder(a, b) ? -1 : 1).map((service) => {
    const { loadBalancerClass, namespace } = service;
    const elsewhere = served.of(loadBalancerClass).length > 0;
    return {
      kind: "ClassNotServed",
      ...serviceSubject(service, ""),
      message: `No live instance serves class ${loadBalancerClass}` +
        (elsewhere ? ` in namespace ${namespace}` : ""),
      advice: "start an instance for it, or create the Service anew with a class that " +
        "`classvip classes` lists: it cannot be changed",
    };
  });
}

/** Leases that nobody keeps, as long as no other one is there for the same Services. */
export function withoutInstance({ leases }: MixUpInput): MixUp[] {
  const served = servedBy(leases);
  return leases.flatMap(({ lease, life }): MixUp[] => {
    const { scope, holder } = readLease(lease);
    const policy = parseScope(scope);
    if (life !== "dead" || policy === undefined) return [];
    const isCovered = classKeys(policy).every((key) =>
      served.of(key).some(({ namespaces }) => includes(namespaces, policy.namespaces))
    );
    if (isCovered) return [];
    return [{
      kind: "NoLiveInstance",
      ...leaseSubject(lease),
      message: `No instance for ${scope} is alive: Lease ${keyOf(lease)} ` +
        (holder === undefined ? "has no holder" : "is not renewed"),
      advice:
        "start an instance of it where it may hold (the log and /readyz of one that runs say what " +
        `is in its way), or, when there is to be none any more, ${deletion(lease)}`,
    }];
  });
}

function deletion({ metadata }: Lease): string {
  return `kubectl delete lease --namespace=${metadata?.namespace} ${metadata?.name}`;
}

/** Which Services have an instance: one whose Lease is not known to be dead. */
function servedBy(leases: readonly SeenLease[]): Served {
  return new Served(leases.flatMap(({ lease, life }) => life === "dead" ? [] : lease));
}

/** Whether the first namespaces have all of the second; none stands for all there are. */
function includes(all: readonly string[], some: readonly string[]): boolean {
  return all.length === 0 || some.length > 0 && some.every((name) => all.includes(name));
}

function serviceSubject(
  { loadBalancerClass, namespace, name, uid }: ServiceView,
  instance: string,
): Pick<MixUp, "instance" | "class" | "object"> {
  return {
    instance,
    class: loadBalancerClass ?? "",
    object: { kind: "Service", namespace, name, uid },
  };
}

function classOf({ loadBalancerClass }: ServiceView): string {
  return loadBalancerClass === undefined ? "no class" : `class ${loadBalancerClass}`;
}
