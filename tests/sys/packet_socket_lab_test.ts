import assert from "node:assert/strict";
import { arpRequestFrame } from "../../lib/net/arp.ts";
import {
  decodeEthernet,
  encodeEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
} from "../../lib/net/ethernet.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { BROADCAST_MAC, formatMac, parseMac } from "../../lib/net/mac.ts";
import { dadSolicitationFrame, decodeNa, unsolicitedNaFrame } from "../../lib/net/ndp.ts";
import { SyscallError } from "../../lib/sys/errors.ts";
import { LinuxNetwork } from "../../lib/sys/network.ts";
import { NEIGHBOR_DISCOVERY } from "../../lib/sys/packet_filter.ts";
import { ETH_P_ALL, PacketSocket, type ReceivedFrame } from "../../lib/sys/packet_socket.ts";
import { inEmptyNetwork, ip, plugVeth } from "./veth.ts";

const senderMac = parseMac("02:00:5e:10:00:01")!;
/** An ARP request that names its number in the target address. */
function frame(number: number): Uint8Array {
  const targetIp = parseIp(`192.0.2.${number}`)!;
  return arpRequestFrame({ senderMac, senderIp: parseIp("192.0.2.1")!, targetIp });
}

function indexOf(name: string): number {
  using network = new LinuxNetwork();
  const link = network.links().find((link) => link.name === name);
  assert.ok(link, name);
  return link.index;
}

async function receive(socket: PacketSocket, count: number): Promise<ReceivedFrame[]> {
  const received: ReceivedFrame[] = [];
  while (received.length < count) {
    const next = await socket.receive(30_000);
    assert.ok(next, `only ${received.length} frames came`);
    received.push(next);
  }
  return received;
}

/** The next frame of this source. */
async function receiveFrom(socket: PacketSocket, source: Uint8Array): Promise<ReceivedFrame> {
  for (;;) {
    const [next] = await receive(socket, 1);
    if (next !== undefined && formatMac(next.frame.subarray(6, 12)) === formatMac(source)) {
      return next;
    }
  }
}

Deno.test({
  ...inEmptyNetwork("PacketSocket.receive() gets what another socket sends, in order"),
  async fn() {
    await using _veth = await plugVeth();
    const [near, far] = [indexOf("near"), indexOf("far")];
    using receiver = PacketSocket.open({ etherType: ETHERTYPE_ARP, linkIndex: far });
    using sender = PacketSocket.open({ etherType: 0 });
    for (let number = 0; number < 200; number++) sender.send(near, frame(number));
    for (const [number, received] of (await receive(receiver, 200)).entries()) {
      assert.deepEqual(received, { frame: frame(number), linkIndex: far, outgoing: false });
    }
    assert.equal(await receiver.receive(1), undefined, "nothing more comes");
  },
});

Deno.test({
  ...inEmptyNetwork("PacketSocket.receive() rests after many frames, and ends also meanwhile"),
  async fn() {
    await using _veth = await plugVeth();
    const [near, far] = [indexOf("near"), indexOf("far")];
    const restMs = 100;
    using receiver = PacketSocket.open({ etherType: ETHERTYPE_ARP, linkIndex: far, restMs });
    using sender = PacketSocket.open({ etherType: 0 });
    for (let number = 0; number < 130; number++) sender.send(near, frame(number));
    const beganMs = performance.now();
    await receive(receiver, 128);
    assert.ok(performance.now() - beganMs >= restMs);
    assert.deepEqual(receiver.take()?.frame, frame(128), "whoever looks does not wait");
    const resting = receiver.receive(30_000);
    receiver[Symbol.dispose]();
    assert.equal(await resting, undefined);
  },
});

