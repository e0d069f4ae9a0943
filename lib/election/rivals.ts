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
  readonly #own: { readonly name: string; readonly scope: string };
  readonly #seen = new Map<string, Sighting>();

  constructor(own: { name: string; scope: string }) {
    this.#own = own;
  }

  /**
   * @param leases all Leases of classvip in the namespace
   * @param holding whether this node holds its own Lease
   * @returns the Lease that this instance must yield to, or undefined
   */
  rival(leases: readonly Lease[], holding: boolean, nowMs: number): Lease | undefined {
    const own = leases.find((lease) => lease.metadata?.name === this.#own.name);
    return leases.find((lease) => {
      const name = lease.metadata?.name ?? "";
      const record = readLease(lease);
      if (name === this.#own.name || record.scope !== this.#own.scope) return false;
      if (record.holder === undefined) return false;
      const before = this.#seen.get(name);
      const sighting = before?.renewTime === record.renewTime && before !== undefined
        ? before
        : { renewTime: record.renewTime, changedAtMs: nowMs };
      this.#seen.set(name, sighting);
      // Until it was seen unchanged for its whole duration, its holder may be alive.
      const alive = nowMs - sighting.changedAtMs <= (record.durationMs ?? 0);
      return alive && !(holding && precedes(own, lease));
    });
  }
}

function precedes(own: Lease | undefined, other: Lease): boolean {
  if (own === undefined) return false;
  const key = ({ metadata }: Lease) => `${metadata?.creationTimestamp} ${metadata?.name}`;
  return key(own) < key(other);
}
