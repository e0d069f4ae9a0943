import assert from "node:assert/strict";
import { AddressLink } from "../../lib/agent/address_link.ts";
import { type BeaconParts, Beacons } from "../../lib/agent/beacons.ts";
import type { ClaimListener, FrameSource } from "../../lib/agent/claim_watch.ts";
import { type Beacon, BeaconCodec } from "../../lib/net/beacon.ts";
import { parseIp } from "../../lib/net/ip.ts";
import type { Link } from "../../lib/net/link.ts";
import type { Logger } from "../../lib/observe/logger.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { ethernet, FakeNetwork } from "../doubles/fake_network.ts";
import { recorder } from "../doubles/recorder.ts";

const KEY = new Uint8Array(32).fill(1);
const INSTANCE = "kube-system/vip";
const INTERVAL = 50;
const VIP = parseIp("192.0.2.1")!;
const PEER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 99);

/** A network that keeps every frame, beacons too. */
class Wire extends FakeNetwork {
  readonly sent: Uint8Array[] = [];
  override send(_linkIndex: number, frame: Uint8Array): void {
    this.sent.push(frame);
  }
}

class Source implements FrameSource {
  readonly frames: Uint8Array[] = [];
  #wake: (frame?: { frame: Uint8Array }) => void = () => {};
  disposed = false;
  push(frame: Uint8Array): void {
    this.#wake({ frame });
  }
  /** Frames that have come in while the receiver still waits for the processor. */
  readonly unread: Uint8Array[] = [];
  take(): { frame: Uint8Array } | undefined {
    const frame = this.unread.shift();
    return frame && { frame };
  }
  receive(): Promise<{ frame: Uint8Array } | undefined> {
    if (this.disposed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#wake = resolve);
  }
  [Symbol.dispose](): void {
    this.disposed = true;
    this.#wake();
  }
}

/** A node with the beacons of one instance, on a wire that the test speaks on. */
class Node {
  readonly clock = new FakeClock();
  readonly wire = new Wire(this.clock);
  readonly codec = new BeaconCodec(KEY, INSTANCE);
  readonly log: [string, ...unknown[]][] = [];
  readonly metrics: [string, ...unknown[]][] = [];
  readonly alive: number[] = [];
  readonly election = {
    term: 4,
    holder: "peer" as string | undefined,
    declareDead: (term: number, untilMs: number) => {
      const forMs = untilMs - this.clock.nowMs();
      const isBrief = forMs > INTERVAL && forMs <= 2 * INTERVAL;
      this.log.push(isBrief ? ["dead", term] : ["dead for", forMs]);
    },
    declareAlive: (term: number) => void this.alive.push(term),
    contest: (by: string) => void this.log.push(["contest", by]),
  };
  readonly vips = {
    mayHold: false,
    maySpeak: false,
    held: [] as { ip: typeof VIP; interface: string }[],
    claims() {
      return this.held.values();
    },
  };
  stands = true;
  source = new Source();
  arp: ClaimListener | undefined;
  /** More ARP packets come in than can be read. */
  flooded = false;
  /** ARP answers that have come in while their receiver still waits for the processor. */
  readonly unread: { vip: string; mac: string }[] = [];
  changed: (links: readonly Link[]) => void = () => {};
  #sequence = 0;

  constructor() {
    this.wire.add(1, "192.0.2.77/24");
  }

  hold(): void {
    this.vips.mayHold = this.vips.maySpeak = true;
    this.vips.held = [{ ip: VIP, interface: "eth0" }];
    this.election.holder = "node-1";
  }

  beacon(beacon: Partial<Beacon> = {}): Uint8Array {
    return this.codec.encode({
      kind: "holder",
      node: "peer",
      term: 4,
      sequence: ++this.#sequence,
      mac: PEER_MAC,
      priority: 100,
      vip: VIP,
      ...beacon,
    });
  }

  async hear(frame: Uint8Array): Promise<void> {
    this.source.push(frame);
    await settled();
  }

  sentBeacons(): Beacon[] {
    return this.wire.sent.map((frame) => this.codec.decode(frame))
      .filter((beacon) => typeof beacon === "object");
  }

  /** Frames that are no beacons: questions. */
  asked(): number {
    return this.wire.sent.length - this.sentBeacons().length;
  }

