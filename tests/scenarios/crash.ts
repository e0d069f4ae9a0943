import assert from "node:assert/strict";
import { nowMs } from "../lab/clock.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS, LEASE_SECONDS, until } from "./stage.ts";

/** How much faster another node's clock may run: a standby waits that much longer. */
const DRIFT = 1.01;
/** Requests, jitter, and a machine that is busy with other things. */
const SLACK_MS = 2000;

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
      const killedMs = nowMs();
      await agents[stage.nodes.indexOf(from)]!.kill();
      // In this order: AddressWatch tells at the end whether both had it at any time.
      await stage.gone(vip);
      const { host, fromMs } = await stage.world.watch.waitForHolder(vip, DEADLINE_MS);
      assert.notEqual(host, from.name);
      const limitMs = LEASE_SECONDS * 1000 * DRIFT + SLACK_MS;
      assert.ok(fromMs - killedMs <= limitMs, `taken over after ${fromMs - killedMs} ms`);
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
      await standby.terminate();
      const { fromMs } = await stage.world.watch.waitForHolder(vip, DEADLINE_MS, from.name);
      const claim = await stage.world.sniffer.waitForClaim(vip, DEADLINE_MS, {
        mac: from.mac,
        sinceMs: wokenMs,
      });
      // The address comes first, then its frames; the dump that shows it may be a bit late.
      assert.ok(claim.atMs > fromMs - stage.world.watch.holdings.longestPauseMs);
    },
  },
  {
    name: "SIGKILL and restart on the same node: it holds again, the address stays",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const leaseSeconds = 8;
      const node = stage.nodes[0]!;
      const crashed = await stage.startAgent(node, { leaseSeconds });
      await stage.served(service, vip, node);
      await stage.startStandby(stage.nodes[1]!, { leaseSeconds });
      const { spec: before } = await stage.readLease();
      await crashed.kill();
      const lifetime = async () =>
        (await node.addresses()).find(({ ip }) => ip === vip)?.validSeconds ?? 0;
      const left = await lifetime();
      const restartedMs = nowMs();
      await stage.startAgent(node, { leaseSeconds });
      await stage.world.sniffer.waitForClaim(vip, DEADLINE_MS, {
        mac: node.mac,
        sinceMs: restartedMs,
      });
      // Longer than the crashed run's lifetime could last: it is the new run's by now.
      await until(
        "the old lifetime is over",
        () => Promise.resolve(nowMs() > restartedMs + left * 1000 + 1000 || undefined),
      );
      assert.ok(await lifetime() > 0);
      stage.assertStayed(vip, node);
      const { spec: after } = await stage.readLease();
      assert.equal(after?.leaseTransitions, before?.leaseTransitions);
      assert.equal(after?.acquireTime, before?.acquireTime);
    },
  },
];
