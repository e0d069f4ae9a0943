import assert from "node:assert/strict";
import { SCOPE_ANNOTATION } from "../../lib/election/lease_record.ts";
import type { Scenario } from "./scenario.ts";
import { logged } from "./stage.ts";

/** Instances that get in each other's way. */
export const leaseConflictScenarios: Scenario[] = [
  {
    name: "Lease used by another class: nothing taken, said in log and Event, until it is free",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const lease = await stage.layLease("shared-vip", { [SCOPE_ANNOTATION]: "class other" });
      const agent = await stage.startAgent(stage.nodes[0]!, { lease: "shared-vip" });
      const { reason } = await logged(agent, "does not serve");
      assert.equal(
        reason,
        `the Lease is used for class other, this instance serves class ${stage.className}: ` +
          "give each its own Lease",
      );
      const { type, message, involvedObject } = await stage.event("Lease", lease, "LeaseConflict");
      assert.equal(type, "Warning");
      assert.equal(involvedObject.apiVersion, "coordination.k8s.io/v1");
      assert.match(message!, /used for class other/);
      await stage.assertUntouched(service, vip);
      const { metadata } = await stage.readLease("shared-vip");
      assert.equal(metadata?.resourceVersion, lease.metadata?.resourceVersion, "Lease written to");

      await stage.kube.patch("Lease", lease, {
        metadata: { annotations: { [SCOPE_ANNOTATION]: null } },
      });
      await stage.served(service, vip);
    },
  },
  {
    name: "two classes told to use one Lease: the second says so and takes nothing",
    async run(stage) {
      const other = `${stage.namespace}.example/other`;
      const [mine, theirs] = [stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: mine });
      const foreign = await stage.createService({ addresses: theirs, class: other });
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, mine);
      const intruder = await stage.startAgent(stage.nodes[1]!, { class: other });
      await logged(intruder, "does not serve", /the Lease is used for class/);
      await stage.assertUntouched(foreign, theirs);
      await intruder.terminate();
      const [holding, ...more] = stage.world.watch.holdings.of(mine);
      assert.deepEqual([holding?.open, more], [true, []]);
    },
  },
  {
    name: "second process for one Lease on one node: refused, takes over when the first ends",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const node = stage.nodes[0]!;
      const first = await stage.startAgent(node);
      await stage.served(service, vip, node);
      const second = await stage.startAgent(node);
      const { reason } = await logged(second, "does not stand");
      const lease = `Lease ${stage.namespace}/${stage.lease} `;
      assert.ok(String(reason).startsWith(`${lease}is stood for by another process on this node`));
      const { spec } = await stage.readLease();
      await first.terminate();
      const { spec: next } = await stage.waitForLease(
        "has a new term",
        (lease) => lease.spec?.leaseTransitions === spec!.leaseTransitions! + 1,
      );
      assert.equal(next?.holderIdentity, node.name);
      await stage.served(service, vip, node);
    },
  },
  {
    name: "one class under two Leases: the second does not serve, until the first ends",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      await stage.layLease("second-vip");
      const first = await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, vip, stage.nodes[0]);
      const second = await stage.startAgent(stage.nodes[1]!, { lease: "second-vip" });
      const { reason } = await logged(second, "does not stand");
      assert.equal(
        reason,
        `class ${stage.className} is served under Lease ${stage.namespace}/${stage.lease} already ` +
          `(holder node-1): use that Lease, or stop that instance`,
      );
      await first.terminate();
      await stage.served(service, vip, stage.nodes[1]);
    },
  },
];
