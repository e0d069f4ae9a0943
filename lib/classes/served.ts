import { readLease } from "../election/lease_record.ts";
import type { Lease } from "../kube/types.ts";
import type { IpAddress } from "../net/ip.ts";
import { type AddressRange, includesAddress } from "../pools/range.ts";
import { classKeys, type ClassPolicy, isInScope, parseScope } from "../services/class_policy.ts";
import type { ServiceView } from "../services/service_view.ts";
import { poolOwner, readClassPlan } from "./class_plan.ts";

/** An instance, and what it serves. */
interface Server extends ClassPolicy {
  readonly instance: string;
  readonly lease: Lease;
  /** Its pools; none: it has none, or did not say. */
  readonly ranges: readonly AddressRange[];
}

/** Which Services have an instance, by what instances say of themselves on their Leases. */
export class Served {
  readonly #servers = new Map<string | undefined, Server[]>();
  readonly #leases: readonly Lease[];

  constructor(leases: readonly Lease[]) {
    this.#leases = leases;
    for (const lease of leases) {
      const policy = parseScope(readLease(lease).scope);
      if (policy === undefined) continue;
      const { plan: { instance }, ranges } = readClassPlan(lease);
      for (const key of classKeys(policy)) {
        this.#servers.set(key, [...this.of(key), { ...policy, instance, lease, ranges }]);
      }
    }
  }

  by(service: ServiceView): Server | undefined {
    return this.of(service.loadBalancerClass).find((server) => isInScope(server, service));
  }

  /** Those that serve a class, or a part of it. */
  of(key: string | undefined): readonly Server[] {
    return this.#servers.get(key) ?? [];
  }

  /** Whether the Service has an instance that is seen, and none that may let it have the address. */
  refuses(service: ServiceView, ip: IpAddress): boolean {
    return this.by(service) !== undefined && !this.mayGrant(service, ip);
  }

  /** Whether an instance of the Service may let it have an address that it asks for. */
  mayGrant(service: ServiceView, ip: IpAddress): boolean {
    return this.of(service.loadBalancerClass).some((server) =>
      isInScope(server, service) && (server.ranges.length > 0
        ? includesAddress(server.ranges, ip)
        // Without pools it leaves alone what is in another one's: its Services hold up nobody's.
        : poolOwner(server.lease.metadata ?? {}, this.#leases, ip) === undefined)
    );
  }
}

/** What other instances let their Services have. Leases are read when somebody asks: mostly nobody does. */
export class Grants {
  readonly #leases: () => readonly Lease[] | undefined;
  #served: Served | undefined;

  /** @param leases undefined: not all are seen, and whose is not may serve any class */
  constructor(leases: () => readonly Lease[] | undefined) {
    this.#leases = leases;
  }

  /** @see Served.mayGrant */
  mayGrant(service: ServiceView, ip: IpAddress): boolean {
    return this.#ask()?.mayGrant(service, ip) ?? true;
  }

  /** @see Served.refuses */
  refuses(service: ServiceView, ip: IpAddress): boolean {
    return this.#ask()?.refuses(service, ip) ?? false;
  }

  #ask(): Served | undefined {
    if (this.#served !== undefined) return this.#served;
    const leases = this.#leases();
    return this.#served = leases && new Served(leases);
  }
}
