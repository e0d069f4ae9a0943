import type { Lease } from "../kube/types.ts";
import { readLease } from "./lease_record.ts";

/** A Lease of the same scope under another name, as last seen. */
interface Sighting {
  readonly renewTime: string | undefined;
  readonly changedAtMs: number;
}

/**
 * Watches for another Lease with the same scope: two Leases for the same Services would mean two
 * holders. Who is not a holder yet yields to any that is alive; between two holders the older Lease
 * has the right of way. One that nobody renews has none.
 */
export class RivalWatch {
  readonly #own: { readonly namespace: string; readonly name: string; readonly scope: string };
  readonly #seen = new Map<string, Sighting>();

  constructor(own: { namespace: string; name: string; scope: string }) {
    this.#own = own;
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
      if (key === ownKey || record.scope !== this.#own.scope) return false;
      if (record.holder === undefined) return false;
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
  if (own === undefined) return false;
  const age = (lease: Lease) => `${lease.metadata?.creationTimestamp} ${keyOf(lease)}`;
  return age(own) < age(other);
}

function keyOf({ metadata }: Lease): string {
  return `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;
}
