import assert from "node:assert/strict";
import fc from "fast-check";
import type { Election, Failure, Preferences } from "../../lib/election/election.ts";
import { readLease } from "../../lib/election/lease_record.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { LeaseStore, refused } from "../doubles/fake_lease_api.ts";
import { holder, next, standby, stored, written } from "./machine.ts";
import { TestNode } from "./node.ts";
import { lease, newElection, OTHER, OWN, RIGHT_MS, SETTINGS, WAIT_MS } from "./parts.ts";

// Standing back.

const BACK = { preferences: { standBackMs: 4000 } };

Deno.test("standBackMs lets a more preferred node take a free Lease first", () => {
  const released = lease({ term: 5, releasedTerm: "5" });
  assert.equal(next(standby(released, 1000, BACK), 1000), "wait 5000");
  assert.equal(next(standby(released, 1000, BACK), 5000), "acquire");
  const expiring = standby(lease(OTHER), 1000, { ...BACK, jitterMs: 100 });
  assert.equal(next(expiring, 1000), `wait ${1000 + WAIT_MS + 50 + 4000}`);
});

Deno.test("standBackMs keeps no node from its own Lease, nor the holder from a deleted one", () => {
  const restarted = newElection(BACK);
  restarted.seen(lease(OWN), "server", 0);
  assert.equal(next(restarted, 0), "acquire");
  const holding = holder(0, BACK);
  holding.seen(undefined, "watch", 1000);
  assert.equal(next(holding, 1000), "create");
  holding.seen(lease({ uid: "uid-2", version: "20" }), "watch", 1010);
  assert.equal(next(holding, 1010), "acquire");
});

Deno.test("run() prefers nodes by how long they stand back, and takes the least in need", async () => {
  const clock = new FakeClock();
  const store = new LeaseStore();
  store.create(lease({ releasedTerm: "5" }));
  const node = (identity: string, standBackMs: number) =>
    new TestNode(store, clock, {
      settings: { identity, incarnation: identity, preferences: { standBackMs } },
    }).start();
  const last = node("node-a", 2000);
  const first = node("node-b", 0);
  await settled();
  assert.ok(first.elector.mayHold());
  await first.stop();
  await clock.advance(1999);
  assert.ok(!last.elector.mayHold());
  await clock.advance(1);
  assert.ok(last.elector.mayHold());
  const done = last.stop();
  await clock.advance(1000);
  await done;
});

// Holding on while the API server is away.

const HOLD_ON: { preferences: Preferences } = { preferences: { holdOnApiLoss: true } };
const AWAY: Failure = { unreachable: true, read: false };

Deno.test("holdOnApiLoss extends the right with every request that nobody answers", () => {
  const election = holder(0, HOLD_ON);
  for (let nowMs = 3000; nowMs < 100 * WAIT_MS; nowMs += 2200) {
    election.failed(nowMs, { ...AWAY, read: nowMs > 3000 });
    assert.equal(election.holdUntilMs, nowMs + RIGHT_MS);
    assert.ok(election.mayHold(nowMs + RIGHT_MS - 1) && !election.mayHold(nowMs + RIGHT_MS));
  }
});

Deno.test("holdOnApiLoss extends nothing where it is not set", () => {
  for (const settings of [{}, { preferences: { holdOnApiLoss: false } }]) {
    const election = holder(0, settings);
    election.failed(3000, AWAY);
    assert.equal(election.holdUntilMs, RIGHT_MS);
  }
});

Deno.test("holdOnApiLoss extends nothing when the server answers, whatever it says", () => {
  const election = holder(0, HOLD_ON);
  election.failed(3000, { unreachable: false, read: false });
  election.failed(5000, { unreachable: false, read: true, retryAfterMs: 1000 });
  assert.equal(election.holdUntilMs, RIGHT_MS);
  assert.match(next(election, RIGHT_MS), /^withdraw/);
});

Deno.test("holdOnApiLoss gives no right back that has lapsed, also where nobody noticed yet", () => {
  const election = holder(0, HOLD_ON);
  election.failed(RIGHT_MS, AWAY);
  assert.ok(!election.mayHold(RIGHT_MS));
  assert.equal(next(election, RIGHT_MS), "withdraw: the Lease could not be renewed in time");
  election.withdrawn();
  election.failed(RIGHT_MS + 10, AWAY);
  assert.ok(!election.mayHold(RIGHT_MS + 10));
  assert.equal(election.holdUntilMs, -Infinity);
});