  async running(body: (beacons: Beacons) => Promise<void>): Promise<void> {
    const beacons = new Beacons({
      node: "node-1",
      priority: 100,
      codec: this.codec,
      intervalMs: INTERVAL,
      interface: "eth0",
      network: this.wire,
      openBeacons: () => this.source = new Source(),
      claims: {
        subscribe: (listener) => {
          this.arp = listener;
          return () => this.arp = undefined;
        },
        look: () => {
          for (const claim of this.unread.splice(0)) this.arp?.claimed(claim);
          return !this.flooded;
        },
      },
      links: {
        subscribe: (listener) => {
          this.changed = listener;
          return () => {};
        },
      },
      clock: this.clock,
      election: this.election,
      vips: this.vips,
      stands: () => this.stands,
      metrics: recorder<BeaconParts["metrics"]>(this.metrics),
      logger: recorder<Logger>([]),
    });
    const stop = new AbortController();
    const run = beacons.run(stop.signal);
    await settled();
    try {
      await body(beacons);
    } finally {
      stop.abort();
      await run;
    }
  }
}

Deno.test("Beacons sends one each interval while it may hold, with an address to ask for", async () => {
  const node = new Node();
  node.hold();
  await node.running(async () => {
    await node.clock.advance(4 * INTERVAL);
    const sent = node.sentBeacons();
    assert.equal(sent.length, 5);
    for (const { kind, term, vip } of sent) {
      assert.deepEqual([kind, term, vip?.text], ["holder", 4, VIP.text]);
    }
    assert.ok(sent.every(({ sequence }, i) => i === 0 || sequence > sent[i - 1]!.sequence));
    node.vips.mayHold = false;
    await node.clock.advance(INTERVAL);
    assert.equal(node.sentBeacons().at(-1)!.kind, "standby");
  });
});

Deno.test("Beacons says nothing while a right to hold is not proven anew", async () => {
  const node = new Node();
  node.hold();
  node.vips.maySpeak = false;
  await node.running(() => node.clock.advance(4 * INTERVAL));
  assert.deepEqual(node.metrics, []);
});

Deno.test("Beacons says at once that it holds, and nothing where it does not stand", async () => {
  const node = new Node();
  node.stands = false;
  await node.running(async (beacons) => {
    await node.clock.advance(2000);
    assert.equal(node.wire.sent.length, 0);
    node.hold();
    beacons.announce();
    await settled();
    assert.equal(node.sentBeacons().length, 1);
  });
});

Deno.test("Beacons declares a holder dead that fell silent and does not answer", async () => {
  const node = new Node();
  await node.running(async () => {
    await node.hear(node.beacon());
    await node.clock.advance(2 * INTERVAL - 1);
    assert.equal(node.asked(), 0);
    await node.clock.advance(1.5 * INTERVAL + 1);
    assert.ok(node.asked() >= 3);
    assert.deepEqual(node.log, [["dead", 4]]);
  });
});

Deno.test("Beacons leaves a holder alone whose kernel answers, not for another's answer", async () => {
  for (const [mac, dead] of [["02:00:00:00:00:63", false], ["02:00:00:00:00:64", true]] as const) {
    const node = new Node();
    await node.running(async () => {
      await node.hear(node.beacon());
      for (let i = 0; i < 20; i++) {
        await node.clock.advance(INTERVAL / 2);
        if (node.arp?.holds(VIP.text)) node.arp.claimed({ vip: VIP.text, mac });
      }
    });
    assert.equal(node.log.length > 0, dead, mac);
  }
});

Deno.test("Beacons reads what has come in before it declares a holder dead", async () => {
  const signs: Record<string, (node: Node) => void> = {
    answer: ({ unread }) => unread.push({ vip: VIP.text, mac: "02:00:00:00:00:63" }),
    beacon: (node) => node.source.unread.push(node.beacon()),
  };
  for (const [what, arrive] of Object.entries(signs)) {
    const node = new Node();
    await node.running(async () => {
      await node.hear(node.beacon());
      await node.clock.advance(3.5 * INTERVAL - 1);
      assert.ok(node.asked() >= 3);
      arrive(node);
      await node.clock.advance(1);
    });
    assert.deepEqual(node.log, [], what);
  }
});

Deno.test("Beacons finds nobody dead while more comes in than it can read", async () => {
  const floods: Record<string, (node: Node) => void> = {
    ARP: (node) => node.flooded = true,
    beacons: (node) => node.source.take = () => ({ frame: new Uint8Array(60) }),
  };
  for (const [what, flood] of Object.entries(floods)) {
    const node = new Node();
    await node.running(async () => {
      await node.hear(node.beacon());
      flood(node);
      await node.clock.advance(20 * INTERVAL);
      assert.deepEqual(node.log, [], what);
      node.flooded = false;
      node.source.take = () => undefined;
      await node.clock.advance(3.5 * INTERVAL + 1);
      assert.deepEqual(node.log[0], ["dead", 4], what);
    });
  }
});

Deno.test("Beacons takes its verdict back when the holder is heard again, or answers", async () => {
  const node = new Node();
  await node.running(async () => {
    await node.hear(node.beacon());
    await node.clock.advance(3.5 * INTERVAL);
    assert.deepEqual(node.log, [["dead", 4]]);
    node.alive.length = 0;
    const asked = node.asked();
    await node.clock.advance(INTERVAL);
    assert.deepEqual(node.alive, []);
    assert.ok(node.asked() > asked && node.arp!.holds(VIP.text), "goes on asking");
    node.arp!.claimed({ vip: VIP.text, mac: "02:00:00:00:00:64" });
    assert.deepEqual(node.alive, [], "another's answer");
    node.arp!.claimed({ vip: VIP.text, mac: "02:00:00:00:00:63" });
    assert.deepEqual(node.alive, [4]);
    await node.hear(node.beacon());
    assert.deepEqual(node.alive, [4, 4]);
  });
});

Deno.test("Beacons takes the forged, the foreign and the replayed for nothing, and counts them", async () => {
  const node = new Node();
  await node.running(async () => {
    const frame = node.beacon();
    await node.hear(frame);
    await node.clock.advance(INTERVAL);
    await node.hear(frame);
    await node.hear(new BeaconCodec(new Uint8Array(32), INSTANCE).encode({
      ...node.codec.decode(node.beacon()) as Beacon,
    }));
    await node.hear(new BeaconCodec(KEY, "other/vip").encode({
      ...node.codec.decode(node.beacon()) as Beacon,
    }));
    await node.hear(frame.slice(0, 40));
    // A loop in the network brings one's own back.
    await node.hear(node.beacon({ node: "node-1" }));
    await node.clock.advance(2.5 * INTERVAL);
    assert.deepEqual(node.log, [["dead", 4]], "they prolonged its life");
  });
  const counted = node.metrics.filter(([name]) => name !== "beaconSent");
  assert.deepEqual(counted, [
    ["beaconHeard"],
    ["beaconRejected", "replayed"],
    ["beaconRejected", "forged"],
    ["beaconRejected", "foreign"],
    ["beaconRejected", "malformed"],
    ["beaconRejected", "replayed"],
  ]);
});

Deno.test("Beacons of a newer term make a holder withdraw, of the same or an older one not", async () => {
  const node = new Node();
  node.hold();
  await node.running(async () => {
    await node.hear(node.beacon({ term: 3 }));
    await node.hear(node.beacon({ term: 4 }));
    await node.hear(node.beacon({ term: 5, kind: "standby" }));
    assert.deepEqual(node.log, []);
    await node.hear(node.beacon({ term: 5 }));
    assert.deepEqual(node.log, [["contest", "peer holds the Lease in term 5"]]);
  });
});

Deno.test("Beacons takes over later by rank, and not again within the hold-off", async () => {
  const node = new Node();
  await node.running(async () => {
    await node.hear(node.beacon({ kind: "standby", node: "a-node" }));
    await node.hear(node.beacon());
    await node.clock.advance(3.5 * INTERVAL);
    assert.deepEqual(node.log, []);
    await node.clock.advance(2 * INTERVAL);
    assert.deepEqual(node.log, [["dead", 4]]);
    node.log.length = 0;
    node.election.term = 5;
    await node.hear(node.beacon({ term: 5 }));
    await node.clock.advance(9900);
    assert.deepEqual(node.log, []);
    assert.equal(node.asked() > 20, false, "asked in the hold-off");
    await node.clock.advance(200);
    assert.deepEqual(node.log[0], ["dead", 5]);
  });
});

Deno.test("Beacons begins anew when its interface changed", async () => {
  const node = new Node();
  await node.running(async () => {
    await node.hear(node.beacon());
    node.wire.linkList = [ethernet(1, "eth0", { carrier: false })];
    node.changed(node.wire.linkList);
    await node.clock.advance(1000);
    node.wire.linkList = [ethernet(1, "eth0")];
    await node.clock.advance(5000);
    assert.deepEqual(node.log, []);
    await node.hear(node.beacon());
    await node.clock.advance(3.5 * INTERVAL);
    assert.deepEqual(node.log, [["dead", 4]]);
  });
});

Deno.test("AddressLink puts addresses on the device, unless ARP would not answer for them", () => {
  const log: [string, ...unknown[]][] = [];
  const ignore: Record<string, number> = { eth0: 0, eth1: 1 };
  const device = { linkIndex: 9, [Symbol.dispose]: () => void log.push(["disposed"]) };
  {
    using link = new AddressLink(() => device, (name) => ignore[name]!, recorder<Logger>(log));
    assert.equal(link.homeOf("eth0"), 9);
    assert.equal(link.homeOf("eth1"), undefined);
    assert.equal(link.homeOf("eth1"), undefined);
  }
  assert.deepEqual(log.map(([name]) => name), ["warn", "disposed"], "said once");
});

Deno.test("AddressLink does without a device, and says so", () => {
  const log: [string, ...unknown[]][] = [];
  const open = () => {
    throw new Error("Cannot open /dev/net/tun");
  };
  using link = new AddressLink(open, () => 0, recorder<Logger>(log));
  assert.equal(link.homeOf("eth0"), undefined);
  assert.match(String(log[0]?.[1]), /its VIPs are free only when their kernel lifetime ends/);
});
