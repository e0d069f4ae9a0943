import { parseIp } from "../net/ip.ts";
import { type AddressOwners, better, mayOwn } from "./address_owners.ts";
import { type ClassPolicy, whyNotServed } from "./class_policy.ts";
import type { PoolRules } from "./decide.ts";
import { type ServiceView, shows } from "./service_view.ts";

/** Who has the first right to an address; without a Service: it is being given to that uid. */
export interface RightfulOwner {
  readonly uid: string;
  readonly service: ServiceView | undefined;
}

/**
 * Who has the first right to an address: who shows it, who is being given it, who wishes for it. A
 * wish that is refused whatever happens, by its own instance or by this one, keeps nobody from it.
 *
 * @returns answers that stay the same, for one decision
 */
export function rightfulOwners({ owners, policy, pools }: {
  readonly owners: Pick<AddressOwners, "owner" | "naming">;
  readonly policy: ClassPolicy;
  readonly pools?: PoolRules | undefined;
}): (vip: string) => RightfulOwner | undefined {
  const isHopeless = (service: ServiceView, vip: string): boolean => {
    if (pools === undefined || service.clusterIps.includes(vip) || shows(service, vip)) {
      return false;
    }
    const ip = parseIp(vip)!;
    return whyNotServed(policy, service) === undefined
      ? pools.objection(service, ip) !== undefined
      : pools.refusedElsewhere(service, ip);
  };
  const naming = (vip: string): ServiceView | undefined => {
    const first = owners.owner(vip);
    if (first === undefined || !isHopeless(first, vip)) return first;
    let best: ServiceView | undefined;
    for (const service of owners.naming(vip)) {
      if (mayOwn(service) && !isHopeless(service, vip)) best = better(best, service, vip);
    }
    return best;
  };
  const find = (vip: string): RightfulOwner | undefined => {
    const owner = naming(vip);
    const intended = pools?.intendedFor(vip);
    const isPublished = owner !== undefined && shows(owner, vip);
    if (intended !== undefined && intended !== owner?.uid && !isPublished) {
      return { uid: intended, service: undefined };
    }
    return owner && { uid: owner.uid, service: owner };
  };
  // Thousands may ask for one address.
  const known = new Map<string, RightfulOwner | undefined>();
  return (vip) => {
    if (!known.has(vip)) known.set(vip, find(vip));
    return known.get(vip);
  };
}
