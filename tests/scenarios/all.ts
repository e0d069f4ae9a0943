import { addressScenarios } from "./addresses.ts";
import { apiLossScenarios } from "./api_loss.ts";
import { changeScenarios } from "./changes.ts";
import { classScenarios } from "./classes.ts";
import { crashScenarios } from "./crash.ts";
import { fastScenarios } from "./fast.ts";
import { handoverScenarios } from "./handover.ts";
import { hostileScenarios } from "./hostile.ts";
import { ipv6Scenarios } from "./ipv6.ts";
import { leaseConflictScenarios } from "./lease_conflicts.ts";
import { leaseEditScenarios } from "./lease_edits.ts";
import { leftoverScenarios } from "./leftovers.ts";
import { linkScenarios } from "./links.ts";
import { migrationScenarios } from "./migration.ts";
import { mixUpScenarios } from "./mix_ups.ts";
import { outageScenarios } from "./outages.ts";
import { planScenarios } from "./plan.ts";
import { poolScenarios } from "./pools.ts";
import { preferenceScenarios } from "./preferences.ts";
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
  ...leaseEditScenarios,
  ...outageScenarios,
  ...poolScenarios,
  ...migrationScenarios,
  ...apiLossScenarios,
  ...linkScenarios,
  ...preferenceScenarios,
  ...processScenarios,
  ...planScenarios,
  ...fastScenarios,
  ...hostileScenarios,
  ...ipv6Scenarios,
  ...mixUpScenarios,
];
