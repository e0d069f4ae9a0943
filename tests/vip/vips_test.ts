import assert from "node:assert/strict";
import { ARP_REPLY, ARP_REQUEST } from "../../lib/net/arp.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { NEIGHBOR_ADVERTISEMENT, unsolicitedNaFrame } from "../../lib/net/ndp.ts";
import { BURST_MS } from "../../lib/vip/schedule.ts";
import { instanceMark, type VipClaim, type VipObserver, Vips } from "../../lib/vip/vips.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { ethernet, FakeNetwork } from "../doubles/fake_network.ts";
import { recorder } from "../doubles/recorder.ts";

const MARK = 7;

class World {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork(this.clock, [ethernet(1, "eth0"), ethernet(2, "eth1")]);
  readonly log: [string, ...unknown[]][] = [];
  readonly vips = new Vips<string>({
    network: this.network,
    clock: this.clock,
    mark: MARK,
    schedule: { burstMs: BURST_MS, refreshMs: 60_000 },
    observer: recorder<VipObserver<string>>(this.log),
  });

  grant(ms: number): void {
    this.vips.granted(this.clock.nowMs() + ms);
  }

  names(): string[] {
    return this.log.map(([name]) => name);
  }

  on(): string[] {
    return this.network.vips(MARK);
  }

  /** Runs it while `body` goes on. */
  async running(body: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const run = this.vips.run(stop.signal);
    try {
      await body();
    } finally {
      stop.abort();
      await run;
    }
  }
}

function claim(vip: string, linkIndex = 1, owner = "shop/web"): VipClaim<string> {
  return { ip: parseIp(vip)!, linkIndex, interface: `eth${linkIndex - 1}`, owner };
}

Deno.test("claim() sets the address and sends a request and a reply at once", () => {
  const { vips, network, clock, log } = new World();
  vips.granted(clock.nowMs() + 9999);
  vips.claim([claim("192.0.2.1")]);
  assert.deepEqual(network.changes, [
    { kind: "set", ip: parseIp("192.0.2.1"), linkIndex: 1, mark: MARK, validSeconds: 9 },
  ]);
  const sent = network.frames.map(({ vip, operation, linkIndex }) => [vip, operation, linkIndex]);
  assert.deepEqual(sent, [["192.0.2.1", ARP_REQUEST, 1], ["192.0.2.1", ARP_REPLY, 1]]);
  assert.deepEqual(log, [["sent", 1], ["sent", 1], ["claimed", claim("192.0.2.1")]]);
  assert.deepEqual([vips.size, vips.addresses], [1, ["192.0.2.1"]]);
});

Deno.test("claim() announces an IPv6 address by a Neighbor Advertisement, then as IPv4", async () => {
  const world = new World();
  const { vips, network, clock } = world;
  const startMs = clock.nowMs();
  world.grant(9999);
  vips.claim([claim("2001:db8::1"), claim("192.0.2.1")]);
  const na = unsolicitedNaFrame(network.linkList[0]!.mac, parseIp("2001:db8::1")!);
  assert.deepEqual(network.frames[0]?.frame, na);
  assert.deepEqual(world.log[0], ["sent", 1]);
  await world.running(() => clock.advance(9000));
  const times = (vip: string, operation: number) =>
    network.frames.filter((one) => one.vip === vip && one.operation === operation)
      .map(({ atMs }) => Math.round(atMs - startMs));
  assert.deepEqual(times("2001:db8::1", NEIGHBOR_ADVERTISEMENT), [0, 100, 500, 1500, 3500, 7500]);
  assert.deepEqual(times("192.0.2.1", ARP_REQUEST), times("2001:db8::1", NEIGHBOR_ADVERTISEMENT));
  assert.ok(vips.withdraw("stopping"));
  assert.deepEqual(world.on(), []);
});

