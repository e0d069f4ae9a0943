import assert from "node:assert/strict";
import {
  microTime,
  readLease,
  RELEASED_ANNOTATION,
  SCOPE_ANNOTATION,
} from "../../lib/election/lease_record.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { nowMs, rest } from "../lab/clock.ts";
import type { Scenario } from "./scenario.ts";
import { LEASE_SECONDS, logged, type Stage } from "./stage.ts";

/** Instances that get in each other's way. */
export const leaseConflictScenarios: Scenario[] = [
  {
    name: "Lease used by another class: nothing taken, said in log and Event, until it is left",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const [lease, leave] = await usedByOthers(stage, "shared-vip");
      const agent = await stage.startAgent(stage.nodes[0]!, { lease: "shared-vip" });
      const { reason } = await logged(agent, "does not serve");
      assert.equal(
        reason,
        `the Lease is used for class other, this instance serves class ${stage.className}: ` +
          "give each its own Lease",
      );
      const { type, message, involvedObject } = await stage.event("Lease", lease, "LeaseShared");
      assert.equal(type, "Warning");
      assert.equal(involvedObject.apiVersion, "coordination.k8s.io/v1");
      assert.match(message!, /used for class other/);
      await stage.assertUntouched(service, vip);
      // For longer than the Lease would last without renewals.
      await rest((LEASE_SECONDS + 1) * 1000);
      await stage.assertUntouched(service, vip);
      const { spec } = await stage.readLease("shared-vip");
      assert.equal(spec?.holderIdentity, "node-of-others");
      assert.equal(spec?.leaseTransitions, 3);

      await leave();
      const leftAtMs = nowMs();
      await stage.served(service, vip);
      const tookMs = nowMs() - leftAtMs;
      assert.ok(tookMs > LEASE_SECONDS * 1000 / 2, `taken after ${tookMs} ms`);
      const taken = readLease(await stage.readLease("shared-vip"));
      assert.deepEqual([taken.scope, taken.term], [`class ${stage.className}`, 4]);
    },
  },
  {
    name: "Lease released by another class: taken at once",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const [lease, leave] = await usedByOthers(stage, "left-vip");
      const agent = await stage.startAgent(stage.nodes[0]!, {
        lease: "left-vip",
        leaseSeconds: 60,
      });
      await logged(agent, "does not serve", /the Lease is used for class other/);
      await leave();
      await stage.kube.patch("Lease", lease, {
        metadata: { annotations: { [RELEASED_ANNOTATION]: "3" } },
        spec: { holderIdentity: "" },
      });
      await stage.served(service, vip, stage.nodes[0]);
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
      stage.assertStayed(mine);
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

/** A Lease that an instance for other Services renews. @returns it, and what ends the renewals */
async function usedByOthers(stage: Stage, name: string): Promise<[Lease, () => Promise<void>]> {
  const lease = await stage.kube.create("Lease", {
    metadata: {
      namespace: stage.namespace,
      name,
      annotations: { [SCOPE_ANNOTATION]: "class other" },
    },
    spec: {
      holderIdentity: "node-of-others",
      leaseDurationSeconds: LEASE_SECONDS,
      leaseTransitions: 3,
      renewTime: microTime(Date.now()),
    },
  });
  const left = Promise.withResolvers<void>();
  const renewals = async () => {
    for (;;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const due = new Promise<true>((resolve) => timer = setTimeout(() => resolve(true), 500));
      if (!await Promise.race([due, left.promise])) return clearTimeout(timer);
      await stage.kube.patch("Lease", lease, { spec: { renewTime: microTime(Date.now()) } });
    }
  };
  const renewed = renewals();
  const leave = () => (left.resolve(), renewed);
  stage.defer(leave);
  return [lease, leave];
}
