import assert from "node:assert/strict";
import { nowMs } from "../lab/clock.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS, LEASE_SECONDS, logged } from "./stage.ts";

/** What the kernel may be late by, and the looks at the addresses. */
const SLACK_MS = 500;

/** An API server that goes away, and what is missed meanwhile. */
export const outageScenarios: Scenario[] = [
  {
    name: "API server restarted within the Lease: no VIP moves, renewals go on",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const options = { leaseSeconds: 120, flags: ["--renewInterval=500ms"] };
      await stage.startAgents(stage.nodes.slice(0, 2), options);
      const holder = await stage.served(service, vip);
      stage.defer(() => stage.world.plane.start());
      await stage.world.plane.stop();
      await stage.world.plane.start();
      const { spec: before } = await stage.readLease();
      const { spec: after } = await stage.waitForLease(
        "is renewed",
        ({ spec }) => spec?.renewTime !== before?.renewTime,
      );
      assert.equal(after?.holderIdentity, holder.name);
      assert.equal(after?.leaseTransitions, before?.leaseTransitions);
      // And the watch of Services is back.
      const more = stage.freshVip();
      await stage.served(await stage.createService({ addresses: more }), more, holder);
      const [holding, ...others] = stage.world.watch.holdings.of(vip);
      assert.deepEqual([holding?.open, others], [true, []], "the VIP moved");
    },
  },
  {
    name: "API server away for longer than the Lease: withdrawn in time, back afterwards",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      await stage.startAgents(stage.nodes.slice(0, 2));
      await stage.served(service, vip);
      stage.defer(() => stage.world.plane.start());
      await stage.world.plane.stop();
      const stoppedMs = nowMs();
      await stage.gone(vip);
      const [holding] = stage.world.watch.holdings.of(vip);
      const heldMs = holding!.toMs - stoppedMs;
      assert.ok(heldMs <= LEASE_SECONDS * 1000 + SLACK_MS, `held for ${heldMs} ms`);
      await stage.world.plane.start();
      await stage.served(service, vip);
    },
  },
  {
    name: "API server away at start: waited for",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      stage.defer(() => stage.world.plane.start());
      await stage.world.plane.stop();
      const agent = await stage.startAgent(stage.nodes[0]!);
      const { server } = await logged(agent, "the API server cannot be reached, trying again");
      assert.equal(server, stage.world.plane.url);
      await stage.world.plane.start();
      await stage.served(service, vip);
    },
  },
  {
    name: "Service deleted while the watch is cut: withdrawn after the reconnect",
    async run(stage) {
      const [vip, stays] = [stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: vip });
      const other = await stage.createService({ addresses: stays });
      const node = stage.nodes[0]!;
      await stage.startAgent(node, { leaseSeconds: 60 });
      await stage.served(service, vip);
      await stage.served(other, stays);
      stage.defer(() => node.restoreApi().catch(() => {}));
      await node.cutApi();
      // The kernel would go on sending what a connection had to say, also after its end.
      await stage.world.plane.stop();
      await stage.world.plane.start();
      await stage.kube.delete("Service", service);
      // The event is history by the time the node is back.
      await stage.world.plane.forget();
      await node.restoreApi();
      await stage.gone(vip);
      const more = stage.freshVip();
      await stage.served(await stage.createService({ addresses: more }), more);
      const [holding, ...others] = stage.world.watch.holdings.of(stays);
      assert.deepEqual([holding?.open, others], [true, []], "the other Service's VIP moved");
    },
  },
  {
    name: "a node cut off from the API server: the VIP moves, and the node is silent",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const [from, to] = [stage.nodes[0]!, stage.nodes[1]!];
      await stage.startAgent(from);
      await stage.served(service, vip, from);
      await stage.startStandby(to);
      stage.defer(() => from.restoreApi().catch(() => {}));
      await from.cutApi();
      await stage.gone(vip);
      const { fromMs } = await stage.world.watch.waitForHolder(vip, DEADLINE_MS, to.name);
      await from.restoreApi();
      await stage.served(service, vip, to);
      assert.ok(stage.world.claims(vip, from).every(({ atMs }) => atMs < fromMs));
    },
  },
];