Deno.test("holdOnApiLoss gives no right to who had none", () => {
  const leftover = newElection(HOLD_ON);
  leftover.failed(0, AWAY);
  const own = newElection(HOLD_ON);
  own.seen(lease(OWN), "server", 0);
  own.failed(0, AWAY);
  const waiting = standby(lease(OTHER), 0, HOLD_ON);
  waiting.failed(WAIT_MS, AWAY);
  const stuck = holder(0, HOLD_ON);
  stuck.resign();
  stuck.withdrawalFailed(100);
  stuck.failed(200, AWAY);
  for (const election of [leftover, own, waiting, stuck]) {
    assert.ok(!election.mayHold(WAIT_MS + 1) && !election.mayHold(201));
  }
});

Deno.test("holdOnApiLoss ends with a sight of another holder", () => {
  const election = holder(0, HOLD_ON);
  election.failed(RIGHT_MS - 1, AWAY);
  election.seen(lease({ ...OTHER, term: 6, version: "20" }), "watch", WAIT_MS);
  assert.equal(next(election, WAIT_MS), "withdraw: the Lease is held by node-b");
});

Deno.test("contest() ends a right, and no failure prolongs it", () => {
  const election = holder(0, HOLD_ON);
  election.failed(RIGHT_MS - 1, AWAY);
  election.contest("192.0.2.1 is claimed by 02:00:00:00:00:01");
  election.failed(RIGHT_MS, AWAY);
  const withdraw = "withdraw: 192.0.2.1 is claimed by 02:00:00:00:00:01";
  assert.equal(next(election, RIGHT_MS), withdraw);
  election.withdrawn();
  for (let nowMs = RIGHT_MS; nowMs < 10 * WAIT_MS; nowMs += 1000) {
    election.failed(nowMs, AWAY);
    assert.ok(!election.mayHold(nowMs));
    assert.match(next(election, nowMs), /^wait/);
  }
});

Deno.test("contest() lasts until the server answers, not until the watch shows something", () => {
  const election = holder(0, HOLD_ON);
  election.contest("contested");
  election.withdrawalFailed(100);
  election.seen(lease({ ...OWN, renewTime: "later", version: "20" }), "watch", 200);
  assert.match(next(election, 300), /^withdraw/);
  election.withdrawn();
  assert.equal(next(election, 300), "read");
  election.seen(lease({ ...OWN, renewTime: "later", version: "20" }), "server", 310);
  const { purpose, lease: sent } = written(election, 310);
  election.succeeded(purpose, stored(sent, "21"), 310, 320);
  assert.ok(election.mayHold(320));
  assert.equal(next(election, 320), `wait ${310 + SETTINGS.renewIntervalMs}`);
});

Deno.test("contest() loses the Lease to who has it by the server's word", () => {
  const election = holder(0);
  election.contest("contested");
  election.withdrawn();
  election.seen(lease({ ...OTHER, term: 6, version: "20" }), "server", 100);
  assert.equal(next(election, 100), `wait ${100 + WAIT_MS}`);
});

Deno.test("contestUnproven() leaves a right alone that the Lease proves, and ends one beyond", () => {
  const election = holder(0, HOLD_ON);
  election.failed(RIGHT_MS - 1000, AWAY);
  election.contestUnproven("contested", RIGHT_MS - 1);
  assert.equal(next(election, RIGHT_MS - 1), "read");
  election.contestUnproven("contested", RIGHT_MS);
  assert.equal(next(election, RIGHT_MS), "withdraw: contested");
});

Deno.test("contestUnproven() counts from the last renewal that succeeded", () => {
  const election = holder(0, HOLD_ON);
  election.failed(RIGHT_MS - 1000, AWAY);
  election.seen(lease({ ...OWN, version: "11" }), "server", RIGHT_MS);
  const { purpose, lease: sent } = written(election, RIGHT_MS);
  election.succeeded(purpose, stored(sent, "12"), RIGHT_MS, RIGHT_MS + 5);
  election.contestUnproven("contested", 2 * RIGHT_MS - 1);
  assert.match(next(election, RIGHT_MS + 10), /^wait/);
});

