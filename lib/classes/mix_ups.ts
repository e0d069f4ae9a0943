import type { Lease } from "../kube/types.ts";
import type { AddressOwners } from "../services/address_owners.ts";
import type { ServiceView } from "../services/service_view.ts";
import type { Life } from "./lease_lives.ts";
import { leasesShared, poolsOverlapping, servedTwice } from "./lease_mix_ups.ts";
import { askedTwice, notServed, withoutInstance } from "./service_mix_ups.ts";

/** What may be mixed up; the reason of its Event and the label of its metric. */
export const MIX_UP_KINDS = [
  "ClassServedTwice",
  "LeaseShared",
  "PoolsOverlap",
  "AddressAskedTwice",
  "ClassNotServed",
  "NoLiveInstance",
] as const;

export type MixUpKind = typeof MIX_UP_KINDS[number];

/** Something in the cluster that cannot be meant so. */
export interface MixUp {
  readonly kind: MixUpKind;
  /** Whose it is to mend, by its word on its Lease; empty: nobody's that is known. */
  readonly instance: string;
  /** Empty: Services without a class. */
  readonly class: string;
  /** What the Event is about. */
  readonly object: {
    readonly kind: "Lease" | "Service";
    readonly namespace: string;
    readonly name: string;
    readonly uid?: string | undefined;
  };
  /** The same on every node that sees it. */
  readonly message: string;
  /** What to do. */
  readonly advice: string;
}

/** A Lease of classvip as it was seen. */
export interface SeenLease {
  readonly lease: Lease;
  readonly life: Life;
}

/** An instance of this process: what it stands for, or would. */
export interface OwnInstance {
  readonly instance: string;
  /** Of its Lease. */
  readonly namespace: string;
  readonly name: string;
  readonly scope: string;
  /** The other scope that its Lease is used for; undefined: its own. */
  readonly usedFor: string | undefined;
}

export interface MixUpInput {
  readonly leases: readonly SeenLease[];
  /** LoadBalancer Services of all classes. */
  readonly services: Iterable<ServiceView>;
  readonly owners: Pick<AddressOwners, "owner" | "naming" | "contested">;
  /** Instances that may be kept from their Leases, and then leave no trace on them. */
  readonly own?: readonly OwnInstance[];
  /** Nothing in the cluster is left out: what is not seen is not there. */
  readonly complete: boolean;
  /** Unix time, to be compared with the creation of Services. */
  readonly wallClockMs: number;
}

/** Finds what is mixed up, in an order that is the same on every node. Pure. */
export function findMixUps(input: MixUpInput): MixUp[] {
  return [
    ...servedTwice(input),
    ...leasesShared(input),
    ...poolsOverlapping(input),
    ...askedTwice(input),
    ...input.complete ? notServed(input) : [],
    ...input.complete ? withoutInstance(input) : [],
  ];
}
