import assert from "node:assert/strict";
import { NO_VIP_TAINT } from "../../lib/agent/node_watch.ts";
import { HANDOVER_ANNOTATION } from "../../lib/election/lease_record.ts";
import { classvipCommand } from "../lab/agent.ts";
import { rest } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import type { Scenario } from "./scenario.ts";
import { LEASE_SECONDS, logged, type Stage } from "./stage.ts";

/** So long that nobody can have waited for the Lease's end. */
const LONG_SECONDS = 120;

/** Which node is to hold, by what people say. */
export const preferenceScenarios: Scenario[] = [
  {
    name: "classvip handover, and the Lease's annotation: at once to the named node, to no other",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const [first, second, third] = stage.nodes as [LabHost, LabHost, LabHost];
      await stage.startAgent(first, { leaseSeconds: LONG_SECONDS });
      await stage.served(service, vip, first);
      for (const node of [second, third]) {
        await stage.startStandby(node, { leaseSeconds: LONG_SECONDS });
      }
      assert.match(await handOver(stage, third.name), /node-1 handed over to node-3/);
      await stage.served(service, vip, third);
      assert.match(await handOver(stage, third.name), /node-3 holds Lease \S+ already/);
      // Nobody is there under that name: it says so, and nothing moves.
      await assert.rejects(
        handOver(stage, "node-9", ["--leaseDuration=3s"]),
        /node-9 did not take over Lease \S+ within 3 s, node-3 goes on/,
      );
      await stage.kube.patch("Lease", await stage.readLease(), {
        metadata: { annotations: { [HANDOVER_ANNOTATION]: second.name } },
      });
      await stage.served(service, vip, second);
      const { metadata } = await stage.readLease();
      assert.equal(metadata?.annotations?.[HANDOVER_ANNOTATION], undefined);
      assert.deepEqual(stage.world.watch.holdings.of(vip).map(({ host }) => host), [
        first.name,
        third.name,
        second.name,
      ]);
    },
  },
  {
    name: "--priority: the highest takes a free Lease, and comes back only with --failback",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const [low, middle, high] = stage.nodes as [LabHost, LabHost, LabHost];
      const holder = await stage.startAgent(low, { flags: ["--priority=0"] });
      await stage.served(service, vip, low);
      await stage.startStandby(middle, { flags: ["--priority=1"] });
      const plain = await stage.startStandby(high, { flags: ["--priority=100"] });
      // Longer than a failback would take.
      await rest(2.5 * LEASE_SECONDS * 1000);
      assert.equal(stage.world.watch.holdings.of(vip).length, 1, "a failback that nobody set");
      await holder.terminate();
      await stage.served(service, vip, high);
      await plain.terminate();
      await stage.served(service, vip, middle);
      await stage.startStandby(high, { flags: ["--priority=100", "--failback"] });
      await stage.served(service, vip, high);
      assert.deepEqual(stage.world.watch.holdings.of(vip).map(({ host }) => host), [
        low.name,
        high.name,
        middle.name,
        high.name,
      ]);
    },
  },
  {
    name: "taint classvip.io/no-vip: hands over at once, and may hold again when it goes",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const [tainted, other] = stage.nodes as [LabHost, LabHost];
      const path = `/api/v1/nodes/${tainted.name}`;
      await stage.kube.request("POST", "/api/v1/nodes", { metadata: { name: tainted.name } });
      stage.defer(async () => void await stage.kube.request("DELETE", path));
      const agent = await stage.startAgent(tainted, { leaseSeconds: LONG_SECONDS });
      await stage.served(service, vip, tainted);
      const standby = await stage.startStandby(other, { leaseSeconds: LONG_SECONDS });
      await stage.kube.request("PATCH", path, {
        spec: { taints: [{ key: NO_VIP_TAINT, effect: "NoSchedule" }] },
      });
      await stage.served(service, vip, other);
      await logged(agent, "the node may not hold", /has the taint classvip\.io\/no-vip/);
      // Not even where nobody else is there.
      await standby.terminate();
      await stage.gone(vip);
      await stage.waitForLease("is free", ({ spec }) => !spec?.holderIdentity);
      await stage.kube.request("PATCH", path, { spec: { taints: null } });
      await stage.served(service, vip, tainted);
      assert.equal(stage.world.watch.holdings.of(vip).length, 3);
    },
  },
];

/** Runs `classvip handover`. @throws {Error} with what it said when it failed. */
async function handOver(
  stage: Stage,
  to: string,
  // For so long it waits.
  flags = [`--leaseDuration=${LONG_SECONDS}s`],
): Promise<string> {
  await using child = stage.nodes[0]!.spawn([
    ...await classvipCommand(),
    "handover",
    `--to=${to}`,
    `--kubeconfig=${stage.world.kubeconfig}`,
    `--loadBalancerClass=${stage.className}`,
    `--leaseName=${stage.lease}`,
    `--leaseNamespace=${stage.namespace}`,
    ...flags,
  ]);
  const { success } = await child.status;
  if (!success) throw new Error(child.text);
  return child.text;
}
