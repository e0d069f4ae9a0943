import assert from "node:assert/strict";
import { Gate } from "../../lib/agent/gate.ts";
import type { KubeError } from "../../lib/kube/errors.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { refused } from "../doubles/fake_lease_api.ts";
import { ethernet, FakeNetwork } from "../doubles/fake_network.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";
import { lease, OTHER, OWN } from "../election/parts.ts";

class World {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork(this.clock);
  readonly logger = keepingLogger();
  readonly stop = new AbortController();
  leases: Lease[] = [];
  relists = 0;
  readonly listed = Promise.withResolvers<void>();
  readonly view = {
    all: () => this.leases,
    find: (_: string, name: string) => this.leases.find((lease) => lease.metadata?.name === name),
    settled: this.listed.promise,
    lastError: undefined as KubeError | undefined,
    relist: () => void this.relists++,
  };
  lockedBy: string | undefined;
  locks = 0;
  readonly gate: Gate;

  constructor(name = "auto", listed = true) {
    if (listed) this.listed.resolve();
    this.gate = new Gate({
      lease: { namespace: "kube-system", name: "mine", scope: "class blue" },
      interface: name,
      network: this.network,
      leases: this.view,
      clock: this.clock,
      holdLock: (name) => {
        if (this.lockedBy !== undefined) throw new Error(`${name}: ${this.lockedBy}`);
        this.locks++;
        return { [Symbol.dispose]: () => void this.locks-- };
      },
      logger: this.logger,
    });
  }

  /** Whether pass() has let it through by now. */
  async passed(): Promise<() => boolean> {
    let passed = false;
    void this.gate.pass(this.stop.signal).then((lock) => passed = lock !== undefined);
    await settled();
    return () => passed;
  }
}

function named(
  name: string,
  sketch: Parameters<typeof lease>[0],
  creationTimestamp: string,
): Lease {
  const made = lease(sketch);
  return { ...made, metadata: { ...made.metadata, name, creationTimestamp } };
}

Deno.test("pass() takes the lock when nothing is in the way", async () => {
  const world = new World();
  assert.match(world.gate.obstacle ?? "", /not looked yet/);
  using lock = await world.gate.pass(world.stop.signal);
  assert.ok(lock);
  assert.equal(world.locks, 1);
  assert.equal(world.gate.obstacle, undefined);
});

Deno.test("pass() waits for the interface, and says which there are", async () => {
  const world = new World("eth7");
  const passed = await world.passed();
  assert.equal(
    world.gate.obstacle,
    "there is no interface eth7 on this node: set interface to one of eth0",
  );
  await world.clock.advance(5000);
  assert.ok(!passed());
  assert.equal(world.logger.lines.length, 1, "said once");
  world.network.linkList = [ethernet(1, "eth0"), ethernet(2, "eth7")];
  await world.clock.advance(1000);
  assert.ok(passed());
  assert.equal(world.gate.obstacle, undefined);
});

Deno.test("pass() refuses an interface without ARP", async () => {
  const world = new World("lo");
  world.network.linkList = [ethernet(1, "lo", { loopback: true }), ethernet(2, "eth0")];
  await world.passed();
  assert.match(world.gate.obstacle ?? "", /interface lo is not an Ethernet interface.*eth0$/);
  world.stop.abort();
});

Deno.test("pass() waits for the lock, and names the Lease", async () => {
  const world = new World();
  world.lockedBy = "taken";
  const passed = await world.passed();
  assert.match(
    world.gate.obstacle ?? "",
    /^Lease kube-system\/mine is stood for by another process on this node already/,
  );
  world.lockedBy = undefined;
  await world.clock.advance(1000);
  assert.ok(passed());
});

Deno.test("pass() waits until a Lease of the same scope has no living holder", async () => {
  const world = new World();
  world.leases = [named("theirs", OTHER, "2026-01-01T00:00:00Z")];
  const passed = await world.passed();
  assert.match(
    world.gate.obstacle ?? "",
    /^class blue is served under Lease kube-system\/theirs already \(holder node-b\)/,
  );
  await world.clock.advance(9000);
  assert.ok(!passed());
  await world.clock.advance(3000);
  assert.ok(passed());
});

