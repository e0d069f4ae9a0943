import { addressesOf, AddressOwners } from "./address_owners.ts";
import type { Changes } from "./changes.ts";
import { type ClassPolicy, isInScope } from "./class_policy.ts";
import type { ServiceView } from "./service_view.ts";

/** The Services of one instance, as far as the index knows them. */
export interface IndexedScope extends Disposable {
  readonly services: ReadonlyMap<string, ServiceView>;
}

interface Scope {
  readonly policy: ClassPolicy;
  readonly services: Map<string, ServiceView>;
  readonly changed: (changes: Changes) => void;
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
  open(policy: ClassPolicy, changed: (changes: Changes) => void): IndexedScope {
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
    const before = [...vips].map((vip) => this.owners.owner(vip));
    if (former !== undefined) this.owners.remove(former);
    if (service !== undefined) this.owners.add(service);
    if (service === undefined) this.#services.delete(key);
    else this.#services.set(key, service);

    const woken = new Map<Scope, Set<string>>();
    const wake = (scope: Scope, key: string) => {
      const keys = woken.get(scope);
      if (keys === undefined) woken.set(scope, new Set([key]));
      else keys.add(key);
    };
    for (const scope of this.#scopes) {
      if (former !== undefined && scope.services.delete(key)) wake(scope, key);
      if (service !== undefined && isInScope(scope.policy, service)) {
        scope.services.set(key, service);
        wake(scope, key);
      }
    }
    [...vips].forEach((vip, i) => {
      // One that leaves those who share an address may make room for another.
      const shared = former?.sharingKey !== undefined;
      if (!shared && isSameToOthers(this.owners.owner(vip), before[i])) return;
      for (const other of this.owners.naming(vip)) {
        for (const scope of this.#scopes) if (scope.services.has(other.key)) wake(scope, other.key);
      }
    });
    for (const [{ changed }, keys] of woken) changed({ keys, vips });
  }
}

/** Whether the owner of an address is still the same, in what is decided and said of the others. */
function isSameToOthers(a: ServiceView | undefined, b: ServiceView | undefined): boolean {
  if (a === b) return true;
  return a?.uid === b?.uid && a?.key === b?.key && a?.loadBalancerClass === b?.loadBalancerClass &&
    a?.sharingKey === undefined && b?.sharingKey === undefined;
}
