import assert from "node:assert/strict";
import { readLease } from "../../lib/election/lease_record.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { LeaseStore, refused } from "../doubles/fake_lease_api.ts";
import { TestNode } from "./node.ts";
import { lease, OTHER, OWN, RIGHT_MS, SETTINGS, WAIT_MS } from "./parts.ts";

const B = { identity: "node-b", incarnation: "boot-2" };

function world() {
  const clock = new FakeClock();
  const store = new LeaseStore();
  return { clock, store };
}

/** A world with a node that holds the Lease since just now. */
async function held() {
  const { clock, store } = world();
  store.create(lease({ releasedTerm: "5" }));
  const node = new TestNode(store, clock).start();
  await settled();
  assert.ok(node.elector.mayHold());
  node.log.length = 0;
  node.api.calls.length = 0;
  return { clock, store, node };
}

async function stopped(node: TestNode, clock: FakeClock) {
  const done = node.stop();
  await clock.advance(20_000);
  await done;
}

Deno.test("run() creates an absent Lease, takes it after one duration, and renews it", async () => {
  const { clock, store } = world();
  const node = new TestNode(store, clock).start();
  await settled();
  assert.equal(readLease(store.current()!).holder, undefined);
  await clock.advance(WAIT_MS - 1);
  assert.equal(readLease(store.current()!).holder, undefined);
  assert.deepEqual(node.names(), ["withdrawn"]);
  await clock.advance(1);
  assert.ok(node.elector.mayHold());
  assert.equal(node.elector.lastRenewalMs, clock.nowMs());
  const first = store.current();
  await clock.advance(SETTINGS.renewIntervalMs);
  assert.notEqual(store.current()?.spec?.renewTime, first?.spec?.renewTime);
  assert.equal(store.current()?.spec?.acquireTime, first?.spec?.acquireTime);
  assert.deepEqual(node.names().filter((name) => name !== "holderChanged"), [
    "withdrawn",
    "elected",
    "granted",
    "renewed",
    "granted",
  ]);
  await stopped(node, clock);
});

Deno.test("run() takes a Lease within the instant of its release", async () => {
  const { clock, store, node: a } = await held();
  const b = new TestNode(store, clock, { settings: B }).start();
  await clock.advance(5000);
  assert.ok(!b.elector.mayHold());
  const releasedAtMs = clock.nowMs();
  await a.stop();
  await settled();
  assert.ok(b.elector.mayHold());
  assert.equal(b.elector.lastRenewalMs, releasedAtMs);
  assert.ok(a.names().includes("released"));
  await stopped(b, clock);
});

Deno.test("run() holds on through failures that end before the fence", async () => {
  const { clock, node } = await held();
  node.api.fate = () => ({ error: refused(0, "Unreachable") });
  await clock.advance(RIGHT_MS - 500);
  node.api.fate = () => ({});
  await clock.advance(500);
  assert.ok(node.elector.mayHold());
  assert.ok(!node.names().includes("withdrawn"));
  await stopped(node, clock);
});

Deno.test("run() withdraws at the fence, to the millisecond, while a request is under way", async () => {
  const { clock, node } = await held();
  node.api.fate = () => ({ lost: "request" });
  await clock.advance(RIGHT_MS - 1);
  assert.ok(node.elector.mayHold() && node.holds);
  await clock.advance(1);
  assert.ok(!node.elector.mayHold());
  // The addresses themselves go by their own fence; the elector learns when its request ends.
  await clock.advance(2000);
  assert.ok(!node.holds);
  await stopped(node, clock);
});

Deno.test("run() takes a renewal that was applied, and whose answer was lost, for none", async () => {
  const { clock, node, store } = await held();
  const sinceMs = clock.nowMs();
  node.watchDelayMs = () => Infinity;
  node.api.fate = (call) => call === "get" ? {} : { lost: "answer" };
  await clock.advance(RIGHT_MS + 2000);
  assert.equal(node.elector.lastRenewalMs, sinceMs);
  assert.ok(!node.elector.mayHold());
  assert.equal(readLease(store.current()!).holder, "node-a");
  await stopped(node, clock);
});

Deno.test("run() holds again by its own record once answers arrive", async () => {
  const { clock, node, store } = await held();
  node.api.fate = (call) => call === "get" ? {} : { lost: "answer" };
  await clock.advance(RIGHT_MS + 2500);
  node.api.fate = () => ({});
  await clock.advance(3000);
  assert.ok(node.elector.mayHold());
  assert.equal(readLease(store.current()!).term, 6);
  const kinds = node.names().filter((name) => name === "withdrawn" || name === "elected");
  assert.deepEqual(kinds.slice(-2), ["withdrawn", "elected"]);
  await stopped(node, clock);
});

