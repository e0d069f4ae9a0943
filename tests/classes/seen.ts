import { PLAN_ANNOTATION } from "../../lib/classes/class_plan.ts";
import type { Life } from "../../lib/classes/lease_lives.ts";
import type { MixUpInput, SeenLease } from "../../lib/classes/mix_ups.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { AddressOwners } from "../../lib/services/address_owners.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import { lease, OTHER } from "../election/parts.ts";

/** A Lease by this name; its age goes by the name unless it is given. */
export function named(
  name: string,
  sketch: Parameters<typeof lease>[0] & { pools?: readonly string[]; createdAt?: string } = {},
): Lease {
  const made = lease({ ...OTHER, ...sketch });
  const { pools, createdAt = "2026-01-01T00:00:00Z" } = sketch;
  return {
    ...made,
    metadata: {
      ...made.metadata,
      name,
      creationTimestamp: createdAt,
      annotations: {
        ...made.metadata!.annotations,
        ...pools && { [PLAN_ANNOTATION]: JSON.stringify({ instance: name, pools }) },
      },
    },
  };
}

export function seen(lease: Lease, life: Life = "alive"): SeenLease {
  return { lease, life };
}

/** Long after all Services were made. */
export const NOW_MS = Date.parse("2026-02-01T00:00:00Z");

export function input(
  leases: readonly SeenLease[],
  services: readonly ServiceView[] = [],
  more: Partial<MixUpInput> = {},
): MixUpInput {
  const owners = new AddressOwners(services);
  return { leases, services, owners, complete: true, wallClockMs: NOW_MS, ...more };
}
