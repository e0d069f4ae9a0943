import { parseIp } from "../net/ip.ts";
import { type ServiceView, shows } from "./service_view.ts";

/** More on one Service is a mistake, or an attempt to keep the agent busy. */
export const MOST_ADDRESSES = 16;

/** Several Services that name one address. */
class Rivals {
  /** Who gets the address; undefined when none of them may have one. */
  owner: ServiceView | undefined;
  readonly all = new Set<ServiceView>();

  constructor(readonly vip: string, services: Iterable<ServiceView>) {
    for (const service of services) this.add(service);
  }

  add(service: ServiceView): void {
    this.all.add(service);
    if (mayOwn(service)) this.owner = better(this.owner, service, this.vip);
  }
}

/**
 * For each address that any Service wishes for or shows, the Service that gets it: the one whose
 * status already shows it, else the older one. Over the Services of all classes, so that every
 * instance on every node decides alike; kept up to date change by change, so that a reconcile looks
 * only at its own Services.
 */
export class AddressOwners {
  /** Mostly it is one alone: then nothing is kept beside it, for there may be ten thousands. */
  readonly #naming = new Map<string, ServiceView | Rivals>();
  /** The addresses of which it is several. */
  readonly #contested = new Set<string>();

  constructor(services: Iterable<ServiceView> = []) {
    for (const service of services) this.add(service);
  }

  /** @param vip canonical text */
  owner(vip: string): ServiceView | undefined {
    const naming = this.#naming.get(vip);
    if (naming instanceof Rivals) return naming.owner;
    return naming !== undefined && mayOwn(naming) ? naming : undefined;
  }

  /** All Services that wish for the address or show it, also those that may have none. */
  naming(vip: string): Iterable<ServiceView> {
    const naming = this.#naming.get(vip);
    if (naming === undefined) return NOBODY;
    return naming instanceof Rivals ? naming.all : [naming];
  }

  /** The addresses that more than one Service names. */
  contested(): Iterable<string> {
    return this.#contested;
  }

  add(service: ServiceView): void {
    for (const vip of addressesOf(service)) {
      const naming = this.#naming.get(vip);
      if (naming === undefined) this.#naming.set(vip, service);
      else if (naming instanceof Rivals) naming.add(service);
      else if (naming !== service) {
        this.#naming.set(vip, new Rivals(vip, [naming, service]));
        this.#contested.add(vip);
      }
    }
  }

  /** @param service as it was added */
  remove(service: ServiceView): void {
    for (const vip of addressesOf(service)) {
      const naming = this.#naming.get(vip);
      if (naming === service) this.#naming.delete(vip);
      else if (naming instanceof Rivals && naming.all.delete(service)) {
        const [first] = naming.all;
        if (naming.all.size === 1) {
          this.#naming.set(vip, first!);
          this.#contested.delete(vip);
        } else if (naming.owner === service) this.#naming.set(vip, new Rivals(vip, naming.all));
      }
    }
  }
}

const NOBODY: readonly ServiceView[] = [];

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

/** Who of two that name an address has the first right to it. */
export function better(
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
