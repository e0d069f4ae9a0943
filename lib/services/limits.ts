import { isOlder } from "./address_owners.ts";
import type { ServiceView } from "./service_view.ts";

/** How many VIPs an instance may have; 0: no limit. */
export interface VipLimits {
  readonly maxVips: number;
  readonly maxVipsPerNamespace: number;
}

/** An address that a Service would get. */
export interface Candidate {
  readonly ip: { readonly text: string };
  readonly service: ServiceView;
}

/**
 * Finds what has to wait: what is announced stays, whatever the limits say by now; the rest comes
 * in while there is room, that of the oldest Service first.
 *
 * @returns for each candidate that has to wait, the limit that it meets
 */
export function beyondLimits<C extends Candidate>(
  candidates: readonly C[],
  limits: VipLimits,
  isAnnounced: (candidate: C) => boolean,
): Map<C, keyof VipLimits> {
  const waiting = new Map<C, keyof VipLimits>();
  const most = limits.maxVips || Infinity;
  const mostOfOne = limits.maxVipsPerNamespace || Infinity;
  if (candidates.length <= Math.min(most, mostOfOne)) return waiting;
  const byNamespace = new Map<string, number>();
  let count = 0;
  const admit = ({ service: { namespace } }: C) => {
    count++;
    byNamespace.set(namespace, (byNamespace.get(namespace) ?? 0) + 1);
  };
  const { announced = [], wished = [] } = Object.groupBy(
    candidates,
    (candidate) => isAnnounced(candidate) ? "announced" : "wished",
  );
  announced.forEach(admit);
  // Stable: the addresses of one Service keep their order.
  wished.sort(({ service: a }, { service: b }) => a === b ? 0 : isOlder(a, b) ? -1 : 1);
  for (const candidate of wished) {
    const ofOne = byNamespace.get(candidate.service.namespace) ?? 0;
    if (count >= most) waiting.set(candidate, "maxVips");
    else if (ofOne >= mostOfOne) waiting.set(candidate, "maxVipsPerNamespace");
    else admit(candidate);
  }
  return waiting;
}