Deno.test("run() survives a write that the server gets twice", async () => {
  const { clock, node } = await held();
  let writes = 0;
  node.api.fate = (call) => ({ twice: call === "replace" && writes++ % 2 === 0 });
  await clock.advance(60_000);
  assert.ok(node.elector.mayHold());
  assert.ok(!node.names().includes("withdrawn"));
  await stopped(node, clock);
});

Deno.test("observe() withdraws before it returns when the Lease is lost", async () => {
  const { clock, node, store } = await held();
  store.edit((lease) => lease.spec!.holderIdentity = "node-x");
  assert.ok(!node.holds && !node.elector.mayHold());
  await stopped(node, clock);
});

Deno.test("observe() withdraws at once also while a request is under way", async () => {
  const { clock, node, store } = await held();
  node.api.fate = () => ({ lost: "request" });
  await clock.advance(SETTINGS.renewIntervalMs + 10);
  store.edit((lease) => lease.spec!.holderIdentity = "node-x");
  assert.ok(!node.holds);
  await stopped(node, clock);
});

Deno.test("run() tells of an election again after it told of a withdrawal", async () => {
  const { clock, node, store } = await held();
  node.api.fate = (call) => call === "replace" ? { toServerMs: 100, toClientMs: 100 } : {};
  await clock.advance(SETTINGS.renewIntervalMs);
  // A hand takes the Lease away and gives it back while the renewal is under way.
  const before = store.current()!;
  node.elector.observe({
    ...before,
    metadata: { ...before.metadata, resourceVersion: "1000" },
    spec: { ...before.spec, holderIdentity: "node-x" },
  });
  assert.ok(!node.holds);
  // The renewal's answer, older than what was seen; a read; the Lease again.
  await clock.advance(399);
  assert.ok(!node.holds);
  await clock.advance(1);
  assert.ok(node.holds);
  const kinds = node.names().filter((name) => /withdrawn|elected|renewed/.test(name));
  assert.deepEqual(kinds, ["withdrawn", "elected"]);
  await stopped(node, clock);
});

Deno.test("run() makes a deleted Lease anew without letting go", async () => {
  const { clock, node, store } = await held();
  const other = new TestNode(store, clock, { settings: B }).start();
  await clock.advance(1000);
  store.delete();
  await settled();
  assert.ok(node.holds && node.elector.mayHold());
  assert.equal(readLease(store.current()!).holder, "node-a");
  await clock.advance(3 * WAIT_MS);
  assert.ok(node.elector.mayHold() && !other.elector.mayHold());
  assert.ok(!node.names().includes("withdrawn"));
  await Promise.all([stopped(node, clock), stopped(other, clock)]);
});

Deno.test("run() withdraws, then releases, then ends", async () => {
  const { clock, node, store } = await held();
  const order: string[] = [];
  store.watch((lease) => order.push(`${readLease(lease!).releasedTerm} ${node.holds}`));
  await node.stop();
  assert.deepEqual(order, ["6 false"]);
  assert.equal(clock.waiting, 0);
});

Deno.test("run() releases on top of a renewal that was under way", async () => {
  const { clock, node, store } = await held();
  node.api.fate = () => ({ toServerMs: 200, toClientMs: 200 });
  await clock.advance(SETTINGS.renewIntervalMs + 100);
  const done = node.stop();
  await settled();
  assert.ok(!node.holds, "withdrawn at once");
  assert.ok(!store.current()?.metadata?.annotations?.["classvip.io/released-term"]);
  await clock.advance(700);
  await done;
  assert.equal(readLease(store.current()!).releasedTerm, 6);
});

Deno.test("run() releases nothing while addresses cannot be removed, and goes on trying", async () => {
  const { clock, node, store } = await held();
  node.removable = false;
  const done = node.stop();
  await clock.advance(5000);
  assert.equal(readLease(store.current()!).holder, "node-a");
  assert.ok(!node.elector.mayHold());
  const tries = node.names().filter((name) => name === "withdrawn").length;
  assert.ok(tries > 20 && tries < 30, `${tries}`);
  node.removable = true;
  await clock.advance(SETTINGS.retryMs);
  await done;
  assert.equal(readLease(store.current()!).releasedTerm, 6);
});

Deno.test("run() leaves the Lease to expire when a stop takes too long", async () => {
  const { clock, node, store } = await held();
  node.removable = false;
  const done = node.stop();
  await clock.advance(10_000);
  await done;
  assert.equal(readLease(store.current()!).holder, "node-a");

  const away = await held();
  away.node.api.fate = () => ({ lost: "request" });
  const end = away.node.stop();
  await away.clock.advance(12_000);
  await end;
  assert.ok(!away.node.holds);
});

Deno.test("run() ends at once for a standby, and leaves the Lease alone", async () => {
  const { clock, node, store } = await held();
  const other = new TestNode(store, clock, { settings: B }).start();
  await clock.advance(100);
  const { resourceVersion } = store.current()!.metadata!;
  await other.stop();
  assert.equal(store.current()!.metadata!.resourceVersion, resourceVersion);
  await stopped(node, clock);
});

