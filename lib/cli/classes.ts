import { LeaseLives } from "../classes/lease_lives.ts";
import type { SeenLease } from "../classes/mix_ups.ts";
import { MANAGED_SELECTOR } from "../election/lease_record.ts";
import type { LoadedConfig } from "../config/load.ts";
import { KubeError } from "../kube/errors.ts";
import { listAll } from "../kube/list.ts";
import type { Event, KubeClient, Lease, Service } from "../kube/types.ts";
import { type ServiceView, viewService } from "../services/service_view.ts";
import { BootClock } from "../sys/clock.ts";
import { type ClassesReport, reportClasses } from "./classes_report.ts";
import { describeReport } from "./classes_text.ts";
import { loadClients } from "./clients.ts";
import type { CliContext } from "./context.ts";
import { EXIT } from "./exit_code.ts";

const LOOK_MS = 500;
/** A Lease may be without a holder for so long: somebody may be taking it. */
const GRACE_MS = 2000;
const LONGEST_LOOK_MS = 30_000;

/**
 * `classvip classes`: the plan as the cluster has it, and what is mixed up in it.
 *
 * @returns 0, or 3 when something is mixed up
 * @throws {KubeError} when there is no cluster, or it may not be looked at
 */
export async function run(
  context: CliContext,
  { config, warnings }: LoadedConfig,
  output: "text" | "json",
): Promise<number> {
  for (const warning of warnings) context.stderr(`warning: ${warning}`);
  using client = (await loadClients(context, config)).open();
  const leases = await look(client);
  const report = reportClasses({
    leases,
    services: await services(client),
    events: await warningEvents(client, context),
    wallClockMs: Date.now(),
  });
  context.stdout(output === "json" ? asJson(report) : describeReport(report));
  return report.findings.length > 0 ? EXIT.mixUps : EXIT.ok;
}

/** Looks until each Lease was seen to be renewed, or not to be: its times are other machines'. */
async function look(client: KubeClient): Promise<SeenLease[]> {
  const clock = new BootClock();
  const lives = new LeaseLives(GRACE_MS);
  const endMs = clock.nowMs() + LONGEST_LOOK_MS;
  for (;;) {
    const leases = await listAll<Lease>(client, "/apis/coordination.k8s.io/v1/leases", {
      labelSelector: MANAGED_SELECTOR,
    });
    const seen = lives.look(leases, clock.nowMs());
    if (clock.nowMs() > endMs || seen.every(({ life }) => life !== "unknown")) return seen;
    await clock.until(clock.nowMs() + LOOK_MS, new AbortController().signal);
  }
}

async function services(client: KubeClient): Promise<ServiceView[]> {
  const all = await listAll<Service>(client, "/api/v1/services", {
    fieldSelector: "spec.type=LoadBalancer",
  });
  return all.map(viewService).filter(({ loadBalancer }) => loadBalancer);
}

/** What instances have warned of lately: some of it leaves no other trace. */
async function warningEvents(client: KubeClient, { stderr }: CliContext): Promise<Event[]> {
  try {
    const events = await listAll<Event>(client, "/api/v1/events", {
      fieldSelector: "type=Warning,reportingComponent=classvip",
    });
    return events.filter(({ type, reportingComponent }) =>
      type === "Warning" && reportingComponent === "classvip"
    );
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 403) throw error;
    stderr(`warning: what instances have warned of is not shown: ${error.message}`);
    return [];
  }
}

function asJson(report: ClassesReport): string {
  return JSON.stringify(report, undefined, 2);
}
