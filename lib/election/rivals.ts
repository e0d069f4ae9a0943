import type { Lease } from "../kube/types.ts";
import { readLease } from "./lease_record.ts";

/** A Lease for some of the same Services under another name, as last seen. */
interface Sighting {
  readonly renewTime: string | undefined;
  readonly changedAtMs: number;
}

/**
 * Watches for another Lease whose scope overlaps: two Leases for one Service would mean two
 * holders. Who is not a holder yet yields to any that is alive; between two holders the older Lease
 * has the right of way. One that nobody renews has none.
 */
export class RivalWatch {
  readonly #own: { readonly namespace: string; readonly name: string; readonly scope: string };
  readonly #overlaps: (scope: string, other: string) => boolean;
  readonly #seen = new Map<string, Sighting>();

  /** @param overlaps whether a Service could be in both scopes */
  constructor(
    own: { namespace: string; name: string; scope: string },
    overlaps: (scope: string, other: string) => boolean,
  ) {
    this.#own = own;
    this.#overlaps = overlaps;
  }

  /**
   * @param leases all Leases of classvip that can be seen
   * @param holding whether this node holds its own Lease
   * @returns the Lease that this instance must yield to, or undefined
   */
  rival(leases: readonly Lease[], holding: boolean, nowMs: number): Lease | undefined {
    const ownKey = `${this.#own.namespace}/${this.#own.name}`;
    const own = leases.find((lease) => keyOf(lease) === ownKey);
    return leases.find((lease) => {
      const key = keyOf(lease);
      const record = readLease(lease);
      if (key === ownKey || record.holder === undefined || record.scope === undefined) return false;
      if (!this.#overlaps(this.#own.scope, record.scope)) return false;
      const before = this.#seen.get(key);
      const sighting = before?.renewTime === record.renewTime && before !== undefined
        ? before
        : { renewTime: record.renewTime, changedAtMs: nowMs };
      this.#seen.set(key, sighting);
      // Until it was seen unchanged for its whole duration, its holder may be alive.
      const alive = nowMs - sighting.changedAtMs <= (record.durationMs ?? 0);
      return alive && !(holding && precedes(own, lease));
    });
  }
}

function precedes(own: Lease | undefined, other: Lease): boolean {
  return own !== undefined && byAge(own, other) < 0;
}

/** Sorts the older Lease first: that of two instances which has the right of way. */
export function byAge(a: Lease, b: Lease): number {
  const age = (lease: Lease) => `${lease.metadata?.creationTimestamp} ${keyOf(lease)}`;
  const [x, y] = [age(a), age(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** `namespace/name`. */
export function keyOf({ metadata }: Lease): string {
  return `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;
}
