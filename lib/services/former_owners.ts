import type { ServiceView } from "./service_view.ts";

/** The side that a Service belongs to: whoever serves its class in its namespace. */
export type Side = Pick<ServiceView, "loadBalancerClass" | "namespace">;

/** Whose Service had the first right to an address before. */
export interface FormerOwner {
  /** Canonical text of the address. */
  readonly vip: string;
  /** Undefined: it may have been anybody's for a while. */
  readonly side: Side | undefined;
  /** The resourceVersion, as a number, since which it is so no more. */
  readonly version: number;
}

/**
 * For each address whose owner changed sides, who had it before: the instance of that side may not
 * know yet, and have the address still. Kept until it is known to have let go.
 */
export class FormerOwners {
  readonly #byVip = new Map<string, Map<string, FormerOwner>>();

  get size(): number {
    return this.#byVip.size;
  }

  add(former: FormerOwner): void {
    const all = this.#byVip.get(former.vip) ?? new Map<string, FormerOwner>();
    this.#byVip.set(former.vip, all);
    const key = sideOf(former.side) ?? "";
    if ((all.get(key)?.version ?? 0) <= former.version) all.set(key, former);
  }

  /** @param vip canonical text */
  of(vip: string): Iterable<FormerOwner> {
    return this.#byVip.get(vip)?.values() ?? [];
  }

  /** @returns the addresses of which one was forgotten */
  forget(hasLetGo: (former: FormerOwner) => boolean): Set<string> {
    const vips = new Set<string>();
    for (const [vip, all] of this.#byVip) {
      for (const [key, former] of all) {
        if (!hasLetGo(former)) continue;
        all.delete(key);
        vips.add(vip);
      }
      if (all.size === 0) this.#byVip.delete(vip);
    }
    return vips;
  }
}

/** One text for the same side. */
export function sideOf(side: Side | undefined): string | undefined {
  return side && `${side.namespace} ${side.loadBalancerClass ?? ""}`;
}

/** A resourceVersion as a number; 0 for one that is none, which is older than all. */
export function versionNumber(resourceVersion: string | undefined): number {
  return /^\d{1,15}$/.test(resourceVersion ?? "") ? Number(resourceVersion) : 0;
}
