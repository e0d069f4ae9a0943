import assert from "node:assert/strict";
import { HANDED_OVER_ANNOTATION, RELEASED_ANNOTATION } from "../../lib/election/lease_record.ts";
import type { LabHost } from "../lab/host.ts";
import type { Scenario } from "./scenario.ts";
import { LEASE_SECONDS, logged, until } from "./stage.ts";

/** A holder that ends as it should. */
export const handoverScenarios: Scenario[] = [
  {
    name: "first start: the Lease is made, and the holder holds",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      await stage.startAgents(stage.nodes, { lease: "new-vip" });
      const holder = await stage.served(service, vip);
      const { spec } = await stage.readLease("new-vip");
      assert.equal(spec?.holderIdentity, holder.name);
      assert.equal(spec?.leaseDurationSeconds, LEASE_SECONDS);
    },
  },
  {
    name: "SIGTERM: all VIPs move at once, and nothing is written to the Services",
    async run(stage) {
      const vips = Array.from({ length: 5 }, () => stage.freshVip());
      const services = await Promise.all(
        vips.map((addresses) => stage.createService({ addresses })),
      );
      // So long that a standby can't have waited for its end.
      const leaseSeconds = 120;
      const agents = await stage.startAgents(stage.nodes, { leaseSeconds });
      const hosts = await Promise.all(
        services.map((service, i) => stage.served(service, vips[i]!)),
      );
      assert.equal(new Set(hosts).size, 1, "one holder for all");
      const from = stage.nodes.indexOf(hosts[0]!);
      const others = agents.filter((_, i) => i !== from);
      await Promise.all(others.map((agent) => logged(agent, "another holder is seen")));
      const before = await Promise.all(services.map((one) => stage.kube.get("Service", one)));
      const writes = await stage.serviceWrites();
      assert.equal(writes, services.length, `${writes} writes for ${services.length} Services`);
      const { spec: term } = await stage.readLease();

      assert.equal((await agents[from]!.terminate()).code, 0);
      const after = await Promise.all(services.map((one, i) => stage.served(one, vips[i]!)));
      assert.equal(new Set(after).size, 1);
      assert.notEqual(after[0], hosts[0]);
      for (const service of before) await stage.assertUntouched(service);
      assert.equal(await stage.serviceWrites(), writes);
      const { spec: next } = await stage.readLease();
      assert.equal(next?.holderIdentity, after[0]!.name);
      assert.equal(next?.leaseTransitions, term!.leaseTransitions! + 1);
    },
  },
  {
    name: "SIGTERM: the holder's last write names the next one, who announces and renews",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const [node, next] = stage.nodes as [LabHost, LabHost];
      const holder = await stage.startAgent(node, { leaseSeconds: 120 });
      await stage.served(service, vip, node);
      await stage.startStandby(next, { leaseSeconds: 120 });
      const before = await stage.readLease();
      assert.equal((await holder.terminate()).code, 0);
      const said = await logged(holder, "handed the Lease over");
      assert.equal(said["to"], next.name);
      await stage.served(service, vip, next);
      const after = await until("the next holder renews", async () => {
        const lease = await stage.readLease();
        return lease.metadata?.annotations?.[HANDED_OVER_ANNOTATION] === undefined
          ? lease
          : undefined;
      });
      assert.equal(after.spec?.holderIdentity, next.name);
      assert.equal(after.spec?.leaseTransitions, before.spec!.leaseTransitions! + 1);
      assert.equal(after.metadata?.annotations?.[RELEASED_ANNOTATION], undefined);
    },
  },
  {
    name: "SIGTERM and SIGINT of the last agent: withdrawn, Lease released, exit code 0",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const agent = await stage.startAgent(stage.nodes[0]!);
        await stage.served(service, vip);
        Deno.kill(agent.pid, signal);
        assert.equal((await agent.status).code, 0, signal);
        await stage.gone(vip);
        const { spec, metadata } = await stage.readLease();
        assert.equal(spec?.holderIdentity ?? "", "");
        assert.equal(metadata?.annotations?.[RELEASED_ANNOTATION], String(spec?.leaseTransitions));
      }
      const held = stage.world.watch.holdings.of(vip);
      assert.equal(held.length, 2);
    },
  },
];
