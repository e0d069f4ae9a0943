import assert from "node:assert/strict";
import { NO_VIP_TAINT } from "../../lib/agent/node_watch.ts";
import type { Service } from "../../lib/kube/types.ts";
import { nowMs } from "../lab/clock.ts";
import { startHelper } from "../lab/helper.ts";
import type { LabHost } from "../lab/host.ts";
import { startServers, Traffic } from "../lab/traffic.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS, logged, type Stage, until } from "./stage.ts";

/** Nobody waits for it: a take-over that did would be seen. */
const LEASE_SECONDS = 30;
/** kube-vip's `vip_arpRate`. */
const ARP_RATE_MS = 3000;

/** kube-vip on one node, announcing. */
export interface RunningKubeVip {
  /** SIGTERM. @returns when it has ended */
  terminate(): Promise<void>;
  /** SIGKILL. */
  kill(): void | Promise<void>;
}

type StartKubeVip<K extends RunningKubeVip> = (
  stage: Stage,
  node: LabHost,
  service: Service,
  vip: string,
) => Promise<K>;

/**
 * What kube-vip leaves to be seen of it: its address on the interface without an end, frames every
 * three seconds, the status, and a Lease.
 */
class KubeVipStandIn implements RunningKubeVip {
  readonly #lease: { namespace: string; name: string };
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(readonly stage: Stage, readonly node: LabHost, readonly vip: string) {
    this.#lease = { namespace: stage.namespace, name: "plndr-svcs-lock" };
  }

  static async start(stage: Stage, node: LabHost, service: Service, vip: string) {
    const standIn = new KubeVipStandIn(stage, node, vip);
    await stage.kube.create("Lease", {
      metadata: standIn.#lease,
      spec: { holderIdentity: node.name, leaseDurationSeconds: 5, leaseTransitions: 0 },
    });
    await node.exec(["ip", "address", "add", `${vip}/32`, "dev", node.interface]);
    const announce = () => startHelper(node, "announce_main.ts", [node.interface, vip]);
    await announce();
    standIn.#timer = setInterval(() => void announce(), ARP_RATE_MS);
    const { namespace, name } = service.metadata!;
    const path = `/api/v1/namespaces/${namespace}/services/${name}/status`;
    const ingress = [{ ip: vip, ipMode: "VIP" }];
    await stage.kube.request("PATCH", path, { status: { loadBalancer: { ingress } } });
    return standIn;
  }

  /** As at SIGTERM: client-go's election gives the Lease back first, and then the address goes. */
  async terminate(): Promise<void> {
    this.kill();
    await this.stage.kube.patch("Lease", { metadata: this.#lease }, {
      spec: { holderIdentity: "" },
    });
    await removeAddress(this.node, this.vip);
  }

  /** As at SIGKILL: everything stays but the frames. */
  kill(): void {
    clearInterval(this.#timer);
  }
}

async function removeAddress(node: LabHost, vip: string): Promise<void> {
  await node.exec(["ip", "address", "del", `${vip}/32`, "dev", node.interface]);
}

/** Sets or takes the taint on all nodes. */
async function keepVipsAway(stage: Stage, nodes: readonly LabHost[], away: boolean): Promise<void> {
  const taints = away ? [{ key: NO_VIP_TAINT, effect: "NoSchedule" }] : null;
  await Promise.all(
    nodes.map(({ name }) =>
      stage.kube.request("PATCH", `/api/v1/nodes/${name}`, { spec: { taints } })
    ),
  );
}

/** All that docs/migration.md says to do before kube-vip is stopped. */
async function prepare<K extends RunningKubeVip>(stage: Stage, start: StartKubeVip<K>) {
  const nodes = stage.nodes.slice(0, 2);
  const vip = stage.freshVip();
  const service = await stage.createService({
    annotations: { "kube-vip.io/loadbalancerIPs": vip },
  });
  const kubeVip = await start(stage, nodes[0]!, service, vip);
  stage.defer(async () => void await kubeVip.kill());
  for (const { name } of nodes) {
    await stage.kube.request("POST", "/api/v1/nodes", { metadata: { name } });
    stage.defer(async () => void await stage.kube.request("DELETE", `/api/v1/nodes/${name}`));
  }
  await keepVipsAway(stage, nodes, true);
  const agents = await stage.startAgents(nodes, { leaseSeconds: LEASE_SECONDS });
  for (const agent of agents) await logged(agent, "the node may not hold");
  const before = stage.world.watch.holdings.of(vip);
  assert.deepEqual(before.map(({ host, open }) => [host, open]), [[nodes[0]!.name, true]]);
  return { nodes, vip, service, kubeVip };
}

/** Takes a VIP over from kube-vip. @param port that nobody else uses @throws {Error} when nobody had it for long */
export async function takeOver<K extends RunningKubeVip>(
  stage: Stage,
  start: StartKubeVip<K>,
  port: number,
): Promise<void> {
  const { nodes, vip, service, kubeVip } = await prepare(stage, start);
  await startServers(nodes, port);
  await using traffic = await Traffic.start(stage.world.lab.client, { ip: vip, port });
  await traffic.waitForAnswer(DEADLINE_MS, { node: nodes[0]!.name });
  const sinceMs = nowMs();
  await kubeVip.terminate();
  await keepVipsAway(stage, nodes, false);
  const holder = await until("classvip holds it", () => {
    const [, next] = stage.world.watch.holdings.of(vip);
    return Promise.resolve(next?.open ? nodes.find(({ name }) => name === next.host) : undefined);
  });
  await stage.served(service, vip, holder);
  await traffic.waitForAnswer(DEADLINE_MS, { node: holder.name, sinceMs: nowMs() });
  const { longestGapMs } = traffic.summary(sinceMs);
  console.log(`kube-vip → classvip: silent for ${longestGapMs.toFixed(0)} ms`);
  assert.ok(longestGapMs < LEASE_SECONDS * 1000 / 2, `silent for ${longestGapMs} ms`);
}

/** Kills kube-vip: its address is nobody's to take, until somebody takes it away. */
export async function takeOverAfterCrash<K extends RunningKubeVip>(
  stage: Stage,
  start: StartKubeVip<K>,
): Promise<void> {
  const { nodes, vip, service, kubeVip } = await prepare(stage, start);
  await kubeVip.kill();
  const [where] = nodes;
  assert.ok((await where!.addresses()).some(({ ip }) => ip === vip));
  // Where it is, another program's address is not removed.
  await stage.kube.request("PATCH", `/api/v1/nodes/${where!.name}`, { spec: { taints: null } });
  await stage.event("Service", service, "AddressRefused");
  await removeAddress(where!, vip);
  await stage.served(service, vip, where);
}

/** From kube-vip to classvip, as docs/migration.md leads; the world checks for two announcers. */
export const migrationScenarios: Scenario[] = [
  {
    name: "take-over from kube-vip: never two announcers, and no Lease is waited for",
    run: (stage) => takeOver(stage, KubeVipStandIn.start, 8088),
  },
  {
    name: "take-over from a killed kube-vip: its address stays until somebody takes it away",
    run: (stage) => takeOverAfterCrash(stage, KubeVipStandIn.start),
  },
];
