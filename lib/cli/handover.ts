import type { InstanceConfig } from "../config/instance.ts";
import type { LoadedConfig } from "../config/load.ts";
import { ACCEPTED_ANNOTATION, HANDOVER_ANNOTATION, readLease } from "../election/lease_record.ts";
import { KubeError } from "../kube/errors.ts";
import { KubeLeaseApi } from "../kube/lease_api.ts";
import { BootClock } from "../sys/clock.ts";
import { loadClients } from "./clients.ts";
import type { CliContext } from "./context.ts";
import { EXIT, exitCodeOf } from "./exit_code.ts";

const DEADLINE_MS = 3000;
const LOOK_MS = 100;

/**
 * `classvip handover --to=NODE`: asks by an annotation on each Lease. The named node says that it
 * is there before the holder lets go, so that a wrong or dead one changes nothing.
 */
export async function run(
  context: CliContext,
  { config, warnings }: LoadedConfig,
  to: string,
): Promise<number> {
  for (const warning of warnings) context.stderr(`warning: ${warning}`);
  using client = (await loadClients(context, config)).open();
  let code: number = EXIT.ok;
  for (const instance of config.instances) {
    const { leaseNamespace: namespace, leaseName: name } = instance;
    try {
      const said = await handOver(new KubeLeaseApi(client, { namespace, name }), instance, to);
      context.stdout(`${instance.name}: ${said}`);
    } catch (error) {
      code = exitCodeOf(error);
      context.stderr(`classvip: ${instance.name}: ${(error as Error).message}`);
    }
  }
  return code;
}

async function handOver(
  api: KubeLeaseApi,
  { leaseNamespace, leaseName, leaseDurationMs }: InstanceConfig,
  to: string,
): Promise<string> {
  const where = `Lease ${leaseNamespace}/${leaseName}`;
  const from = await ask(api, where, to);
  if (from === to) return `${to} holds ${where} already`;
  const clock = new BootClock();
  const untilMs = clock.nowMs() + leaseDurationMs;
  while (clock.nowMs() < untilMs) {
    await clock.until(clock.nowMs() + LOOK_MS, new AbortController().signal);
    const lease = await api.get({ deadlineMs: DEADLINE_MS });
    const holder = lease && readLease(lease).holder;
    if (holder === to) return `${from} handed over to ${to}`;
    if (holder !== undefined && holder !== from) {
      throw new Error(
        `${holder} took over ${where} from ${from} meanwhile: ask it, if ${to} is to`,
      );
    }
  }
  const now = await ask(api, where, undefined);
  if (now === to) return `${from} handed over to ${to}`;
  throw new Error(
    `${to} did not take over ${where} within ${leaseDurationMs / 1000} s, ${now} goes on: ` +
      "is an agent of this instance running there, and ready?",
  );
}

/** @returns the present holder */
async function ask(api: KubeLeaseApi, where: string, to: string | undefined): Promise<string> {
  for (;;) {
    const lease = await api.get({ deadlineMs: DEADLINE_MS });
    const { holder } = lease ? readLease(lease) : {};
    if (lease === undefined) {
      throw new Error(
        `there is no ${where}: \`classvip classes\` lists those there are, and leaseNamespace and ` +
          "leaseName say which one is meant",
      );
    }
    if (holder === undefined) {
      throw new Error(`${where} has no holder: nobody can hand over`);
    }
    if (holder === to) return holder;
    const annotations = { ...lease.metadata?.annotations };
    delete annotations[ACCEPTED_ANNOTATION];
    if (to === undefined) delete annotations[HANDOVER_ANNOTATION];
    else annotations[HANDOVER_ANNOTATION] = to;
    try {
      await api.replace({ ...lease, metadata: { ...lease.metadata, annotations } }, {
        deadlineMs: DEADLINE_MS,
      });
      return holder;
    } catch (error) {
      // A renewal came in between.
      if (!(error instanceof KubeError) || error.status !== 409) throw error;
    }
  }
}
