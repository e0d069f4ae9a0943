import { PoolKeeper, type PoolKeeperParts, type PoolsInUse } from "../../lib/agent/pool_keeper.ts";
import { IntentJournal } from "../../lib/pools/journal.ts";

/**
 * A PoolKeeper whose Lease nobody writes.
 *
 * @param source what is not said: no pools, and nothing of others
 */
export function poolKeeper(
  source: Partial<PoolsInUse>,
  parts: Pick<PoolKeeperParts, "metrics" | "logger">,
): PoolKeeper {
  return new PoolKeeper({
    source: {
      expected: false,
      pools: [],
      contains: () => false,
      foreign: [],
      claimed: () => [],
      intendedElsewhere: () => new Map(),
      grants: () => ({ mayGrant: () => true, refuses: () => false }),
      interfaceFor: () => undefined,
      ...source,
    },
    journal: new IntentJournal(),
    limits: () => ({ maxVips: 0, maxVipsPerNamespace: 0 }),
    renewNow: () => {},
    relist: () => Promise.resolve(),
    changed: () => {},
    ...parts,
  });
}