Deno.test("claim() does nothing without the right to hold", () => {
  const world = new World();
  world.vips.claim([claim("192.0.2.1")]);
  world.grant(0);
  world.vips.claim([claim("192.0.2.1")]);
  assert.deepEqual(world.network.changes, []);
  assert.deepEqual(world.network.frames, []);
});

Deno.test("claim() sets no address whose lifetime would be longer than the right", () => {
  const world = new World();
  world.grant(999);
  world.vips.claim([claim("192.0.2.1")]);
  assert.deepEqual(world.on(), []);
  assert.deepEqual(world.names(), []);
  assert.equal(world.vips.size, 0);
});

Deno.test("granted() and claim() set lifetimes that end so long before the right as they are told", () => {
  for (const [leftMs, expected] of [[4550, 4], [4470, 4], [4440, 3], [1440, undefined]] as const) {
    const world = new World();
    const { clock, network } = world;
    const vips = new Vips<string>({
      network,
      clock,
      mark: MARK,
      lifetimeMarginMs: 450,
      schedule: { burstMs: BURST_MS, refreshMs: 60_000 },
      observer: recorder<VipObserver<string>>([]),
    });
    vips.granted(clock.nowMs() + leftMs);
    vips.claim([claim("192.0.2.1")]);
    assert.equal(network.addresses()[0]?.validSeconds, expected, `${leftMs} ms left`);
  }
});

Deno.test("claim() leaves alone what is held as asked, and notes another owner", () => {
  const world = new World();
  world.grant(9000);
  world.vips.claim([claim("192.0.2.1")]);
  world.vips.claim([claim("192.0.2.1", 1, "shop/other")]);
  assert.equal(world.network.changes.length, 1);
  assert.equal(world.network.frames.length, 2);
  assert.equal([...world.vips.claims()][0]?.owner, "shop/other");
});

Deno.test("claim() moves an address to another interface", () => {
  const world = new World();
  world.grant(9000);
  world.vips.claim([claim("192.0.2.1", 1)]);
  world.vips.claim([claim("192.0.2.1", 2)]);
  const placed = world.network.addresses().map(({ ip, linkIndex }) => `${ip.text} ${linkIndex}`);
  assert.deepEqual(placed, ["192.0.2.1 2"]);
  assert.deepEqual(world.network.frames.map(({ linkIndex }) => linkIndex), [1, 1, 2, 2]);
  assert.deepEqual(world.vips.addresses, ["192.0.2.1"]);
});

Deno.test("claim() announces anew when the MAC address of the interface changed", async () => {
  const world = new World();
  world.grant(9000);
  world.vips.claim([claim("192.0.2.1")]);
  const mac = Uint8Array.of(2, 9, 9, 9, 9, 9);
  world.network.linkList = [ethernet(1, "eth0", { mac })];
  world.vips.claim([claim("192.0.2.1")]);
  await world.running(() => world.clock.advance(100));
  const senders = world.network.frames.map(({ frame }) => frame.subarray(6, 12).join(":"));
  assert.deepEqual(senders.slice(0, 2), ["2:0:0:0:0:1", "2:0:0:0:0:1"]);
  assert.deepEqual(new Set(senders.slice(2)), new Set([mac.join(":")]));
  assert.ok(senders.length >= 6);
});

Deno.test("claim() keeps the others going when one fails, and takes it up later", () => {
  const world = new World();
  world.grant(9000);
  const refused = new Error("EPERM");
  world.network.refuse = ({ ip }) => ip.text === "192.0.2.1" ? refused : undefined;
  const claims = [claim("192.0.2.1"), claim("192.0.2.2"), claim("192.0.2.3", 9)];
  world.vips.claim(claims);
  assert.deepEqual(world.vips.addresses, ["192.0.2.2"]);
  assert.deepEqual(world.names().filter((name) => name === "vipFailed").length, 2);
  world.network.refuse = () => undefined;
  world.vips.claim(claims.slice(0, 2));
  assert.deepEqual(world.vips.addresses.sort(), ["192.0.2.1", "192.0.2.2"]);
});

