import assert from "node:assert/strict";
import { DirectHandover } from "../../lib/agent/direct_handover.ts";
import { HandoverLine } from "../../lib/agent/handover_line.ts";
import type { Leaving } from "../../lib/election/election.ts";
import type { Heir } from "../../lib/election/lease_writer.ts";
import { decodeEthernet } from "../../lib/net/ethernet.ts";
import { HandoverCodec, type HandoverMessage } from "../../lib/net/handover_frame.ts";
import type { Link } from "../../lib/net/link.ts";
import { BROADCAST_MAC, formatMac } from "../../lib/net/mac.ts";
import { settled } from "../doubles/fake_clock.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";
import { Inbox } from "../simulation/inbox.ts";

const CODEC = new HandoverCodec("kube-system/vip");
const THEIRS = Uint8Array.of(2, 0, 0, 0, 0, 9);

function link(index: number, more: Partial<Link> = {}): Link {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, index);
  const up = { up: true, carrier: true, loopback: false, ipv6: true };
  return { index, name: `eth${index}`, mac, ...up, ...more };
}

/** One node's end, with what it sent and what its election was told. */
class World {
  links: Link[] = [link(1), link(2)];
  interfaces = new Map([[1, "eth1"]]);
  sendable = true;
  readonly sent: { linkIndex: number; to: string; said: HandoverMessage }[] = [];
  readonly offers: Heir[] = [];
  readonly calls: Leaving[] = [];
  readonly rejected: string[] = [];
  /** Whether it takes over. */
  willing = true;
  hear: (frame: Uint8Array, linkIndex: number) => void = () => {};
  readonly direct = new DirectHandover({
    node: "node-a",
    incarnation: "boot-1",
    priority: 70,
    codec: CODEC,
    line: {
      subscribe: (listener) => {
        this.hear = listener;
        return () => this.hear = () => {};
      },
    },
    network: {
      links: () => this.links,
      send: (linkIndex, frame) => {
        if (!this.sendable) throw new Error("Network is down");
        const { mac, ...said } = CODEC.decode(frame) as HandoverMessage & { mac: Uint8Array };
        assert.equal(formatMac(mac), formatMac(link(linkIndex).mac));
        this.sent.push({ linkIndex, to: formatMac(decodeEthernet(frame)!.destination), said });
      },
    },
    vips: ((world) => ({
      get interfaces() {
        return world.interfaces;
      },
    }))(this),
    election: () => ({
      offered: (heir) => this.offers.push(heir),
      offer: (leaving, makeToken) => {
        this.calls.push(leaving);
        return this.willing ? makeToken() : undefined;
      },
    }),
    makeToken: (() => {
      let count = 0;
      return () => `secret-${++count}`;
    })(),
    metrics: { handoverFrameRejected: (reason) => this.rejected.push(reason) },
    logger: keepingLogger(),
  });

  hears(message: HandoverMessage, codec = CODEC, linkIndex = 2): void {
    this.hear(codec.encode(message, THEIRS, BROADCAST_MAC), linkIndex);
  }
}

const CALL: HandoverMessage = { kind: "call", node: "node-b", id: "call-b", version: "7" };

function offerFor(id: string, node = "node-b"): HandoverMessage {
  return { kind: "offer", node, id, incarnation: "boot-2", priority: 100, token: "token-b" };
}

Deno.test("call() asks on each interface of the VIPs once, and takes offers for this call alone", () => {
  const world = new World();
  world.hears(offerFor("secret-1"));
  assert.deepEqual(world.offers, [], "it did not ask");
  assert.ok(world.direct.call("41"));
  assert.deepEqual(world.sent, [{
    linkIndex: 1,
    to: "ff:ff:ff:ff:ff:ff",
    said: { kind: "call", node: "node-a", id: "secret-1", version: "41" },
  }]);
  world.hears(offerFor("secret-0"));
  world.hears(offerFor("secret-1", "node-a"));
  assert.deepEqual(world.offers, []);
  world.hears(offerFor("secret-1"));
  assert.deepEqual(world.offers.map(({ node, token }) => [node, token]), [["node-b", "token-b"]]);
});

Deno.test("call() says that nobody can have heard it", () => {
  const asks = (change: (world: World) => void) => {
    const world = new World();
    change(world);
    return world.direct.call("41");
  };
  assert.ok(!asks((world) => world.interfaces = new Map()), "nothing is held");
  assert.ok(!asks((world) => world.links = [link(2)]), "the interface is gone");
  assert.ok(!asks((world) => world.links = [link(1, { carrier: false }), link(2)]), "no carrier");
  assert.ok(!asks((world) => world.links = [link(1, { mac: new Uint8Array() })]), "no Ethernet");
  assert.ok(!asks((world) => world.sendable = false));
  assert.ok(asks((world) => {
    world.interfaces = new Map([[1, "eth1"], [2, "eth2"]]);
    world.links = [link(1, { up: false }), link(2)];
  }));
});

Deno.test("a call is answered to whom it came from, by a standby that takes over", () => {
  const world = new World();
  world.hears(CALL);
  assert.deepEqual(world.sent, [{
    linkIndex: 2,
    to: formatMac(THEIRS),
    said: {
      kind: "offer",
      node: "node-a",
      id: "call-b",
      incarnation: "boot-1",
      priority: 70,
      token: "secret-1",
    },
  }]);
  assert.deepEqual(world.calls.map(({ node, id, version }) => [node, id, version]), [
    ["node-b", "call-b", "7"],
  ]);
  world.willing = false;
  world.hears(CALL);
  assert.equal(world.sent.length, 1);
});

Deno.test("frames that count for nothing are counted, those of other instances are passed over", () => {
  const world = new World();
  world.hear(new Uint8Array(60), 1);
  world.hears(CALL, new HandoverCodec("kube-system/other"));
  const cut = CODEC.encode(CALL, THEIRS, BROADCAST_MAC).slice(0, -1);
  world.hear(cut, 1);
  // A loop in the network brings one's own back.
  world.hears({ ...CALL, node: "node-a" });
  assert.deepEqual(world.rejected, ["malformed", "malformed"]);
  assert.deepEqual([world.calls, world.sent], [[], []]);
  world.direct[Symbol.dispose]();
  world.hears(CALL);
  assert.deepEqual(world.calls, []);
});

Deno.test("HandoverLine passes on what comes in, with its interface, until it is told to stop", async () => {
  const inbox = new Inbox();
  const line = new HandoverLine(() => inbox.of(3));
  const heard: [number, number][] = [];
  const end = line.subscribe((frame, linkIndex) => heard.push([frame[0]!, linkIndex]));
  const stop = new AbortController();
  const run = line.run(stop.signal);
  inbox.push(Uint8Array.of(1));
  await settled();
  end();
  inbox.push(Uint8Array.of(2));
  await settled();
  stop.abort();
  await run;
  assert.deepEqual(heard, [[1, 3]]);
});