Deno.test("holdOnApiLoss never turns a right on again, whatever fails and in which order", () => {
  type Step = { ms: number; what: "away" | "answer" | "contest" | "ask" };
  const steps = fc.array(
    fc.record({
      ms: fc.integer({ min: 0, max: 11_000 }),
      what: fc.constantFrom<Step["what"]>("away", "away", "away", "answer", "contest", "ask"),
    }),
    { maxLength: 30 },
  );
  const act = (election: Election, what: Step["what"], nowMs: number) => {
    if (what === "away") election.failed(nowMs, AWAY);
    if (what === "answer") election.failed(nowMs, { unreachable: false, read: false });
    if (what === "contest") election.contest("contested");
    if (election.next(nowMs).kind === "withdraw") election.withdrawn();
  };
  fc.assert(fc.property(steps, (played) => {
    const election = holder(0, HOLD_ON);
    let [nowMs, over, untilMs] = [0, false, RIGHT_MS];
    for (const { ms, what } of played) {
      nowMs += ms;
      over ||= nowMs >= untilMs;
      act(election, what, nowMs);
      over ||= what === "contest";
      if (what === "away" && !over) untilMs = nowMs + RIGHT_MS;
      assert.equal(election.mayHold(nowMs), !over);
    }
  }));
});

/** A node that holds, with this preference, and whose API server fails from now on. */
async function cutOff(error: ReturnType<typeof refused> | undefined) {
  const clock = new FakeClock();
  const store = new LeaseStore();
  store.create(lease({ releasedTerm: "5" }));
  const node = new TestNode(store, clock, { settings: HOLD_ON }).start();
  await settled();
  node.api.fate = () => error === undefined ? { lost: "request" } : { error };
  node.log.length = 0;
  const end = async () => {
    const done = node.stop();
    await clock.advance(12_000);
    await done;
  };
  return { clock, store, node, end };
}

Deno.test("run() holds on for as long as nobody answers, and goes on when somebody does", async () => {
  for (const error of [refused(0, "Unreachable"), undefined]) {
    const { clock, store, node, end } = await cutOff(error);
    await clock.advance(50 * WAIT_MS);
    assert.ok(node.elector.mayHold() && node.holds);
    assert.ok(node.untilMs > clock.nowMs(), "the addresses' own fence moves with it");
    assert.ok(!node.names().includes("renewed"));
    node.api.fate = () => ({});
    await clock.advance(3000);
    assert.ok(node.names().includes("renewed") && !node.names().includes("withdrawn"));
    assert.equal(readLease(store.current()!).term, 6);
    await end();
  }
});

Deno.test("run() does not hold on against an answer of the server", async () => {
  const answers = [
    refused(500, "InternalError"),
    refused(503, "ServiceUnavailable"),
    refused(403, "Forbidden"),
    refused(429, "TooManyRequests", 1000),
    refused(0, "Malformed"),
  ];
  for (const error of answers) {
    const { clock, node, end } = await cutOff(error);
    await clock.advance(RIGHT_MS - 1);
    assert.ok(node.elector.mayHold());
    await clock.advance(1);
    assert.ok(!node.elector.mayHold() && !node.holds, error.message);
    await end();
  }
});

Deno.test("run() does not hold on beyond a stop of the whole process", async () => {
  const { clock, node, end } = await cutOff(refused(0, "Unreachable"));
  await clock.advance(WAIT_MS);
  clock.stall(RIGHT_MS);
  assert.ok(!node.elector.mayHold());
  await clock.advance(1000);
  assert.ok(!node.elector.mayHold() && !node.holds);
  await end();
});

Deno.test("contest() withdraws before it returns, and leaves no right to a request under way", async () => {
  const { clock, node, end } = await cutOff(undefined);
  await clock.advance(WAIT_MS);
  node.elector.contest("contested");
  assert.ok(!node.holds && !node.elector.mayHold());
  await clock.advance(WAIT_MS);
  assert.ok(!node.holds && !node.elector.mayHold());
  await end();
});

Deno.test("run() leaves two holding where only one was cut off: what the preference trades", async () => {
  const { clock, store, node, end } = await cutOff(undefined);
  node.watchDelayMs = () => Infinity;
  const b = { identity: "node-b", incarnation: "boot-2" };
  const other = new TestNode(store, clock, { settings: b }).start();
  await clock.advance(WAIT_MS);
  assert.ok(node.elector.mayHold() && other.elector.mayHold());
  node.elector.contestUnproven("claimed by node-b");
  assert.ok(!node.elector.mayHold() && other.elector.mayHold());
  node.api.fate = () => ({});
  await clock.advance(SETTINGS.leaseDurationMs);
  assert.ok(!node.elector.mayHold() && other.elector.mayHold());
  const done = other.stop();
  await end();
  await done;
});

// Stepping back for a while.

Deno.test("stand() is ignored while the node stops", async () => {
  const { clock, store, node } = await cutOff(undefined);
  node.api.fate = (call) => call === "replace" ? { toServerMs: 500, toClientMs: 500 } : {};
  const done = node.stop();
  node.elector.stand();
  await clock.advance(500);
  node.elector.stand();
  await clock.advance(1000);
  await done;
  assert.ok(!node.elector.mayHold());
  assert.equal(readLease(store.current()!).releasedTerm, 6);
});