Deno.test("nothing is claimed or sent once the kernel has removed the addresses, until granted()", async () => {
  const { vips, network, clock } = new World();
  vips.granted(clock.nowMs() + 4600);
  vips.claim([claim("192.0.2.1")]);
  await clock.advance(4001);
  assert.deepEqual([vips.mayHold, vips.maySpeak], [true, false]);
  const [frames, changes] = [network.frames.length, network.changes.length];
  vips.claim([claim("192.0.2.2")]);
  assert.deepEqual([network.frames.length, network.changes.length], [frames, changes]);
  vips.granted(clock.nowMs() + 4600);
  assert.ok(vips.maySpeak);
  vips.claim([claim("192.0.2.2")]);
  assert.equal(network.frames.length, frames + 2);
});

Deno.test("granted() gives all addresses what is left of the right, in whole seconds", () => {
  const world = new World();
  world.grant(9999);
  world.vips.claim([claim("192.0.2.1"), claim("192.0.2.2", 2)]);
  world.clock.stall(5000);
  world.grant(9500);
  const left = world.network.addresses().map(({ validSeconds }) => validSeconds);
  assert.deepEqual(left, [9, 9]);
  assert.equal(world.network.frames.length, 4, "a renewal sends nothing");
});

Deno.test("granted() renews each of a thousand once, and asks a kernel that is silent once", async () => {
  const world = new World();
  const { vips, network } = world;
  world.grant(9999);
  const all = Array.from({ length: 1010 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  await world.running(async () => {
    vips.claim(all.map((vip) => claim(vip)));
    while (vips.isPuttingUp) await world.clock.advance(100);
  });
  network.changes.length = 0;
  world.grant(8999);
  assert.deepEqual(network.changes.map(({ ip }) => ip.text), all);
  world.log.length = 0;
  let asked = 0;
  network.apply = () => {
    asked++;
    throw new Error("no answer");
  };
  world.grant(8999);
  assert.equal(asked, 1);
  assert.deepEqual(world.log.map(([, vip]) => vip), all, "each of them failed");
});

Deno.test("granted() survives a kernel that does not answer, and mends it the next time", () => {
  const world = new World();
  world.grant(9000);
  world.vips.claim([claim("192.0.2.1")]);
  world.network.silent = true;
  world.grant(9500);
  world.network.silent = false;
  assert.deepEqual(world.names().slice(-1), ["vipFailed"]);
  world.grant(9900);
  assert.equal(world.network.changes.length, 2);
});

Deno.test("run() announces by the schedule, and not after withdraw()", async () => {
  const world = new World();
  await world.running(async () => {
    world.grant(600_000);
    const startMs = world.clock.nowMs();
    world.vips.claim([claim("192.0.2.1")]);
    await world.clock.advance(70_000);
    const times = world.network.frames.filter(({ operation }) => operation === ARP_REQUEST)
      .map(({ atMs }) => atMs - startMs);
    assert.deepEqual(times, [0, 100, 500, 1500, 3500, 7500, 67_500]);
    assert.ok(world.vips.withdraw("stopping"));
    const count = world.network.frames.length;
    await world.clock.advance(200_000);
    assert.equal(world.network.frames.length, count);
  });
});

Deno.test("run() withdraws by itself at the fence, and sends nothing from then on", async () => {
  const world = new World();
  await world.running(async () => {
    world.grant(1550);
    const fenceMs = world.clock.nowMs() + 1550;
    world.vips.claim([claim("192.0.2.1")]);
    await world.clock.advance(1549);
    assert.ok(world.vips.mayHold);
    await world.clock.advance(1);
    assert.deepEqual(world.on(), []);
    assert.equal(world.vips.size, 0);
    assert.equal(world.names().filter((name) => name === "fenced").length, 1);
    await world.clock.advance(60_000);
    assert.ok(world.network.frames.every(({ atMs }) => atMs < fenceMs));
    assert.equal(world.names().filter((name) => name === "fenced").length, 1);
  });
});

Deno.test("run() looks at the fence before every frame", async () => {
  const world = new World();
  world.grant(2000);
  const fenceMs = world.clock.nowMs() + 2000;
  world.vips.claim([claim("192.0.2.1"), claim("192.0.2.2"), claim("192.0.2.3")]);
  // The machine is so slow that the right ends while frames are sent.
  const send = world.network.send.bind(world.network);
  world.network.send = (linkIndex, frame) => {
    send(linkIndex, frame);
    world.clock.stall(700);
  };
  await world.running(() => world.clock.advance(2000));
  assert.equal(world.network.frames.length, 6 + 3);
  assert.ok(world.network.frames.every(({ atMs }) => atMs < fenceMs));
});

Deno.test("run() looks at the fence before every frame of IPv6 too", async () => {
  const world = new World();
  world.grant(2000);
  const fenceMs = world.clock.nowMs() + 2000;
  world.vips.claim(["2001:db8::1", "2001:db8::2", "2001:db8::3"].map((vip) => claim(vip)));
  const send = world.network.send.bind(world.network);
  world.network.send = (linkIndex, frame) => {
    send(linkIndex, frame);
    world.clock.stall(1000);
  };
  await world.running(() => world.clock.advance(2000));
  assert.equal(world.network.frames.length, 3 + 2);
  assert.ok(world.network.frames.every(({ atMs }) => atMs < fenceMs));
});

Deno.test("run() tries a withdrawal that failed at the fence again, without haste", async () => {
  const world = new World();
  await world.running(async () => {
    world.grant(5000);
    world.vips.claim([claim("192.0.2.1")]);
    world.network.refuse = ({ kind }) => kind === "remove" ? new Error("EBUSY") : undefined;
    // The kernel's own fence is put out of action too.
    world.network.add(1, "192.0.2.1/32", { mark: MARK });
    await world.clock.advance(15_000);
    const tries = world.network.changes.filter(({ kind }) => kind === "remove").length;
    assert.ok(tries >= 10 && tries <= 60, `${tries} tries in 10 s`);
    assert.equal(world.names().filter((name) => name === "fenced").length, 1);
    world.network.refuse = () => undefined;
    await world.clock.advance(1000);
    assert.deepEqual(world.on(), []);
    assert.equal(world.vips.size, 0);
  });
});

Deno.test("run() spreads a thousand claims and announcements over several rounds", async () => {
  const world = new World();
  world.grant(60_000);
  world.vips.claim(thousands());
  world.network.frames.length = 0;
  await world.running(() => world.clock.advance(120));
  const times = new Map<number, number>();
  for (const { atMs } of world.network.frames) times.set(atMs, (times.get(atMs) ?? 0) + 1);
  // The last 700 are put up; then all are announced for the second time.
  assert.deepEqual([...times.values()], [1000, 400, 1000, 1000, 400]);
});

Deno.test("run() goes on when a frame cannot be sent", async () => {
  const world = new World();
  await world.running(async () => {
    world.grant(60_000);
    world.vips.claim([claim("192.0.2.1"), claim("192.0.2.2", 2)]);
    world.network.linkList = [ethernet(2, "eth1")];
    await world.clock.advance(100);
    assert.ok(world.names().includes("vipFailed"));
    assert.equal(world.network.frames.at(-1)?.vip, "192.0.2.2");
    assert.equal(world.network.frames.length, 6);
  });
});

Deno.test("run() gives a sign of life every second", async () => {
  const world = new World();
  await world.running(async () => {
    await world.clock.advance(10_500);
    assert.ok(world.clock.nowMs() - world.vips.lastProgressMs <= 1000);
  });
});

Deno.test("drop() takes single addresses away and says why", () => {
  const world = new World();
  world.grant(9000);
  world.vips.claim([claim("192.0.2.1"), claim("192.0.2.2")]);
  world.log.length = 0;
  world.vips.drop([{ vip: "192.0.2.1", reason: "deleted" }, { vip: "192.0.2.9", reason: "x" }]);
  assert.deepEqual(world.on(), ["192.0.2.2"]);
  assert.deepEqual(world.log, [["dropped", claim("192.0.2.1"), "192.0.2.1", "deleted"]]);
});

Deno.test("drop() keeps in mind what could not be removed", () => {
  const world = new World();
  world.grant(9000);
  world.vips.claim([claim("192.0.2.1")]);
  world.network.refuse = () => new Error("EBUSY");
  world.vips.drop([{ vip: "192.0.2.1", reason: "deleted" }]);
  assert.deepEqual(world.vips.addresses, ["192.0.2.1"]);
  world.network.refuse = () => undefined;
  world.vips.drop([{ vip: "192.0.2.1", reason: "deleted" }]);
  assert.deepEqual(world.on(), []);
});

Deno.test("withdraw() confirms by reading, whatever the removals said", () => {
  const world = new World();
  world.grant(9000);
  world.vips.claim([claim("192.0.2.1")]);
  // Somebody moved a copy of it to another interface; another instance has one too.
  world.network.add(2, "192.0.2.1/32", { mark: MARK });
  world.network.add(2, "192.0.2.5/32", { mark: 8 });
  assert.ok(world.vips.withdraw("stopping"));
  assert.deepEqual(world.on(), []);
  assert.deepEqual(world.network.vips(8), ["192.0.2.5"]);
});

Deno.test("withdraw() is false while an address is still there, or cannot be read", () => {
  const world = new World();
  world.grant(9000);
  world.vips.claim([claim("192.0.2.1")]);
  world.network.refuse = ({ kind }) => kind === "remove" ? new Error("EBUSY") : undefined;
  assert.ok(!world.vips.withdraw("stopping"));
  assert.ok(!world.vips.mayHold);
  world.network.refuse = () => undefined;
  world.network.silent = true;
  assert.ok(!world.vips.withdraw("stopping"));
  world.network.silent = false;
  assert.deepEqual(world.on(), ["192.0.2.1"]);
  assert.ok(world.vips.withdraw("stopping"));
  assert.deepEqual([world.on(), world.vips.addresses], [[], []]);
});

Deno.test("withdraw() is true when the kernel was faster", () => {
  const world = new World();
  world.grant(2000);
  world.vips.claim([claim("192.0.2.1")]);
  world.clock.stall(3000);
  assert.ok(world.vips.withdraw("stopping"));
});

Deno.test("adoptLeftovers() finds what an earlier run left, and only that", () => {
  const world = new World();
  world.network.add(1, "192.0.2.1/32", { mark: MARK, validSeconds: 8 });
  world.network.add(1, "192.0.2.2/32", { mark: 8, validSeconds: 8 });
  world.network.add(1, "192.0.2.3/24");
  assert.deepEqual(world.vips.adoptLeftovers(), ["192.0.2.1"]);
  assert.deepEqual([world.vips.size, world.vips.addresses], [0, ["192.0.2.1"]]);
  world.grant(9000);
  assert.equal(world.network.frames.length, 0, "refreshed, not announced before it is asked for");
  assert.equal(world.network.addresses().find(({ mark }) => mark === MARK)?.validSeconds, 9);
  world.vips.claim([claim("192.0.2.1")]);
  assert.deepEqual([world.vips.size, world.vips.addresses], [1, ["192.0.2.1"]]);
});

Deno.test("run() withdraws leftovers at the fence too, and not before there was a right", async () => {
  const world = new World();
  world.network.add(1, "192.0.2.1/32", { mark: MARK });
  world.vips.adoptLeftovers();
  await world.running(async () => {
    await world.clock.advance(5000);
    assert.deepEqual(world.on(), ["192.0.2.1"]);
    world.grant(4000);
    await world.clock.advance(4000);
    assert.deepEqual(world.on(), []);
  });
});

Deno.test("run() withdraws leftovers whose lifetime a suspend of the machine prolonged", async () => {
  const world = new World();
  world.network.add(1, "192.0.2.1/32", { mark: MARK, validSeconds: 3 });
  world.vips.adoptLeftovers();
  // The kernel counts on: for it no time passed in the suspend.
  world.network.add(1, "192.0.2.1/32", { mark: MARK, validSeconds: 60 });
  await world.running(async () => {
    await world.clock.advance(3900);
    assert.deepEqual(world.on(), ["192.0.2.1"]);
    await world.clock.advance(1200);
    assert.deepEqual(world.on(), []);
  });
});

Deno.test("instanceMark() is the same for the same Lease, another for another, never 0", () => {
  assert.equal(instanceMark("a", "b"), instanceMark("a", "b"));
  const marks = new Set<number>();
  for (let i = 0; i < 2000; i++) marks.add(instanceMark("kube-system", `classvip-${i}`));
  assert.equal(marks.size, 2000);
  for (const mark of marks) assert.ok(Number.isInteger(mark) && mark > 0 && mark <= 0xffffffff);
});

/** More than are put up in one go. */
function thousands(): VipClaim<string>[] {
  return Array.from({ length: 1200 }, (_, i) => claim(`10.0.${i >> 8}.${i & 255}`));
}

Deno.test("claim() leaves room for renewals while it puts up thousands", async () => {
  const world = new World();
  const { vips, clock } = world;
  world.grant(3000);
  await world.running(async () => {
    let allUp = 0;
    vips.claim(thousands(), () => allUp++);
    assert.equal(world.on().length, 500);
    assert.equal(vips.isPuttingUp, true);
    await settled();
    // A timer ends each portion: what else waits for the event loop has its turn.
    assert.equal(world.on().length, 1000);
    world.grant(3000);
    await clock.advance(5);
    assert.equal(world.on().length, 1200);
    assert.deepEqual([vips.isPuttingUp, allUp], [false, 1]);
  });
});

Deno.test("claim() waits for the next renewal where too little is left of the right", async () => {
  const world = new World();
  const { vips, clock, network, log } = world;
  world.grant(900);
  await world.running(async () => {
    vips.claim([claim("192.0.2.1")]);
    await clock.advance(500);
    assert.deepEqual([network.changes.length, log], [0, []]);
    world.grant(3000);
    await settled();
    assert.deepEqual([world.on(), vips.isPuttingUp], [["192.0.2.1"], false]);
  });
});

Deno.test("claim() forgets what waits when it is not wanted any more", async () => {
  const world = new World();
  const { vips, clock } = world;
  world.grant(3000);
  await world.running(async () => {
    vips.claim(thousands());
    vips.drop([{ vip: "10.0.4.0", reason: "gone" }]);
    await clock.advance(50);
    assert.equal(world.on().length, 1199);
    vips.drop(world.on().map((vip) => ({ vip, reason: "gone" })));
    vips.claim(thousands());
    vips.claim(thousands().slice(0, 600));
    await clock.advance(50);
    assert.equal(world.on().length, 600);
    vips.claim(thousands());
    assert.equal(vips.withdraw("released"), true);
    await clock.advance(50);
    assert.deepEqual(world.on(), []);
  });
});

Deno.test("claim() puts up fewer at a time when the kernel is slow", () => {
  const { clock, network } = new World();
  let slowMs = 0;
  network.refuse = () => {
    slowMs += 0.3;
    return undefined;
  };
  const vips = new Vips<string>({
    network,
    clock: { nowMs: () => clock.nowMs() + slowMs, until: (at, signal) => clock.until(at, signal) },
    mark: MARK,
    schedule: { burstMs: BURST_MS, refreshMs: 60_000 },
    observer: recorder<VipObserver<string>>([]),
  });
  vips.granted(clock.nowMs() + 60_000);
  vips.claim(thousands());
  assert.equal(vips.size, 200);
});