Deno.test({
  ...inEmptyNetwork("PacketSocket.open() takes frames of one type that come in, or all frames"),
  async fn() {
    await using _veth = await plugVeth();
    const [near, far] = [indexOf("near"), indexOf("far")];
    using arp = PacketSocket.open({ etherType: ETHERTYPE_ARP });
    using all = PacketSocket.open({ etherType: ETH_P_ALL, linkIndex: near });
    using sender = PacketSocket.open({ etherType: 0 });
    const [etherType, payload] = [0x88b5, new Uint8Array(46)]; // local experimental EtherType
    const other = { destination: BROADCAST_MAC, source: senderMac, etherType, payload };
    sender.send(near, encodeEthernet(other));
    sender.send(near, frame(1));
    assert.deepEqual(await arp.receive(30_000), {
      frame: frame(1),
      linkIndex: far,
      outgoing: false,
    });
    for (const expected of [encodeEthernet(other), frame(1)]) {
      // The kernel sends frames of its own when an interface comes up.
      const received = await receiveFrom(all, senderMac);
      assert.deepEqual(received, { frame: expected, linkIndex: near, outgoing: true });
    }
  },
});

Deno.test({
  ...inEmptyNetwork("PacketSocket.open() takes the Neighbor Discovery of the link alone"),
  async fn() {
    await using _veth = await plugVeth();
    const [near, far] = [indexOf("near"), indexOf("far")];
    using receiver = PacketSocket.open({
      etherType: ETHERTYPE_IPV6,
      filter: NEIGHBOR_DISCOVERY,
      linkIndex: far,
    });
    using sender = PacketSocket.open({ etherType: 0 });
    const na = unsolicitedNaFrame(senderMac, parseIp("2001:db8::1")!);
    const changed = (at: number, value: number) => Object.assign(na.slice(), { [at]: value });
    const ns = dadSolicitationFrame(senderMac, parseIp("2001:db8::1")!);
    const others = [
      changed(20, 17), // UDP
      changed(21, 254), // through a router
      na.subarray(0, 54), // cut before the type
    ];
    for (const other of others) sender.send(near, other);
    for (const frame of [na, ns]) {
      sender.send(near, frame);
      // The kernel solicits for itself when an interface comes up.
      const received = await receiveFrom(receiver, senderMac);
      assert.deepEqual(received, { frame, linkIndex: far, outgoing: false });
    }
  },
});

Deno.test({
  ...inEmptyNetwork("a kernel answers a solicitation for an address that it has, to all nodes"),
  async fn() {
    await using _veth = await plugVeth();
    const [near, far] = [indexOf("near"), indexOf("far")];
    using receiver = PacketSocket.open({
      etherType: ETHERTYPE_IPV6,
      filter: NEIGHBOR_DISCOVERY,
      linkIndex: near,
    });
    await ip("addr", "add", "2001:db8::7/128", "dev", "far", "nodad");
    using sender = PacketSocket.open({ etherType: 0 });
    sender.send(near, dadSolicitationFrame(senderMac, parseIp("2001:db8::7")!));
    using network = new LinuxNetwork();
    const mac = network.links().find(({ index }) => index === far)!.mac;
    let na: ReturnType<typeof decodeNa>;
    while (na === undefined) {
      const [received] = await receive(receiver, 1);
      na = decodeNa(decodeEthernet(received!.frame)!);
    }
    assert.deepEqual([na.target.text, na.targetMac], ["2001:db8::7", mac]);
  },
});

Deno.test({
  ...inEmptyNetwork("PacketSocket[Symbol.dispose]() wakes a pending receive and closes everything"),
  async fn() {
    const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;
    const before = descriptors();
    const socket = PacketSocket.open({ etherType: ETHERTYPE_ARP });
    const start = performance.now();
    const pending = socket.receive(60_000);
    socket[Symbol.dispose]();
    socket[Symbol.dispose]();
    assert.equal(await pending, undefined);
    assert.ok(performance.now() - start < 30_000, "it waited for its time-out");
    assert.equal(await socket.receive(60_000), undefined);
    assert.throws(() => socket.send(1, frame(1)), /closed/);
    assert.equal(descriptors(), before);
  },
});

Deno.test({
  ...inEmptyNetwork("PacketSocket.send() says when the interface is down or gone"),
  async fn() {
    await using _veth = await plugVeth();
    using sender = PacketSocket.open({ etherType: 0 });
    const near = indexOf("near");
    await ip("link", "set", "near", "down");
    assert.throws(() => sender.send(near, frame(1)), (error) => {
      assert.ok(error instanceof SyscallError);
      assert.equal(error.name, "ENETDOWN");
      return true;
    });
    assert.throws(() => sender.send(4711, frame(1)), /interface 4711: no such interface/);
  },
});
