import { addressScenarios } from "./addresses.ts";
import { changeScenarios } from "./changes.ts";
import { classScenarios } from "./classes.ts";
import { crashScenarios } from "./crash.ts";
import { handoverScenarios } from "./handover.ts";
import { leaseConflictScenarios } from "./lease_conflicts.ts";
import { leftoverScenarios } from "./leftovers.ts";
import { outageScenarios } from "./outages.ts";
import { planScenarios } from "./plan.ts";
import { poolScenarios } from "./pools.ts";
import { processScenarios } from "./process.ts";
import type { Scenario } from "./scenario.ts";

/** Every scenario that can be played on any API server. */
export const allScenarios: readonly Scenario[] = [
  ...classScenarios,
  ...changeScenarios,
  ...addressScenarios,
  ...handoverScenarios,
  ...crashScenarios,
  ...leftoverScenarios,
  ...leaseConflictScenarios,
  ...outageScenarios,
  ...poolScenarios,
  ...processScenarios,
  ...planScenarios,
];
