import { addressesOf, type AddressOwners } from "./address_owners.ts";
import type { ServiceView } from "./service_view.ts";

/** What changed since the last decision: the Services that are to be decided upon anew. */
export interface Changes {
  /** `namespace/name` of each, also of those that are gone. */
  readonly keys: ReadonlySet<string>;
  /** All addresses that one of them named before or names now. */
  readonly vips: ReadonlySet<string>;
  /** Of these, those whose owner is another one now, or of another class. */
  readonly moved?: ReadonlySet<string>;
}

/** The part of the Services that a decision can be made upon by itself. */
export interface Part extends Changes {
  readonly services: readonly ServiceView[];
}

/**
 * Adds to what changed all that is decided together with it: Services that may share an address.
 * For the rest, who gets an address is known from `owners`. What `decide()` says of this part is
 * then what it would say of it among all.
 *
 * @param find a Service of the instance by its key
 */
export function partOf(
  changes: Changes,
  find: (key: string) => ServiceView | undefined,
  owners: Pick<AddressOwners, "naming">,
): Part {
  const keys = new Set(changes.keys);
  const vips = new Set(changes.vips);
  const services: ServiceView[] = [];
  // What is added meanwhile is walked through as well.
  for (const key of keys) {
    const service = find(key);
    if (service === undefined) continue;
    services.push(service);
    for (const vip of addressesOf(service)) {
      vips.add(vip);
      if (service.sharingKey === undefined) continue;
      for (const other of owners.naming(vip)) {
        if (other.sharingKey !== undefined && find(other.key) === other) keys.add(other.key);
      }
    }
  }
  return { keys, vips, services };
}
