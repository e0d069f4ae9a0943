import { addressesOf, AddressOwners } from "./address_owners.ts";
import { type ClassPolicy, isInScope } from "./class_policy.ts";
import type { ServiceView } from "./service_view.ts";

/** The Services of one instance, as far as the index knows them. */
export interface IndexedScope extends Disposable {
  readonly services: ReadonlyMap<string, ServiceView>;
}

interface Scope {
  readonly policy: ClassPolicy;
  readonly services: Map<string, ServiceView>;
  readonly changed: () => void;
}

/**
 * Sorts all Services by instance once, so that each instance is woken by its own Services alone and
 * walks only through them: what another class does costs it nothing.
 */
export class ServiceIndex {
  readonly owners = new AddressOwners();
  readonly #services = new Map<string, ServiceView>();
  readonly #scopes = new Set<Scope>();

  /** Of all classes. */
  get services(): ReadonlyMap<string, ServiceView> {
    return this.#services;
  }

  /** @param changed called after each change of a Service in scope, or of who gets its address */
  open(policy: ClassPolicy, changed: () => void): IndexedScope {
    const scope: Scope = { policy, services: new Map(), changed };
    for (const [key, service] of this.#services) {
      if (isInScope(policy, service)) scope.services.set(key, service);
    }
    this.#scopes.add(scope);
    return {
      services: scope.services,
      [Symbol.dispose]: () => void this.#scopes.delete(scope),
    };
  }

  /** @param service undefined: it is gone */
  put(key: string, service: ServiceView | undefined): void {
    const former = this.#services.get(key);
    if (former === service) return;
    const vips = new Set([former, service].flatMap((one) => one ? addressesOf(one) : []));
    const before = [...vips].map((vip) => this.owners.owner(vip)?.uid);
    if (former !== undefined) this.owners.remove(former);
    if (service !== undefined) this.owners.add(service);
    if (service === undefined) this.#services.delete(key);
    else this.#services.set(key, service);

    const woken = new Set<Scope>();
    for (const scope of this.#scopes) {
      if (former !== undefined && scope.services.delete(key)) woken.add(scope);
      if (service !== undefined && isInScope(scope.policy, service)) {
        scope.services.set(key, service);
        woken.add(scope);
      }
    }
    [...vips].forEach((vip, i) => {
      if (this.owners.owner(vip)?.uid === before[i]) return;
      for (const other of this.owners.naming(vip)) {
        for (const scope of this.#scopes) if (scope.services.has(other.key)) woken.add(scope);
      }
    });
    for (const { changed } of woken) changed();
  }
}
