import { readLease } from "../election/lease_record.ts";
import { keyOf } from "../election/rivals.ts";
import type { Lease } from "../kube/types.ts";

/**
 * Whether somebody keeps a Lease: "alive" is one that was seen to be renewed, "dead" one that was
 * seen not to be; in between it is unknown.
 */
export type Life = "alive" | "unknown" | "dead";

interface Sighting {
  readonly record: string;
  readonly changedAtMs: number;
  /** It was seen to change. */
  readonly renewed: boolean;
}

/** Tells the living Leases by looking at them again and again: no clock of another machine counts. */
export class LeaseLives {
  readonly #graceMs: number;
  #sightings = new Map<string, Sighting>();

  /** @param graceMs so much longer than its duration a Lease may rest, or be without a holder */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** @param leases all that there are; what is not among them is forgotten */
  look(leases: readonly Lease[], nowMs: number): { lease: Lease; life: Life }[] {
    const before = this.#sightings;
    this.#sightings = new Map();
    return leases.map((lease) => {
      const [key, { holder, term, renewTime, durationMs = 0 }] = [keyOf(lease), readLease(lease)];
      const record = JSON.stringify([holder, term, renewTime]);
      const last = before.get(key);
      const sighting = last?.record === record
        ? last
        : { record, changedAtMs: nowMs, renewed: last !== undefined };
      this.#sightings.set(key, sighting);
      const { changedAtMs, renewed } = sighting;
      const restedMs = nowMs - changedAtMs;
      const rightMs = holder === undefined ? 0 : durationMs;
      const alive = holder !== undefined && renewed && restedMs <= rightMs;
      return {
        lease,
        life: alive ? "alive" : restedMs > rightMs + this.#graceMs ? "dead" : "unknown",
      };
    });
  }
}
