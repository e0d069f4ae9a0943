import assert from "node:assert/strict";
import type { Service } from "../../lib/kube/types.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { parseMac } from "../../lib/net/mac.ts";
import { unsolicitedNaFrame } from "../../lib/net/ndp.ts";
import { nowMs, rest } from "../lab/clock.ts";
import { startHelper } from "../lab/helper.ts";
import type { LabHost } from "../lab/host.ts";
import { neighbour, startServers } from "../lab/traffic.ts";
import { FastTeam, metric } from "./fast_team.ts";
import { flipped } from "./hostile.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS, LEASE_SECONDS, logged, type Stage, until } from "./stage.ts";

const MAC = "02:66:00:00:00:01";
/** Of the service behind the VIP. */
const PORT = 8066;
/** The longest frame of an ordinary network. */
const LONGEST = 1514;
/** What is on its way is there, and was counted. */
const ARRIVED_MS = 300;
/** How much faster another node's clock may run, requests, and a busy machine. */
const SLACK_MS = 2000;

/** VIPs of the other family: announced, learned, handed over and contested as those of IPv4. */
export const ipv6Scenarios: Scenario[] = [
  {
    name: "IPv6: announced, resolved by a neighbour, and moved by SIGTERM and SIGKILL",
    async run(stage) {
      const vip = stage.freshVip6();
      await startServers(stage.nodes, PORT);
      const service = await stage.createService({
        addresses: vip,
        spec: { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" },
      });
      const agents = await stage.startAgents(stage.nodes);
      const first = await stage.served(service, vip);
      const [held] = (await first.addresses()).filter(({ ip }) => ip === vip);
      assert.equal(held?.prefixLength, 128);
      assert.ok(held.validSeconds <= LEASE_SECONDS, "it has a lifetime");
      await resolves(stage, vip, first);
      const others = agents.filter((_, i) => stage.nodes[i] !== first);
      await Promise.all(others.map((agent) => logged(agent, "another holder is seen")));

      assert.equal((await agents[stage.nodes.indexOf(first)]!.terminate()).code, 0);
      const second = await stage.served(service, vip);
      assert.notEqual(second, first);
      await learned(stage, vip, second);
      await resolves(stage, vip, second);

      const killedMs = nowMs();
      await agents[stage.nodes.indexOf(second)]!.kill();
      await stage.gone(vip);
      const { host, fromMs } = await stage.world.watch.waitForHolder(vip, DEADLINE_MS);
      assert.notEqual(host, second.name);
      assert.ok(fromMs - killedMs <= LEASE_SECONDS * 1000 + SLACK_MS);
      const third = await stage.served(service, vip);
      await learned(stage, vip, third);
      await resolves(stage, vip, third);
    },
  },
  {
    name: "IPv6: one address of each family from a pool, as the Service's policy says",
    async run(stage) {
      const four = [stage.freshVip(), stage.freshVip(), stage.freshVip()];
      const six = [stage.freshVip6(), stage.freshVip6(), stage.freshVip6()];
      const flags = [`--pool=${four[0]}-${four[2]},${six[0]}-${six[2]}`];
      const first = await stage.startAgent(stage.nodes[0]!, { flags });
      const create = (ipFamilyPolicy: string, ...ipFamilies: string[]) =>
        stage.createService({ spec: { ipFamilyPolicy, ipFamilies } });
      const required = await create("RequireDualStack", "IPv4", "IPv6");
      await stage.status(required, [four[0]!, six[0]!]);
      const preferred = await create("PreferDualStack", "IPv6", "IPv4");
      await stage.status(preferred, [six[1]!, four[1]!]);
      const single = await create("SingleStack", "IPv6");
      await stage.status(single, [six[2]!]);
      const waiting = await create("RequireDualStack", "IPv4", "IPv6");
      const { message } = await stage.event("Service", waiting, "AllocationFailed");
      assert.match(message!, /^No free IPv6 address in pool default: it waits for one/);
      await stage.startAgent(stage.nodes[1]!, { flags });
      await first.terminate();
      for (const vip of [four[0]!, six[0]!, six[1]!, four[1]!, six[2]!]) {
        const { host } = await stage.world.watch.waitForHolder(vip, DEADLINE_MS, "node-2");
        assert.equal(host, "node-2");
        await stage.world.sniffer.waitForClaim(vip, DEADLINE_MS, { mac: stage.nodes[1]!.mac });
      }
      await stage.kube.delete("Service", single);
      await stage.status(waiting, [four[2]!, six[2]!]);
    },
  },
  {
    name: "IPv6: an advertisement of somebody else is heard, cut and forged ones are not",
    async run(stage) {
      const [vip, taken] = [stage.freshVip6(), stage.freshVip6()];
      const { client } = stage.world.lab;
      const service = await stage.createService({ addresses: vip });
      const node = stage.nodes[0]!;
      const agent = await stage.startAgent(node);
      await stage.served(service, vip, node);
      const real = unsolicitedNaFrame(parseMac(MAC)!, parseIp(vip)!);
      const padded = new Uint8Array(LONGEST);
      padded.set(real);
      const nothing = [
        unsolicitedNaFrame(parseMac(node.mac)!, parseIp(vip)!),
        unsolicitedNaFrame(parseMac(MAC)!, parseIp(taken)!),
        ...[14, 54, 78, real.length - 1].map((length) => real.slice(0, length)),
        // Hop limit, type, checksum, target, option.
        ...[21, 54, 56, 77, real.length - 1].map((at) => flipped(real, at)),
      ];
      await startHelper(client, "send_main.ts", [
        client.interface,
        ...[real, padded, ...nothing].map((frame) => frame.toHex()),
      ]);
      const conflicts = () => metric(node, agent, /^classvip_conflicts_total\{/);
      await until("the claims are counted", async () => await conflicts() >= 2 || undefined);
      await rest(ARRIVED_MS);
      assert.equal(await conflicts(), 2);
      const event = await stage.event("Lease", await stage.readLease(), "AddressConflict");
      assert.equal(event.message, `${vip}, held by node-1, is claimed by ${MAC}`);
      assert.deepEqual(stage.world.watch.holdings.of(vip).map(({ open }) => open), [true]);

      // Somebody answers for an address that is not announced yet.
      const address = ["address", "add", `${taken}/128`, "dev", client.interface, "nodad"];
      await client.exec(["ip", ...address]);
      stage.defer(async () =>
        void await client.exec(["ip", "address", "del", ...address.slice(2, 5)])
      );
      const late = await stage.createService({ addresses: taken });
      const { message } = await stage.event("Service", late, "AddressRefused");
      assert.ok(message!.includes(`: ${client.mac} answers for it`), message);
      assert.deepEqual(stage.world.watch.holdings.of(taken), []);
    },
  },
  {
    name: "IPv6 switched off on the interface, or with fastFailover: refused, IPv4 goes on",
    async run(stage) {
      const node = stage.nodes[0]!;
      const sysctl = (value: number) =>
        node.exec(["sysctl", "-qw", `net.ipv6.conf.${node.interface}.disable_ipv6=${value}`]);
      await sysctl(1);
      stage.defer(async () => {
        await sysctl(0);
        await node.exec(
          ["ip", "address", "add", `${node.ip6}/64`, "dev", node.interface, "nodad"],
        );
      });
      const [four, six] = [stage.freshVip(), stage.freshVip6()];
      const agent = await stage.startAgent(node, { flags: [`--pool=${four},${six}`] });
      const refused = await stage.createService({ addresses: six });
      await explained(stage, refused, /IPv6 is off on interface eth0/);
      await stage.served(await stage.createService({ addresses: four }), four, node);
      await agent.terminate();

      const team = await FastTeam.create(stage);
      await team.start(stage.nodes[1]!);
      const fast = await stage.createService({ addresses: stage.freshVip6() });
      await explained(stage, fast, /fastFailover serves IPv4 addresses only/);
    },
  },
];

async function explained(stage: Stage, service: Service, reason: RegExp): Promise<void> {
  const { message } = await stage.event("Service", service, "AddressRefused");
  assert.match(message!, reason);
}

/** The client reaches the address, and knows it at this node. */
async function resolves(stage: Stage, vip: string, holder: LabHost): Promise<void> {
  const { client } = stage.world.lab;
  const script = `exec 3<>/dev/tcp/${vip}/${PORT}; cat <&3`;
  assert.equal(await client.exec(["timeout", "2", "bash", "-c", script]), holder.name);
  assert.equal(await neighbour(client, vip), holder.mac);
}

/** The client knows the new holder by its advertisement, before it sends anything. */
async function learned(stage: Stage, vip: string, holder: LabHost): Promise<void> {
  const { client } = stage.world.lab;
  await until(
    `the client knows ${vip} at ${holder.name}`,
    async () => await neighbour(client, vip) === holder.mac || undefined,
    ARRIVED_MS,
  );
}
