import { addressesOf, AddressOwners } from "./address_owners.ts";
import type { Changes } from "./changes.ts";
import { type ClassPolicy, isInScope } from "./class_policy.ts";
import { FormerOwners, sideOf, versionNumber } from "./former_owners.ts";
import type { ServiceView } from "./service_view.ts";

/** The Services of one instance, as far as the index knows them. */
export interface IndexedScope extends Disposable {
  readonly services: ReadonlyMap<string, ServiceView>;
  /** The newest resourceVersion, as a number, of any change in its namespaces. */
  readonly version: number;
  /** The newest one at which it lost an address that a Service of another side has now; 0: none. */
  readonly lostAt: number;
}

interface Scope {
  readonly policy: ClassPolicy;
  readonly services: Map<string, ServiceView>;
  readonly changed: (changes: Changes) => void;
  version: number;
  lostAt: number;
}

/**
 * Sorts all Services by instance once, so that each instance is woken by its own Services alone and
 * walks only through them: what another class does costs it nothing.
 */
export class ServiceIndex {
  readonly owners = new AddressOwners();
  readonly formers = new FormerOwners();
  readonly #services = new Map<string, ServiceView>();
  readonly #scopes = new Set<Scope>();

  /** Of all classes. */
  get services(): ReadonlyMap<string, ServiceView> {
    return this.#services;
  }

  /** @param changed called after each change of a Service in scope, or of who gets its address */
  open(policy: ClassPolicy, changed: (changes: Changes) => void): IndexedScope {
    const scope: Scope = { policy, services: new Map(), changed, version: 0, lostAt: 0 };
    for (const [key, service] of this.#services) {
      note(scope, service.namespace, versionNumber(service.resourceVersion));
      if (isInScope(policy, service)) scope.services.set(key, service);
    }
    this.#scopes.add(scope);
    return {
      services: scope.services,
      get version() {
        return scope.version;
      },
      get lostAt() {
        return scope.lostAt;
      },
      [Symbol.dispose]: () => void this.#scopes.delete(scope),
    };
  }

  /**
   * @param service undefined: it is gone
   * @param version the resourceVersion of the change
   * @param gap whether it may have been something else since it was last seen
   */
  put(
    key: string,
    service: ServiceView | undefined,
    version = service?.resourceVersion,
    gap = false,
  ): void {
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
    const at = versionNumber(version);
    const namespace = (service ?? former)!.namespace;
    for (const scope of this.#scopes) {
      note(scope, namespace, at);
      if (former !== undefined && scope.services.delete(key)) wake(scope, key);
      if (service !== undefined && isInScope(scope.policy, service)) {
        scope.services.set(key, service);
        wake(scope, key);
      }
    }
    const moved = new Set<string>();
    [...vips].forEach((vip, i) => {
      const [had, has] = [before[i], this.owners.owner(vip)];
      const otherSide = sideOf(had) !== sideOf(has);
      const missed = gap && former?.resourceVersion !== version;
      if (missed || otherSide || had?.uid !== has?.uid) moved.add(vip);
      if (otherSide && had !== undefined) this.formers.add({ vip, side: had, version: at });
      if (missed) this.formers.add({ vip, side: undefined, version: at });
      for (const { side, version } of has === undefined ? [] : this.formers.of(vip)) {
        for (const scope of this.#scopes) {
          if (scope.lostAt >= version || isInScope(scope.policy, has!)) continue;
          if (side !== undefined && !isInScope(scope.policy, side)) continue;
          scope.lostAt = version;
          if (!woken.has(scope)) woken.set(scope, new Set());
        }
      }
      // One that leaves those who share an address may make room for another.
      const shared = former?.sharingKey !== undefined;
      if (!shared && isSameToOthers(has, had)) return;
      for (const other of this.owners.naming(vip)) {
        for (const scope of this.#scopes) if (scope.services.has(other.key)) wake(scope, other.key);
      }
    });
    for (const [{ changed }, keys] of woken) changed({ keys, vips, moved });
  }
}

function note(scope: Scope, namespace: string, version: number): void {
  const { namespaces } = scope.policy;
  if (namespaces.length > 0 && !namespaces.includes(namespace)) return;
  scope.version = Math.max(scope.version, version);
}

/** Whether the owner of an address is still the same, in what is decided and said of the others. */
function isSameToOthers(a: ServiceView | undefined, b: ServiceView | undefined): boolean {
  if (a === b) return true;
  return a?.uid === b?.uid && a?.key === b?.key && a?.loadBalancerClass === b?.loadBalancerClass &&
    a?.sharingKey === undefined && b?.sharingKey === undefined;
}