Deno.test("pass() lets nobody through who may not read Leases, and says so once", async () => {
  const world = new World();
  world.view.lastError = refused(403, "Forbidden");
  const never = world.gate.pass(world.stop.signal);
  await world.clock.advance(5000);
  assert.equal(world.gate.obstacle, world.view.lastError.message);
  world.stop.abort();
  assert.equal(await never, undefined);
  assert.equal(world.locks, 0);
  assert.equal(world.logger.lines.length, 1);
});

Deno.test("pass() waits until the Leases were listed, but not for ever", async () => {
  const listed = new World("auto", false);
  const passed = await listed.passed();
  await listed.clock.advance(1000);
  assert.ok(!passed());
  listed.listed.resolve();
  await settled();
  assert.ok(passed());

  const away = new World("auto", false);
  const passedToo = await away.passed();
  await away.clock.advance(5000);
  assert.ok(passedToo());
});

Deno.test("pass() ends without a lock when the signal aborts", async () => {
  const waiting = new World("eth7");
  const never = waiting.gate.pass(waiting.stop.signal);
  await settled();
  waiting.stop.abort();
  assert.equal(await never, undefined);

  const looking = new World("auto", false);
  const late = looking.gate.pass(looking.stop.signal);
  await settled();
  looking.stop.abort();
  assert.equal(await late, undefined);
  assert.equal(looking.locks, 0);
});

/** This node's Lease, as it wrote it. */
const MINE = named("mine", { ...OWN, version: "20" }, "2026-01-02T00:00:00Z");

Deno.test("judge() is clear once the Lease is seen as it was written, or later", () => {
  const world = new World();
  assert.deepEqual(world.gate.judge(MINE), { kind: "unseen" });
  world.leases = [named("mine", { ...OWN, version: "9" }, "2026-01-02T00:00:00Z")];
  assert.deepEqual(world.gate.judge(MINE), { kind: "unseen" });
  world.leases = [MINE];
  assert.deepEqual(world.gate.judge(MINE), { kind: "clear" });
  world.leases = [named("mine", { ...OWN, version: "100" }, "2026-01-02T00:00:00Z")];
  assert.deepEqual(world.gate.judge(MINE), { kind: "clear" });
});

Deno.test("judge() yields to an older Lease of the same scope, and waits for a younger one", () => {
  const world = new World();
  world.leases = [MINE, named("theirs", OTHER, "2026-01-03T00:00:00Z")];
  assert.equal(world.gate.judge(MINE).kind, "wait");
  world.leases = [MINE, named("theirs", OTHER, "2026-01-01T00:00:00Z")];
  const verdict = world.gate.judge(MINE);
  assert.ok(verdict.kind === "yield" && verdict.reason.includes("theirs"));
});

Deno.test("guard() resolves when an older Lease of the same scope has a holder", async () => {
  const world = new World();
  let resolved = false;
  void world.gate.guard(world.stop.signal, () => MINE).then(() => resolved = true);
  world.leases = [MINE, named("theirs", OTHER, "2026-01-03T00:00:00Z")];
  await world.clock.advance(10_000);
  assert.ok(!resolved, "its own is older");
  world.leases = [
    MINE,
    named("theirs", { ...OTHER, renewTime: "later" }, "2026-01-01T00:00:00Z"),
  ];
  await world.clock.advance(1000);
  assert.ok(resolved);
  assert.match(world.gate.obstacle ?? "", /theirs/);
});

Deno.test("guard() resolves when this node does not hold and any other Lease has a holder", async () => {
  const world = new World();
  let resolved = false;
  void world.gate.guard(world.stop.signal, () => undefined).then(() => resolved = true);
  await world.clock.advance(10_000);
  assert.ok(!resolved);
  world.leases = [MINE, named("theirs", OTHER, "2026-01-03T00:00:00Z")];
  await world.clock.advance(1000);
  assert.ok(resolved);
});

Deno.test("guard() lists anew when a write is not seen for long", async () => {
  const world = new World();
  const done = world.gate.guard(world.stop.signal, () => MINE);
  await settled();
  assert.equal(world.relists, 0, "it may be on its way");
  await world.clock.advance(250);
  assert.equal(world.relists, 1);
  await world.clock.advance(1500);
  assert.equal(world.relists, 1, "not each time");
  await world.clock.advance(500);
  assert.equal(world.relists, 2);
  world.leases = [MINE];
  await world.clock.advance(10_000);
  assert.equal(world.relists, 2);
  world.stop.abort();
  await done;
});
