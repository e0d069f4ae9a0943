import type { InstanceConfig } from "../config/instance.ts";
import type { LoadedConfig } from "../config/load.ts";
import { readLease } from "../election/lease_record.ts";
import { LeaseWriter } from "../election/lease_writer.ts";
import { KubeLeaseApi } from "../kube/lease_api.ts";
import type { KubeClient } from "../kube/types.ts";
import type { Network } from "../net/link.ts";
import { describeScope } from "../services/class_policy.ts";
import { incarnation } from "../sys/incarnation.ts";
import { holdLock } from "../sys/lock.ts";
import { LinuxNetwork } from "../sys/network.ts";
import { instanceMark } from "../vip/vips.ts";
import { loadClients } from "./clients.ts";
import type { CliContext } from "./context.ts";
import { EXIT, exitCodeOf } from "./exit_code.ts";
import { requireCapabilities } from "./run.ts";

const DEADLINE_MS = 3000;

/**
 * `classvip release`: what a crashed run could not do any more. Takes this node's VIPs from the
 * interfaces, confirms it, and only then releases the Leases that this node holds.
 */
export async function run(
  context: CliContext,
  { config, warnings }: LoadedConfig,
): Promise<number> {
  for (const warning of warnings) context.stderr(`warning: ${warning}`);
  requireCapabilities();
  using network = new LinuxNetwork();
  let code: number = EXIT.ok;
  const fail = (text: string, error: unknown) => {
    code = exitCodeOf(error);
    context.stderr(`classvip: ${text}: ${(error as Error).message}`);
  };
  const withdrawn: { instance: InstanceConfig; lock: Disposable }[] = [];
  using locks = new DisposableStack();
  for (const instance of config.instances) {
    const lease = `${instance.leaseNamespace}/${instance.leaseName}`;
    try {
      const lock = locks.use(holdLock(lease));
      const vips = withdraw(network, instance);
      context.stdout(
        `${instance.name}: withdrew ${vips.length === 0 ? "nothing" : vips.join(", ")}`,
      );
      withdrawn.push({ instance, lock });
    } catch (error) {
      fail(`${instance.name}: nothing released, Lease ${lease}`, error);
    }
  }
  if (withdrawn.length === 0) return EXIT.failed;
  try {
    using client = (await loadClients(context, config)).open();
    for (const { instance } of withdrawn) {
      const said = await release(client, instance, config.nodeName).catch((error) => {
        const seconds = instance.leaseDurationMs / 1000;
        fail(`${instance.name}: Lease not released, it expires after ${seconds} s`, error);
      });
      if (said) context.stdout(`${instance.name}: ${said}`);
    }
  } catch (error) {
    fail("Leases not released, they expire by themselves", error);
  }
  return code;
}

/** @returns the addresses that were taken away; reading the interfaces confirmed it */
function withdraw(network: Network, instance: InstanceConfig): string[] {
  const mark = instanceMark(instance.leaseNamespace, instance.leaseName);
  const marked = () => network.addresses().filter((address) => address.mark === mark);
  const found = marked();
  const errors = network.apply(found.map(({ ip, linkIndex }) => ({
    kind: "remove",
    ip,
    linkIndex,
    mark,
  })));
  const left = marked();
  if (left.length > 0) {
    const why = errors.find((error) => error !== undefined)?.message ?? "still there";
    throw new Error(`could not withdraw ${left.map(({ ip }) => ip.text).join(", ")}: ${why}`);
  }
  return found.map(({ ip }) => ip.text);
}

/** @returns what was done, for people */
async function release(
  client: KubeClient,
  instance: InstanceConfig,
  identity: string,
): Promise<string> {
  const lease = { namespace: instance.leaseNamespace, name: instance.leaseName };
  const api = new KubeLeaseApi(client, lease);
  const seen = await api.get({ deadlineMs: DEADLINE_MS });
  const where = `Lease ${lease.namespace}/${lease.name}`;
  const record = seen && readLease(seen);
  const who = {
    ...lease,
    identity,
    incarnation: incarnation(),
    scope: describeScope(instance),
    leaseDurationMs: instance.leaseDurationMs,
    annotations: instance.leaseAnnotations,
  };
  if (record?.holder !== identity || record.incarnation !== who.incarnation) {
    return `${where} is not held by this node (holder: ${record?.holder ?? "nobody"})`;
  }
  await api.replace(new LeaseWriter(who, Date.now).compose("release", seen), {
    deadlineMs: DEADLINE_MS,
  });
  return `released ${where}`;
}
