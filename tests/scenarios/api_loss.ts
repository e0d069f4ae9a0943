import assert from "node:assert/strict";
import { startHelper } from "../lab/helper.ts";
import { nowMs, rest } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import type { Scenario } from "./scenario.ts";
import { LEASE_SECONDS, logged } from "./stage.ts";

/** Room between one deadline and two, on a machine that is busy with other things. */
const LONG_SECONDS = 15;
const RENEWAL_MS = 2000;
/** Of rules, ip-rule(8): before that of the main table. */
const PRIORITY = "10";
/** Deadline of a request for a Lease of {@linkcode LONG_SECONDS}. */
const REQUEST_MS = LONG_SECONDS * 1000 / 5;

/** An API server that cannot be reached, and what a holder makes of it. */
export const apiLossScenarios: Scenario[] = [
  {
    name: "--onApiLoss=hold: kept while nobody answers, dropped at the first claim of another",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const node = stage.nodes[0]!;
      const agent = await stage.startAgent(node, { flags: ["--onApiLoss=hold"] });
      await stage.served(service, vip, node);
      const { watch } = stage.world;
      stage.defer(() => stage.world.plane.start());
      const lost = async () => {
        await stage.world.plane.stop();
        // The withdrawal of the default, and the end of kernel lifetimes, would come by then.
        await rest(2 * LEASE_SECONDS * 1000);
        assert.ok(watch.holdings.of(vip).at(-1)?.open, "it did not hold on");
      };
      await lost();
      await stage.world.plane.start();
      await stage.waitForLease("is renewed", ({ spec }) => spec?.holderIdentity === node.name);
      assert.equal(watch.holdings.of(vip).length, 1, "it let go meanwhile");

      await lost();
      const { client } = stage.world.lab;
      await using _claim = await startHelper(client, "announce_main.ts", [client.interface, vip]);
      await stage.gone(vip);
      await logged(agent, "withdrew all VIPs", new RegExp(`${vip} is claimed by ${client.mac}`));
      await stage.world.plane.start();
      await stage.served(service, vip, node);
    },
  },
  {
    name: "connections that die without a word: one deadline, and the Lease is renewed in time",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const [node, other] = stage.nodes as [LabHost, LabHost];
      const options = {
        leaseSeconds: LONG_SECONDS,
        flags: [`--renewInterval=${RENEWAL_MS}ms`],
      };
      await stage.startAgent(node, options);
      await stage.served(service, vip, node);
      await stage.startStandby(other, options);
      const dead = new Set<string>();
      stage.defer(async () => {
        for (const _ of dead) await node.exec(["ip", "rule", "del", "priority", PRIORITY]);
      });
      for (let round = 0; round < 2; round++) {
        const renewed = await stage.readLease();
        const renewal = await stage.waitForLease(
          "is renewed",
          ({ spec }) => spec?.renewTime !== renewed.spec?.renewTime,
        );
        const sinceMs = nowMs();
        await loseConnections(node, stage.world.lab.gatewayIp, dead);
        await stage.waitForLease(
          "is renewed on another connection",
          ({ spec }) => spec?.renewTime !== renewal.spec?.renewTime,
        );
        const tookMs = nowMs() - sinceMs;
        assert.ok(tookMs > RENEWAL_MS + REQUEST_MS / 2, `nothing was lost: after ${tookMs} ms`);
        assert.ok(tookMs < RENEWAL_MS + 2 * REQUEST_MS, `two deadlines: after ${tookMs} ms`);
      }
      stage.assertStayed(vip);
      await stage.waitForLease("has its holder", ({ spec }) => spec?.holderIdentity === node.name);
      // The watches of Services are on other connections by now, too.
      const late = stage.freshVip();
      await stage.served(await stage.createService({ addresses: late }), late, node);
    },
  },
];

/**
 * What the node sends on connections that are open now gets lost; new ones work.
 *
 * @param dead ports of those that were lost before; the new ones are added
 */
async function loseConnections(node: LabHost, server: string, dead: Set<string>): Promise<void> {
  const open = await node.exec(["ss", "-Htn", "state", "established", "dst", server]);
  const ports = [...open.matchAll(/:(\d+)\s+\S+:\d+\s*$/gm)].map(([, port]) => port!)
    .filter((port) => !dead.has(port));
  assert.ok(ports.length > 0, open);
  ports.forEach((port) => dead.add(port));
  await node.exec(
    ["ip", "-batch", "-"],
    ports.map((port) => `rule add priority ${PRIORITY} ipproto tcp sport ${port} blackhole`).join(
      "\n",
    ),
  );
}
