import type { Side } from "./former_owners.ts";
import type { ServiceView } from "./service_view.ts";

/** Which Services an instance serves. */
export interface ClassPolicy {
  /** Serves exactly this `spec.loadBalancerClass`; undefined: exactly Services without one. */
  readonly loadBalancerClass: string | undefined;
  /** Serves Services without a class too. */
  readonly alsoClassless: boolean;
  /** Serves these namespaces only; empty: all. */
  readonly namespaces: readonly string[];
}

/** Why a Service is not served, in words for people; undefined when it is. */
export function whyNotServed(policy: ClassPolicy, service: ServiceView): string | undefined {
  if (!service.loadBalancer) return "it is not of type LoadBalancer any more";
  if (service.deleting) return "it is being deleted";
  if (service.ignored) return "an annotation says to ignore it";
  return whyNotInScope(policy, service);
}

/** Whether a Service is this instance's business, be it served or not. */
export function isInScope(policy: ClassPolicy, service: Side): boolean {
  return whyNotInScope(policy, service) === undefined;
}

function whyNotInScope(policy: ClassPolicy, service: Side): string | undefined {
  if (policy.namespaces.length > 0 && !policy.namespaces.includes(service.namespace)) {
    return `namespace ${service.namespace} is not served`;
  }
  if (service.loadBalancerClass === undefined) {
    return policy.loadBalancerClass === undefined || policy.alsoClassless
      ? undefined
      : "it has no class";
  }
  return service.loadBalancerClass === policy.loadBalancerClass
    ? undefined
    : `its class is ${service.loadBalancerClass}`;
}

/** The policy as one line, the same for the same policy: written on the Lease. */
export function describeScope(policy: ClassPolicy): string {
  const classes = policy.loadBalancerClass === undefined
    ? "no class"
    : `class ${policy.loadBalancerClass}${policy.alsoClassless ? " or no class" : ""}`;
  return policy.namespaces.length === 0
    ? classes
    : `${classes} in namespaces ${policy.namespaces.join(",")}`;
}

const SCOPE = /^(?:class (\S+)( or no class)?|no class)(?: in namespaces (\S+))?$/;

/** Reads what {@linkcode describeScope} wrote. @returns undefined for any other text */
export function parseScope(text: string | undefined): ClassPolicy | undefined {
  const found = SCOPE.exec(text ?? "");
  if (found === null) return undefined;
  const [, loadBalancerClass, also, namespaces] = found;
  return {
    loadBalancerClass,
    alsoClassless: also !== undefined,
    namespaces: namespaces?.split(",") ?? [],
  };
}

/** Whether a Service could be in both scopes: two Leases for them would mean two holders. */
export function scopesOverlap(a: string, b: string): boolean {
  if (a === b) return true;
  const [x, y] = [parseScope(a), parseScope(b)];
  if (x === undefined || y === undefined) return false;
  const namespaces = x.namespaces.length === 0 || y.namespaces.length === 0 ||
    x.namespaces.some((name) => y.namespaces.includes(name));
  return namespaces && classKeys(x).some((key) => classKeys(y).includes(key));
}

/** The classes of a scope; undefined stands for Services without one. */
export function classKeys(policy: ClassPolicy): (string | undefined)[] {
  const { loadBalancerClass, alsoClassless } = policy;
  return alsoClassless && loadBalancerClass !== undefined
    ? [loadBalancerClass, undefined]
    : [loadBalancerClass];
}
