import type { ServiceView } from "./service_view.ts";

/**
 * Why two Services cannot have one address; undefined when they can. The rules are MetalLB's: the
 * same sharing key, other ports or protocols, and the same nodes for their traffic.
 */
export function sharingConflict(a: ServiceView, b: ServiceView): string | undefined {
  if (a.sharingKey === undefined || a.sharingKey !== b.sharingKey) {
    return "they have no sharing key in common (annotation classvip.io/sharing-key)";
  }
  return useConflict(a, b);
}

/** As {@linkcode sharingConflict}, of Services that may share as far as their keys go. */
export function useConflict(a: ServiceView, b: ServiceView): string | undefined {
  const common = a.ports.find((port) => b.ports.includes(port));
  if (common !== undefined) return `both have port ${common}`;
  if (a.ports.length === 0 || b.ports.length === 0) {
    return "a Service without ports has all of them";
  }
  if (a.localBackends !== b.localBackends) {
    return "externalTrafficPolicy must be Cluster for both, or Local for both and the same pods";
  }
  return undefined;
}

/**
 * The Services that have an address together: each fits all that precede it.
 *
 * @param contenders the one with the first right to it first
 */
export function sharers(contenders: readonly ServiceView[]): ServiceView[] {
  const admitted: ServiceView[] = [];
  for (const service of contenders) {
    if (admitted.every((other) => sharingConflict(other, service) === undefined)) {
      admitted.push(service);
    }
  }
  return admitted;
}
