import { parseIp } from "../net/ip.ts";
import { type ServiceView, shows } from "./service_view.ts";

/** More on one Service is a mistake, or an attempt to keep the agent busy. */
export const MOST_ADDRESSES = 16;

interface Entry {
  /** Who gets the address; undefined when nobody who names it may have one. */
  owner: ServiceView | undefined;
  readonly all: Set<ServiceView>;
}

/**
 * For each address that any Service wishes for or shows, the Service that gets it: the one whose
 * status already shows it, else the older one. Over the Services of all classes, so that every
 * instance on every node decides alike; kept up to date change by change, so that a reconcile looks
 * only at its own Services.
 */
export class AddressOwners {
  readonly #entries = new Map<string, Entry>();

  constructor(services: Iterable<ServiceView> = []) {
    for (const service of services) this.add(service);
  }

  /** @param vip canonical text */
  owner(vip: string): ServiceView | undefined {
    return this.#entries.get(vip)?.owner;
  }

  /** All Services that wish for the address or show it, also those that may have none. */
  naming(vip: string): ReadonlySet<ServiceView> {
    return this.#entries.get(vip)?.all ?? NOBODY;
  }

  /** The addresses that more than one Service names. */
  *contested(): Generator<string> {
    for (const [vip, { all }] of this.#entries) if (all.size > 1) yield vip;
  }

  add(service: ServiceView): void {
    for (const vip of addressesOf(service)) {
      const entry = this.#entries.get(vip);
      const owner = mayOwn(service) ? service : undefined;
      if (entry === undefined) this.#entries.set(vip, { owner, all: new Set([service]) });
      else {
        entry.all.add(service);
        entry.owner = better(entry.owner, owner, vip);
      }
    }
  }

  /** @param service as it was added */
  remove(service: ServiceView): void {
    for (const vip of addressesOf(service)) {
      const entry = this.#entries.get(vip);
      if (!entry?.all.delete(service)) continue;
      if (entry.all.size === 0) this.#entries.delete(vip);
      else if (entry.owner === service) {
        entry.owner = undefined;
        for (const other of entry.all) {
          if (mayOwn(other)) entry.owner = better(entry.owner, other, vip);
        }
      }
    }
  }
}

const NOBODY: ReadonlySet<ServiceView> = new Set();

/** @returns canonical texts of what a Service wishes for and shows, and where it is in the cluster. */
export function addressesOf({ wished, ingress, clusterIps }: ServiceView): string[] {
  if (wished.length > MOST_ADDRESSES) return [];
  const texts = [...wished, ...ingress.map(({ ip }) => ip ?? ""), ...clusterIps];
  return [...new Set(texts.flatMap((text) => parseIp(text)?.text ?? []))];
}

/** Whether a Service may have an address at all. */
export function mayOwn({ loadBalancer, deleting, ignored }: ServiceView): boolean {
  return loadBalancer && !deleting && !ignored;
}

function better(
  a: ServiceView | undefined,
  b: ServiceView | undefined,
  vip: string,
): ServiceView | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const [aShows, bShows] = [a, b].map((one) => one.clusterIps.includes(vip) || shows(one, vip));
  if (aShows !== bShows) return aShows ? a : b;
  return isOlder(b, a) ? b : a;
}

/** The order in which Services get what not all can have: by creation, the same on every node. */
export function isOlder(a: ServiceView, b: ServiceView): boolean {
  return a.createdAt === b.createdAt ? a.uid < b.uid : a.createdAt < b.createdAt;
}
