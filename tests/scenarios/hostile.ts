import assert from "node:assert/strict";
import { arpRequestFrame, gratuitousArpFrames } from "../../lib/net/arp.ts";
import { type Beacon, BeaconCodec } from "../../lib/net/beacon.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { parseMac } from "../../lib/net/mac.ts";
import { rest } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import type { HexFrame } from "../lab/frames_main.ts";
import { startHelper } from "../lab/helper.ts";
import { FastTeam, metric, rejected } from "./fast_team.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS, logged, until } from "./stage.ts";

/** The longest frame of an ordinary network. */
const LONGEST = 1514;
const HEADER = 14;
/** What is on its way is there, and was counted. */
const ARRIVED_MS = 300;
const MAC = "02:66:00:00:00:01";

/** Frames of somebody who wishes no good. */
export const hostileScenarios: Scenario[] = [
  {
    name: "forged, foreign, replayed, cut and oversized beacons: counted one by one, nothing moves",
    async run(stage) {
      const team = await FastTeam.create(stage);
      const nodes = stage.nodes.slice(0, 2);
      const vip = await team.serving(nodes);
      const { client } = stage.world.lab;
      await using wire = await startHelper<HexFrame>(client, "frames_main.ts", [client.interface]);
      const heard = await wire.reports.waitFor(
        ({ hex }) => mac(hex) === nodes[0]!.mac,
        DEADLINE_MS,
      );
      const real = Uint8Array.fromHex(heard.hex);
      const instance = `${stage.namespace}/${stage.lease}`;
      const codec = new BeaconCodec(await Deno.readFile(team.key), instance);
      const beacon = codec.decode(real) as Beacon;
      assert.deepEqual([beacon.node, beacon.kind], ["node-1", "holder"]);
      const coup: Beacon = { ...beacon, node: "node-3", term: beacon.term + 1 };
      const foreign = new BeaconCodec(await Deno.readFile(team.key), "other/vip");
      const oversized = new Uint8Array(LONGEST);
      oversized.set(real);
      const sent: Record<string, Uint8Array[]> = {
        replayed: Array.from({ length: 5 }, () => real),
        forged: [
          new BeaconCodec(new Uint8Array(32), instance).encode(coup),
          ...[HEADER + 10, HEADER + 40, real.length - 1].map((at) => flipped(real, at)),
          // Another's words from another place.
          from(real, parseMac(MAC)!),
        ],
        foreign: [foreign.encode(coup), foreign.encode({ ...coup, kind: "standby" })],
        malformed: [
          oversized,
          real.slice(0, -1),
          real.slice(0, real.length / 2),
          real.slice(0, HEADER),
          flipped(real, HEADER),
        ],
      };
      const { spec: before } = await stage.readLease();
      await startHelper(client, "send_main.ts", [
        client.interface,
        ...Object.values(sent).flat().map((frame) => frame.toHex()),
      ]);
      const counts = () =>
        Promise.all(
          nodes.flatMap((node) =>
            Object.keys(sent).map((reason) => metric(node, team.agentOn(node), rejected(reason)))
          ),
        );
      const wanted = nodes.flatMap(() => Object.values(sent).map((frames) => frames.length));
      const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
      await until(
        "all are counted",
        async () => sum(await counts()) >= sum(wanted) || undefined,
      );
      await rest(ARRIVED_MS);
      assert.deepEqual(await counts(), wanted, Object.keys(sent).join());
      const { spec: after } = await stage.readLease();
      assert.deepEqual(
        [after?.holderIdentity, after?.leaseTransitions],
        [before?.holderIdentity, before?.leaseTransitions],
      );
      assert.deepEqual(stage.world.watch.holdings.of(vip).map(({ open }) => open), [true]);
      assert.ok(team.agents.values().every(({ ended }) => !ended));
    },
  },
  {
    name: "a forged offer to take over: the VIP is away for one Lease, and never at two places",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const [node, next] = stage.nodes as [LabHost, LabHost];
      const holder = await stage.startAgent(node);
      await stage.served(service, vip, node);
      // Somebody else is quicker than a true offer of this priority.
      await stage.startStandby(next, { flags: ["--priority=50"] });
      const { client } = stage.world.lab;
      const lease = `${stage.namespace}/${stage.lease}`;
      await using _forger = await startHelper(client, "heir_main.ts", [
        client.interface,
        lease,
        "nobody",
      ]);
      assert.equal((await holder.terminate()).code, 0);
      const said = await logged(holder, "handed the Lease over");
      assert.equal(said["to"], "nobody");
      assert.equal((await stage.readLease()).spec?.holderIdentity, "nobody");
      await stage.served(service, vip, next);
    },
  },
  {
    name: "ARP frames that claim a VIP, and cut and oversized ones: counted one by one, it stays",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const node = stage.nodes[0]!;
      const agent = await stage.startAgent(node);
      await stage.served(service, vip, node);
      const { client } = stage.world.lab;
      const [ip, own] = [parseIp(vip)!, parseIp(client.ip)!];
      const { request, reply } = gratuitousArpFrames(parseMac(MAC)!, ip);
      const padded = new Uint8Array(LONGEST);
      padded.set(request);
      const claims = [
        request,
        reply,
        padded,
        arpRequestFrame({ senderMac: parseMac(MAC)!, senderIp: ip, targetIp: own }),
      ];
      const nothing = [
        // The holder's own, come back by a loop.
        gratuitousArpFrames(parseMac(node.mac)!, ip).request,
        // Somebody asks for it.
        arpRequestFrame({ senderMac: parseMac(MAC)!, senderIp: own, targetIp: ip }),
        ...[HEADER, HEADER + 8, request.length - 1].map((length) => request.slice(0, length)),
        // Hardware type, protocol type, lengths of addresses.
        ...[1, 2, 4, 5].map((at) => flipped(request, HEADER + at)),
      ];
      await startHelper(client, "send_main.ts", [
        client.interface,
        ...[...claims, ...nothing].map((frame) => frame.toHex()),
      ]);
      const conflicts = () => metric(node, agent, /^classvip_conflicts_total\{/);
      await until(
        "the claims are counted",
        async () => await conflicts() >= claims.length || undefined,
      );
      await rest(ARRIVED_MS);
      assert.equal(await conflicts(), claims.length);
      const { message, type } = await stage.event(
        "Lease",
        await stage.readLease(),
        "AddressConflict",
      );
      assert.deepEqual([message, type], [
        `${vip}, held by node-1, is claimed by ${MAC}`,
        "Warning",
      ]);
      assert.deepEqual(stage.world.watch.holdings.of(vip).map(({ open }) => open), [true]);
      await stage.served(service, vip, node);
    },
  },
];

/** The source address of a frame. */
function mac(hex: string): string {
  return hex.slice(12, 24).match(/../g)!.join(":");
}

function from(frame: Uint8Array, source: Uint8Array): Uint8Array {
  const copy = frame.slice();
  copy.set(source, 6);
  return copy;
}

/** A copy of a frame with one bit changed. */
export function flipped(frame: Uint8Array, at: number): Uint8Array {
  const copy = frame.slice();
  copy[at]! ^= 0x01;
  return copy;
}
