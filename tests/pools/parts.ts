import type { LabelRequirement } from "../../lib/pools/label_selector.ts";
import type { AllocateInput, Allocation } from "../../lib/pools/allocate.ts";
import { allocate } from "../../lib/pools/allocate.ts";
import { Pool, type PoolSpec } from "../../lib/pools/pool.ts";
import { AddressOwners } from "../../lib/services/address_owners.ts";
import { type ServiceView, viewService } from "../../lib/services/service_view.ts";
import { service, type Sketch } from "../services/views.ts";
import type { Service } from "../../lib/kube/types.ts";

export interface PoolSketch extends Sketch {
  spec?: Service["spec"];
  labels?: Record<string, string>;
}

/** A view of a Service with ports, families and labels. */
export function viewOf(name: string, sketch: PoolSketch = {}): ServiceView {
  const base = service(name, sketch);
  return viewService({
    ...base,
    metadata: { ...base.metadata!, ...(sketch.labels && { labels: sketch.labels }) },
    spec: { ports: [{ port: 80 }], ...base.spec!, ...sketch.spec },
  });
}

export function pool(addresses: string, more: Partial<PoolSpec> = {}): Pool {
  return new Pool({
    name: addresses,
    addresses: addresses.split(","),
    autoAssign: true,
    avoidEnds: false,
    namespaces: [],
    serviceSelector: [],
    ...more,
  });
}

/** Allocates among these Services alone. */
export function run(
  services: readonly ServiceView[],
  pools: readonly Pool[],
  more: Partial<AllocateInput> = {},
): Allocation {
  return allocate({
    services,
    pools,
    owners: new AddressOwners(services),
    intents: new Map(),
    unusable: () => undefined,
    room: 1000,
    ...more,
  });
}

/** What each Service has or gets, by name. */
export function given({ given }: Allocation): Record<string, string> {
  return Object.fromEntries(
    [...given].map(([uid, vips]) => [uid.replace("uid-", ""), vips.join()]),
  );
}

/** Asks for a label with this value. */
export function is(key: string, value: string): LabelRequirement {
  return { key, operator: "In", values: [value] };
}
