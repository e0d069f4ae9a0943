import assert from "node:assert/strict";
import { Gate } from "../../lib/agent/gate.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { FakeKubeClient } from "../doubles/fake_kube_client.ts";
import { refused } from "../doubles/fake_lease_api.ts";
import { ethernet, FakeNetwork } from "../doubles/fake_network.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";
import { lease, OTHER, OWN } from "../election/parts.ts";

class World {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork(this.clock);
  readonly client = new FakeKubeClient();
  readonly logger = keepingLogger();
  readonly stop = new AbortController();
  leases: Lease[] = [];
  lockedBy: string | undefined;
  locks = 0;
  readonly gate: Gate;

  constructor(name = "auto") {
    this.client.answer = () => ({ items: this.leases });
    this.gate = new Gate({
      lease: { namespace: "kube-system", name: "mine", scope: "class blue" },
      interface: name,
      network: this.network,
      client: this.client,
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

Deno.test("pass() lets nobody through who may not list Leases, and says so once", async () => {
  const world = new World();
  world.client.answer = () => {
    throw refused(403, "Forbidden");
  };
  const never = world.gate.pass(world.stop.signal);
  await world.clock.advance(5000);
  world.stop.abort();
  assert.equal(await never, undefined);
  assert.equal(world.locks, 0);
  const warnings = world.logger.lines.filter(({ level }) => level === "warn");
  assert.deepEqual(warnings.map(({ message }) => message), [
    "could not look for another Lease of the same class",
  ]);
});

Deno.test("pass() ends without a lock when the signal aborts, also while it looks", async () => {
  const waiting = new World("eth7");
  const never = waiting.gate.pass(waiting.stop.signal);
  await settled();
  waiting.stop.abort();
  assert.equal(await never, undefined);

  const looking = new World();
  const answer = Promise.withResolvers<unknown>();
  looking.client.answer = () => answer.promise;
  const late = looking.gate.pass(looking.stop.signal);
  await settled();
  looking.stop.abort();
  answer.resolve({ items: [] });
  assert.equal(await late, undefined);
  assert.equal(looking.locks, 0);
});

Deno.test("guard() resolves when an older Lease of the same scope has a holder", async () => {
  const world = new World();
  let resolved = false;
  let holding = false;
  void world.gate.guard(world.stop.signal, () => holding).then(() => resolved = true);
  await world.clock.advance(10_000);
  assert.ok(!resolved);
  world.leases = [
    named("mine", OWN, "2026-01-02T00:00:00Z"),
    named("theirs", OTHER, "2026-01-03T00:00:00Z"),
  ];
  holding = true;
  await world.clock.advance(1000);
  assert.ok(!resolved, "its own is older");
  world.leases[1]!.metadata!.creationTimestamp = "2026-01-01T00:00:00Z";
  world.leases[1]!.spec!.renewTime = "later";
  await world.clock.advance(30_000);
  assert.ok(resolved);
  assert.match(world.gate.obstacle ?? "", /theirs/);
});

Deno.test("guard() looks when the right to hold begins, and every ten seconds", async () => {
  const world = new World();
  let holding = false;
  const done = world.gate.guard(world.stop.signal, () => holding);
  await world.clock.advance(9000);
  assert.equal(world.client.requests.length, 0);
  holding = true;
  await world.clock.advance(1000);
  assert.equal(world.client.requests.length, 1);
  await world.clock.advance(20_000);
  assert.equal(world.client.requests.length, 3);
  world.stop.abort();
  await done;
});
