import assert from "node:assert/strict";
import { instanceMark } from "../../lib/vip/vips.ts";
import { classvipCommand } from "../lab/agent.ts";
import type { LabHost } from "../lab/host.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS, type Stage } from "./stage.ts";

/** What a crashed run left, and how it is cleaned up. */
export const leftoverScenarios: Scenario[] = [
  {
    name: "classvip release after SIGKILL: withdrawn, released, and another node takes at once",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      // So long that nobody can have waited for its end.
      const leaseSeconds = 120;
      const node = stage.nodes[0]!;
      const crashed = await stage.startAgent(node, { leaseSeconds });
      await stage.served(service, vip, node);
      await stage.startStandby(stage.nodes[1]!, { leaseSeconds });

      // Not while the agent runs.
      await assert.rejects(release(stage, node), /nothing released, Lease \S+-vip/);
      await stage.served(service, vip, node);

      await crashed.kill();
      const said = await release(stage, node);
      assert.match(said, new RegExp(`withdrew ${vip}\n.*released Lease ${stage.namespace}/`, "s"));
      await stage.served(service, vip, stage.nodes[1]);
      // Not this node's Lease any more, and nothing to withdraw: no harm done.
      assert.match(await release(stage, node), /withdrew nothing\n.*not held by this node/s);
      await stage.served(service, vip, stage.nodes[1]);
    },
  },
  {
    name: "VIP of a crashed run, and another node holds the Lease: withdrawn at start",
    async run(stage) {
      const [vip, old] = [stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: vip });
      await stage.startAgent(stage.nodes[1]!);
      await stage.served(service, vip);
      const node = stage.nodes[0]!;
      const mark = instanceMark(stage.namespace, stage.lease);
      const metric = ["metric", `${mark}`, "preferred_lft", "0", "valid_lft", "3600"];
      await node.exec(["ip", "address", "add", `${old}/32`, "dev", "eth0", ...metric]);
      await stage.world.watch.waitForHolder(old, DEADLINE_MS, node.name);
      await stage.startAgent(node);
      await stage.gone(old);
      assert.deepEqual(stage.world.claims(old), []);
    },
  },
];

/** Runs `classvip release` on a node. @throws {Error} with what it said when it failed. */
async function release(stage: Stage, node: LabHost): Promise<string> {
  await using child = node.spawn([
    ...await classvipCommand(),
    "release",
    `--kubeconfig=${stage.world.kubeconfig}`,
    `--nodeName=${node.name}`,
    `--loadBalancerClass=${stage.className}`,
    `--leaseName=${stage.lease}`,
    `--leaseNamespace=${stage.namespace}`,
  ]);
  const { success } = await child.status;
  if (!success) throw new Error(child.text);
  return child.text;
}
