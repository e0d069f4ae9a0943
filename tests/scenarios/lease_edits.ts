import assert from "node:assert/strict";
import { HANDOVER_ANNOTATION, PRIORITY_ANNOTATION } from "../../lib/election/lease_record.ts";
import type { LabHost } from "../lab/host.ts";
import { FastTeam } from "./fast_team.ts";
import type { Scenario } from "./scenario.ts";
import { LEASE_SECONDS, logged, until } from "./stage.ts";

/** The most that a Lease's numbers can be: int32. */
const MOST = 2 ** 31 - 1;

/** A Lease in the hands of people. */
export const leaseEditScenarios: Scenario[] = [
  {
    name: "Lease edited by hand to nonsense: one holder afterwards, and still able to hand over",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const nodes = stage.nodes.slice(0, 2) as LabHost[];
      const agents = await stage.startAgents(nodes);
      await stage.served(service, vip);
      const edits: Record<string, unknown>[] = [
        { spec: { leaseDurationSeconds: MOST } },
        { spec: { renewTime: "9999-12-31T23:59:59.000000Z", acquireTime: null } },
        { spec: { holderIdentity: "", leaseDurationSeconds: 1 } },
        { spec: { holderIdentity: "a ghost", leaseTransitions: 0 } },
        {
          metadata: {
            annotations: { [HANDOVER_ANNOTATION]: "no/such node", [PRIORITY_ANNOTATION]: "-1e9" },
          },
        },
        { metadata: { annotations: null, labels: null } },
        { spec: { leaseTransitions: MOST } },
        { spec: null },
      ];
      for (const edit of edits) {
        const { spec: edited } = await stage.kube.patch("Lease", await stage.readLease(), edit);
        await until(`one holder after ${JSON.stringify(edit)}`, async () => {
          const { spec } = await stage.readLease();
          const holders = stage.world.watch.holdings.holders(vip);
          return spec?.leaseDurationSeconds === LEASE_SECONDS &&
              spec.renewTime !== edited?.renewTime && holders.length === 1 &&
              holders[0]!.host === spec.holderIdentity || undefined;
        });
      }
      assert.ok(agents.every(({ ended }) => !ended));
      await stage.served(service, vip);
    },
  },
  {
    name: "label of the Lease taken away by hand: the VIP stays, and the label comes back",
    async run(stage) {
      // In fast mode a holder lets go of a Lease that is gone.
      const team = await FastTeam.create(stage);
      const vip = await team.serving(stage.nodes.slice(0, 2));
      for (let i = 0; i < 3; i++) {
        await stage.kube.patch("Lease", await stage.readLease(), { metadata: { labels: null } });
        await until("the label is back", async () => {
          const { metadata } = await stage.readLease();
          return metadata?.labels?.["app.kubernetes.io/managed-by"] === "classvip" || undefined;
        });
      }
      assert.deepEqual(stage.world.watch.holdings.of(vip).map(({ open }) => open), [true]);
    },
  },
  {
    name: "leaseTransitions at its end: said, and the next holder begins anew",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const holder = await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, vip, stage.nodes[0]);
      const standby = await stage.startStandby(stage.nodes[1]!);
      await stage.kube.patch("Lease", await stage.readLease(), {
        spec: { leaseTransitions: MOST },
      });
      await logged(holder, "the Lease is not as it should be", /^leaseTransitions is 2147483647, /);
      await until("it is renewed", async () => {
        const { spec } = await stage.readLease();
        return spec?.leaseTransitions === MOST && spec.holderIdentity === "node-1" || undefined;
      });
      await holder.terminate();
      await stage.served(service, vip, stage.nodes[1]);
      assert.equal((await stage.readLease()).spec?.leaseTransitions, 0);
      await standby.kill();
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, vip, stage.nodes[0]);
    },
  },
];