Deno.test("resign() hands over for a while, and stand() waits for its turn", async () => {
  const { clock, store, node, end } = await cutOff(undefined);
  node.api.fate = () => ({});
  const b = { identity: "node-b", incarnation: "boot-2" };
  const other = new TestNode(store, clock, { settings: b }).start();
  await settled();
  node.elector.resign("the link is down");
  assert.ok(!node.holds, "withdrawn before it returns");
  await settled();
  assert.ok(other.elector.mayHold());
  node.elector.stand();
  await clock.advance(3 * WAIT_MS);
  assert.ok(other.elector.mayHold() && !node.elector.mayHold());
  const done = other.stop();
  await settled();
  assert.ok(node.elector.mayHold());
  await done;
  await end();
});

Deno.test("stand() right after resign() takes the Lease again, by a new right", async () => {
  const { clock, node, end } = await cutOff(undefined);
  node.api.fate = () => ({});
  await clock.advance(1000);
  node.elector.resign("the link is down");
  node.elector.stand();
  assert.ok(!node.elector.mayHold());
  await clock.advance(1);
  assert.ok(node.elector.mayHold());
  await end();
});

// A witness.

const DEAD_UNTIL_MS = 100;

Deno.test("declareDead() lets that term be replaced at once", () => {
  const election = standby(lease(OTHER), 0, BACK);
  election.declareDead(5, DEAD_UNTIL_MS);
  const { purpose, lease: sent } = written(election, 0);
  assert.equal(purpose, "acquire");
  assert.equal(sent.spec?.leaseTransitions, 6);
});

Deno.test("declareDead() is about one term", () => {
  for (const term of [4, 6, 0]) {
    const election = standby(lease(OTHER), 0);
    election.declareDead(term, DEAD_UNTIL_MS);
    assert.equal(next(election, 0), `wait ${WAIT_MS}`, String(term));
  }
  const election = standby(undefined, 0);
  election.declareDead(0, DEAD_UNTIL_MS);
  election.seen(lease({ ...OTHER, term: 0 }), "watch", 10);
  assert.equal(next(election, 10), `wait ${10 + WAIT_MS}`);
});

Deno.test("declareDead() is forgotten when the holder writes again", () => {
  const election = standby(lease(OTHER), 0);
  election.declareDead(5, DEAD_UNTIL_MS);
  election.seen(lease({ ...OTHER, renewTime: "later", version: "11" }), "watch", 1000);
  assert.equal(next(election, 1000), `wait ${1000 + WAIT_MS}`);
});

Deno.test("declareDead() is no longer so when it lapsed, or the holder lives", () => {
  const election = standby(lease(OTHER), 0);
  election.declareDead(5, DEAD_UNTIL_MS);
  election.declareAlive(4);
  assert.equal(next(election, DEAD_UNTIL_MS - 1), "acquire");
  assert.equal(next(election, DEAD_UNTIL_MS), `wait ${WAIT_MS}`);
  election.declareDead(5, 2 * DEAD_UNTIL_MS);
  assert.equal(next(election, DEAD_UNTIL_MS), "acquire");
  // A request that was to take its Lease failed, and the holder was heard of before the next one.
  election.failed(DEAD_UNTIL_MS);
  election.declareAlive(5);
  election.seen(lease(OTHER), "server", DEAD_UNTIL_MS + 1);
  assert.match(next(election, 2 * DEAD_UNTIL_MS - 1), /^wait/);
});

Deno.test("declareDead() stays through a label and a lost race that changed no record", () => {
  const election = standby(lease(OTHER), 0);
  election.declareDead(5, DEAD_UNTIL_MS);
  election.conflicted(10);
  election.seen(lease({ ...OTHER, version: "11" }), "server", 20);
  assert.equal(next(election, 20), "acquire");
});

Deno.test("term stays what it was when the Lease is deleted: the holder's beacons say it", () => {
  const election = holder(0);
  assert.equal(election.term, 5);
  election.seen(undefined, "watch", 10);
  assert.ok(election.mayHold(10));
  assert.equal(election.term, 5);
});

Deno.test("declareDead() of its own term does a holder nothing", () => {
  const election = holder(0);
  election.declareDead(5, DEAD_UNTIL_MS);
  assert.ok(election.mayHold(100));
  assert.equal(next(election, 100), "wait 3000");
});