Deno.test("run() asks a server that refuses with pauses", async () => {
  const missing = world();
  const node = new TestNode(missing.store, missing.clock);
  node.api.fate = (call) => call === "create" ? { error: refused(404, "NotFound") } : {};
  node.start();
  await missing.clock.advance(WAIT_MS + 10_000);
  // A read and a create each, after 200, 300, 600, 1200, then every 1500 ms.
  assert.ok(node.api.calls.length <= 35, `${node.api.calls.length} requests`);
  assert.ok(node.names().includes("requestFailed"), "no such namespace: it is said");
  await stopped(node, missing.clock);

  const { clock, node: refusedNode } = await held();
  refusedNode.api.fate = (call) => call === "replace" ? { error: refused(409, "Conflict") } : {};
  await clock.advance(6000);
  assert.ok(refusedNode.api.calls.length <= 40, `${refusedNode.api.calls.length} requests`);
  await stopped(refusedNode, clock);
});

Deno.test("run() gives a sign of life every second, also when nothing is to be done", async () => {
  const { clock, store } = world();
  store.create(lease({ ...OTHER, scope: "class red" }));
  const node = new TestNode(store, clock).start();
  for (let i = 0; i < 100; i++) {
    store.edit(({ spec }) => spec!.renewTime = `${i}`);
    await clock.advance(700);
    assert.ok(clock.nowMs() - node.elector.lastProgressMs <= 1000);
  }
  assert.match(node.elector.obstacle ?? "", /class red/);
  assert.equal(node.names().filter((name) => name === "obstacleChanged").length, 1);
  assert.equal(node.api.calls.length, 1);
  await clock.advance(WAIT_MS);
  assert.equal(node.elector.obstacle, undefined);
  assert.ok(node.elector.mayHold(), "nobody renews it any more");
  assert.equal(readLease(store.current()!).scope, "class blue");
  await stopped(node, clock);
});

Deno.test("run() keeps what a crash left until it is known to be lost", async () => {
  const { clock, store } = world();
  store.create(lease(OWN));
  const node = new TestNode(store, clock);
  node.holds = true; // from before the crash
  node.api.fate = () => ({ error: refused(503, "ServiceUnavailable") });
  node.start();
  await clock.advance(3000);
  assert.ok(node.holds && !node.elector.mayHold());
  node.api.fate = () => ({});
  await clock.advance(2000);
  assert.ok(node.holds && node.elector.mayHold());
  assert.ok(!node.names().includes("withdrawn"));
  await stopped(node, clock);

  store.edit((lease) => lease.spec!.holderIdentity = "node-x");
  const lost = new TestNode(store, clock);
  lost.holds = true;
  lost.start();
  await settled();
  assert.ok(!lost.holds);
  await stopped(lost, clock);
});

Deno.test("run() rejects on what is no refusal of the API server", async () => {
  const { clock, node } = await held();
  node.api.get = () => Promise.reject(new TypeError("a bug"));
  node.api.replace = () => Promise.reject(new TypeError("a bug"));
  const ended = assert.rejects(node.stop(), /a bug/);
  await clock.advance(1000);
  await ended;
});

Deno.test("run() holds no longer than it may after the process was stopped for a while", async () => {
  const { clock, node, store } = await held();
  const other = new TestNode(store, clock, { settings: B });
  clock.stall(60_000);
  assert.ok(!node.elector.mayHold());
  await clock.advance(1);
  assert.ok(node.elector.mayHold(), "nobody took the Lease meanwhile");
  assert.ok(node.names().includes("withdrawn"));
  await stopped(node, clock);
  await other.start().stop();
});

Deno.test("renewNow() renews at once, and a standby not at all", async () => {
  const { clock, store, node } = await held();
  const other = new TestNode(store, clock, { settings: B }).start();
  await clock.advance(10);
  const { renewTime } = store.current()!.spec!;
  other.elector.renewNow();
  await settled();
  assert.equal(store.current()!.spec!.renewTime, renewTime);
  node.elector.renewNow();
  await settled();
  assert.notEqual(store.current()!.spec!.renewTime, renewTime);
  assert.equal(node.elector.lastRenewalMs, clock.nowMs());
  await Promise.all([stopped(node, clock), stopped(other, clock)]);
});

Deno.test("observe() of a Lease that the watch shows no more asks the server what became of it", async () => {
  const { clock, store, node } = await held();
  const before = store.current();
  node.elector.observe(undefined);
  await settled();
  assert.deepEqual(node.api.calls, ["get"]);
  assert.ok(node.elector.mayHold(), "its label was taken away, no more");
  assert.deepEqual(store.current(), before);
  store.delete();
  await settled();
  assert.ok(node.elector.mayHold(), "its right lasts");
  assert.equal(readLease(store.current()!).holder, "node-a", "made anew, and taken");
  await stopped(node, clock);
});
