import assert from "node:assert/strict";
import { nowMs } from "../lab/clock.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS, until } from "./stage.ts";

/** Holders that end, or hang, without a word. */
export const crashScenarios: Scenario[] = [
  {
    name: "SIGKILL: the kernel withdraws, then a standby takes over",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const agents = await stage.startAgents(stage.nodes);
      const from = await stage.served(service, vip);
      const before = await stage.kube.get("Service", service);
      const writes = await stage.serviceWrites();
      await agents[stage.nodes.indexOf(from)]!.kill();
      // In this order: AddressWatch tells at the end whether both had it at any time.
      await stage.gone(vip);
      const { host } = await stage.world.watch.waitForHolder(vip, DEADLINE_MS);
      assert.notEqual(host, from.name);
      await stage.served(service, vip);
      await stage.assertUntouched(before);
      assert.equal(await stage.serviceWrites(), writes);
    },
  },
  {
    name: "SIGSTOP and SIGCONT: silent after waking until it holds again",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const sleeper = await stage.startAgent(stage.nodes[0]!);
      const from = await stage.served(service, vip);
      const standby = await stage.startStandby(stage.nodes[1]!);
      sleeper.stop();
      await stage.gone(vip);
      await stage.served(service, vip, stage.nodes[1]);
      const wokenMs = nowMs();
      const lines = sleeper.logs.length;
      sleeper.cont();
      await sleeper.waitForLog(
        ({ message }) => message === "withdrew all VIPs",
        DEADLINE_MS,
        lines,
      );
      const freedMs = nowMs();
      await standby.terminate();
      await stage.world.watch.waitForHolder(vip, DEADLINE_MS, from.name);
      const claim = await stage.world.sniffer.waitForClaim(vip, DEADLINE_MS, {
        mac: from.mac,
        sinceMs: wokenMs,
      });
      // That the address came first, the world judges.
      assert.ok(claim.atMs > freedMs, "it announced what the other one had");
    },
  },
  {
    name: "SIGKILL and restart on the same node: it holds again, the address stays",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      // It must be back before its Lease ends.
      const leaseSeconds = 30;
      const node = stage.nodes[0]!;
      const crashed = await stage.startAgent(node, { leaseSeconds });
      await stage.served(service, vip, node);
      await stage.startStandby(stage.nodes[1]!, { leaseSeconds });
      const { spec: before } = await stage.readLease();
      await crashed.kill();
      const endsMs = async () => {
        const address = (await node.addresses()).find(({ ip }) => ip === vip);
        return nowMs() + (address?.validSeconds ?? -Infinity) * 1000;
      };
      const crashedEndsMs = await endsMs();
      const restartedMs = nowMs();
      await stage.startAgent(node, { leaseSeconds });
      await stage.world.sniffer.waitForClaim(vip, DEADLINE_MS, {
        mac: node.mac,
        sinceMs: restartedMs,
      });
      await until(
        "the kernel lifetime is the new run's",
        async () => await endsMs() > crashedEndsMs + 2000 || undefined,
      );
      stage.assertStayed(vip, node);
      const { spec: after } = await stage.readLease();
      assert.equal(after?.leaseTransitions, before?.leaseTransitions);
      assert.equal(after?.acquireTime, before?.acquireTime);
    },
  },
];
