import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ACCEPTED_ANNOTATION,
  HANDOVER_ANNOTATION,
  readLease,
} from "../../lib/election/lease_record.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { LeaseStore, refused } from "../doubles/fake_lease_api.ts";
import { holder, next, standby, stored, written } from "./machine.ts";
import { TestNode } from "./node.ts";
import { lease, newElection, OTHER, OWN, RIGHT_MS, SETTINGS, WAIT_MS } from "./parts.ts";

const GRACE_MS = 1000;
const TWICE_MS = 2 * SETTINGS.leaseDurationMs;
/** Asked for by a hand, and answered. */
const TO_A = { handoverTo: "node-a" };
const TO_B = { handoverTo: "node-b" };
const TO_C = { handoverTo: "node-c" };
const B_ACCEPTED = { ...TO_B, acceptedBy: "node-b" };
const A_ACCEPTED = { ...TO_A, acceptedBy: "node-a" };

Deno.test("next() accepts a handover to this node, once, and goes on waiting", () => {
  const election = standby(lease(OTHER), 0);
  election.seen(lease({ ...OTHER, ...TO_A, version: "11" }), "watch", 1000);
  const { purpose, lease: sent } = written(election, 1000);
  assert.equal(purpose, "accept");
  assert.equal(sent.metadata?.resourceVersion, "11", "a compare-and-swap");
  election.succeeded(purpose, stored(sent, "12"), 1000, 1010);
  assert.ok(!election.mayHold(1010), "no right comes of it");
  assert.equal(next(election, 1010), `wait ${WAIT_MS}`, "nor a sign of life of the holder");
});

Deno.test("next() looks again when its acceptance lost against a renewal, and accepts anew", () => {
  const election = standby(lease({ ...OTHER, ...TO_A }), 0);
  assert.equal(next(election, 0), "accept");
  election.conflicted(10);
  assert.equal(next(election, 10), "read");
  const renewed = { ...OTHER, ...TO_A, renewTime: "later", version: "11" };
  election.seen(lease(renewed), "server", 20);
  const again = written(election, 20);
  assert.equal(again.purpose, "accept");
  assert.equal(again.lease.spec?.renewTime, "later");
});

Deno.test("next() does not accept what another node is asked for, or nobody holds", () => {
  for (const seen of [{ ...OTHER, ...TO_C }, TO_A]) {
    assert.equal(next(standby(lease(seen), 0), 0), `wait ${WAIT_MS}`);
  }
});

Deno.test("next() does not accept while it does not stand", () => {
  const election = standby(lease({ ...OTHER, ...TO_A }), 0);
  election.resign("the link is down");
  assert.equal(next(election, 0), "wait Infinity");
  election.stand(1000);
  assert.equal(next(election, 1000), "accept");
});

Deno.test("next() does not accept a Lease for other Services", () => {
  const red = { ...OTHER, scope: "class red", ...TO_A };
  assert.equal(next(standby(lease(red), 0), 0), `wait ${WAIT_MS}`);
});

Deno.test("next() hands nothing over before the named node accepted", () => {
  const asked = { ...OWN, ...TO_B };
  for (const acceptedBy of [undefined, "", "node-a", "node-c"]) {
    const election = holder(0);
    election.seen(lease({ ...asked, acceptedBy, version: "20" }), "watch", 1000);
    assert.equal(next(election, 1000), "wait 3000", acceptedBy);
    assert.equal(election.successor, undefined);
    const { purpose, lease: sent } = written(election, 3000);
    assert.equal(purpose, "renew");
    assert.equal(readLease(sent).handoverTo, "node-b", "the question stays");
  }
});

Deno.test("next() withdraws and releases for the node that accepted", () => {
  const election = holder(0);
  election.seen(lease({ ...OWN, ...B_ACCEPTED, version: "20" }), "watch", 1000);
  assert.equal(election.successor, "node-b");
  assert.equal(next(election, 1000), "withdraw: handed over to node-b");
  election.withdrawalFailed(1000);
  assert.equal(next(election, 1000), "wait 1200", "released only when withdrawn");
  election.withdrawn();
  const { purpose, lease: sent } = written(election, 1200);
  assert.equal(purpose, "release");
  assert.deepEqual(
    [readLease(sent).handoverAccepted, readLease(sent).handoverTo, readLease(sent).releasedTerm],
    [true, "node-b", 5],
  );
  election.succeeded(purpose, stored(sent, "21"), 1200, 1210);
  assert.equal(next(election, 1210), `wait ${1210 + GRACE_MS}`);
  assert.equal(next(election, 1210 + GRACE_MS), "acquire", "the successor did not come");
});

Deno.test("next() sees the acceptance when it crossed a renewal", () => {
  const election = holder(0);
  assert.equal(next(election, 3000), "renew");
  election.conflicted(3010);
  assert.ok(election.mayHold(3010), "no loss: the Lease is still its own");
  assert.equal(next(election, 3010), "read");
  election.seen(lease({ ...OWN, ...B_ACCEPTED, version: "20" }), "server", 3020);
  assert.equal(next(election, 3020), "withdraw: handed over to node-b");
});

Deno.test("next() ignores a handover to the holder itself, and strikes it out", () => {
  for (const asked of [TO_A, A_ACCEPTED]) {
    const election = holder(0);
    election.seen(lease({ ...OWN, ...asked, version: "20" }), "watch", 1000);
    assert.equal(election.successor, undefined);
    assert.equal(next(election, 1000), "wait 3000");
    const { purpose, lease: sent } = written(election, 3000);
    assert.equal(purpose, "renew");
    const { annotations = {} } = sent.metadata ?? {};
    assert.ok(!(HANDOVER_ANNOTATION in annotations) && !(ACCEPTED_ANNOTATION in annotations));
  }
});

Deno.test("next() hands over to the node that was named last", () => {
  const election = holder(0);
  election.seen(lease({ ...OWN, ...TO_C, acceptedBy: "node-b", version: "20" }), "watch", 1000);
  assert.equal(next(election, 1000), "wait 3000", "node-c did not answer yet");
  election.seen(lease({ ...OWN, ...TO_C, acceptedBy: "node-c", version: "21" }), "watch", 1100);
  assert.equal(next(election, 1100), "withdraw: handed over to node-c");
});

Deno.test("next() takes its Lease again when the handover is called off before the release", () => {
  const election = holder(0);
  election.seen(lease({ ...OWN, ...B_ACCEPTED, version: "20" }), "watch", 1000);
  assert.match(next(election, 1000), /^withdraw/);
  election.withdrawn();
  election.seen(lease({ ...OWN, version: "21" }), "watch", 1005);
  assert.ok(!election.mayHold(1005));
  assert.equal(next(election, 1005), "acquire");
});

Deno.test("next() takes at once what was handed over to it, and leaves the others a second", () => {
  const released = lease({ term: 5, releasedTerm: "5", ...A_ACCEPTED });
  const named = standby(released, 0, { preferences: { standBackMs: 4000 } });
  assert.equal(next(named, 0), "acquire", "however little preferred");
  const other = standby(released, 0, { identity: "node-c" });
  assert.equal(next(other, 0), `wait ${GRACE_MS}`);
  assert.equal(next(other, GRACE_MS), "acquire");
});

Deno.test("next() lets anybody take a release that nobody accepted", () => {
  const released = lease({ term: 5, releasedTerm: "5", ...TO_B });
  assert.equal(next(standby(released, 0), 0), "acquire");
});

Deno.test("next() waits for the holder that died after an acceptance, as for any", () => {
  const accepted = { ...OTHER, ...A_ACCEPTED };
  const election = standby(lease(accepted), 0);
  assert.equal(next(election, 0), `wait ${WAIT_MS}`);
  const { annotations = {} } = written(election, WAIT_MS).lease.metadata ?? {};
  assert.ok(!(HANDOVER_ANNOTATION in annotations) && !(ACCEPTED_ANNOTATION in annotations));
});

Deno.test("next() hands over what an earlier run was asked for", () => {
  const election = newElection();
  election.seen(lease({ ...OWN, ...B_ACCEPTED }), "server", 0);
  assert.equal(next(election, 0), "withdraw: left by an earlier run");
  election.withdrawn();
  assert.equal(next(election, 0), "release");
});

const FAILBACK = { preferences: { priority: 80, failback: true } };

Deno.test("failback asks a holder of lower priority after two durations", () => {
  const election = standby(lease({ ...OTHER, priority: "50" }), 1000, FAILBACK);
  let nowMs = 1000;
  for (; nowMs < 1000 + TWICE_MS; nowMs += 3000) {
    const renewed = { ...OTHER, priority: "50", renewTime: `${nowMs}`, version: `${nowMs}` };
    election.seen(lease(renewed), "watch", nowMs);
    assert.match(next(election, nowMs), /^wait/);
    assert.match(next(election, Math.min(nowMs + 2999, 999 + TWICE_MS)), /^wait/);
  }
  const { purpose, lease: sent } = written(election, 1000 + TWICE_MS);
  assert.equal(purpose, "accept");
  assert.ok(readLease(sent).handoverAccepted);
  assert.equal(readLease(sent).handoverTo, "node-a");
});

/** Alive, and of this priority, for so long that a node with failback would have asked. */
function asksFor(seen: Parameters<typeof lease>[0], settings = FAILBACK): boolean {
  const election = standby(lease({ ...OTHER, ...seen }), 0, settings);
  const renewed = { ...OTHER, ...seen, renewTime: "later", version: "99" };
  election.seen(lease(renewed), "watch", TWICE_MS);
  return next(election, TWICE_MS) === "accept";
}

Deno.test("failback asks only a holder that is known to be of lower priority", () => {
  assert.ok(asksFor({ priority: "79" }));
  assert.ok(!asksFor({ priority: "80" }));
  assert.ok(!asksFor({ priority: "81" }));
  assert.ok(!asksFor({}), "of another version perhaps");
  assert.ok(!asksFor({ priority: "50" }, { preferences: { priority: 80, failback: false } }));
  assert.ok(!asksFor({ priority: "50", scope: "class red" }), "for other Services");
});

Deno.test("failback stands back behind what a hand or another node asked for", () => {
  assert.ok(!asksFor({ priority: "50", ...TO_C }));
  assert.ok(!asksFor({ priority: "50", ...TO_C, acceptedBy: "node-c" }));
});

Deno.test("failback counts anew after this node stood back, and after each change of holder", () => {
  const election = standby(lease({ ...OTHER, priority: "50" }), 0, FAILBACK);
  const renew = (nowMs: number, term = 5) => {
    const sketch = { ...OTHER, term, priority: "50", renewTime: `${nowMs}`, version: `${nowMs}` };
    election.seen(lease(sketch), "watch", nowMs);
    return next(election, nowMs);
  };
  election.resign("the link is down");
  election.stand(15_000);
  assert.match(renew(TWICE_MS), /^wait/);
  assert.equal(renew(15_000 + TWICE_MS - 1), `wait ${15_000 + TWICE_MS}`);
  assert.match(renew(15_000 + TWICE_MS - 1, 6), /^wait/);
  assert.match(renew(15_000 + TWICE_MS, 6), /^wait/);
  const termSinceMs = 15_000 + TWICE_MS - 1;
  assert.equal(renew(termSinceMs + TWICE_MS, 6), "accept");
});

// Nodes on one Lease.

async function nodes(...identities: string[]) {
  const clock = new FakeClock();
  const store = new LeaseStore();
  store.create(lease({ releasedTerm: "5" }));
  const made: TestNode[] = [];
  for (const identity of identities) {
    const settings = { identity, incarnation: `boot of ${identity}` };
    made.push(new TestNode(store, clock, { settings }).start());
    await settled();
  }
  assert.ok(made[0]!.elector.mayHold());
  const ask = (to: string) =>
    store.edit(({ metadata }) => metadata!.annotations![HANDOVER_ANNOTATION] = to);
  const end = async () => {
    const ends = Promise.all(made.map((node) => node.stop()));
    await clock.advance(20_000);
    await ends;
  };
  return { clock, store, nodes: made, ask, end };
}

const holders = (made: TestNode[]) => made.map(({ elector }) => elector.mayHold());

Deno.test("run() hands over to the named node within the instant, and leaves no trace", async () => {
  const { store, nodes: made, ask, end } = await nodes("node-a", "node-b", "node-c");
  ask("node-c");
  await settled();
  assert.deepEqual(holders(made), [false, false, true]);
  assert.ok(!made[0]!.holds);
  const { annotations = {} } = store.current()!.metadata!;
  assert.ok(!(HANDOVER_ANNOTATION in annotations) && !(ACCEPTED_ANNOTATION in annotations));
  await end();
});

Deno.test("run() makes no gap when a dead or unknown node is named", async () => {
  const { clock, nodes: made, ask, end } = await nodes("node-a", "node-b", "node-c");
  const dead = made.pop()!;
  await dead.stop();
  for (const name of ["node-c", "node-x", "node-a", ""]) {
    ask(name);
    for (let ms = 0; ms < 3 * WAIT_MS; ms += 50) {
      await clock.advance(50);
      assert.deepEqual(holders(made), [true, false], name);
    }
  }
  assert.ok(!made[0]!.names().includes("withdrawn") || made[0]!.names()[0] === "withdrawn");
  await end();
});

Deno.test("run() makes a gap of a second where the node dies between its word and its act", async () => {
  const { clock, nodes: made, ask, end } = await nodes("node-a", "node-b");
  const b = made[1]!;
  // Its acceptance arrives, and nothing after that.
  let accepted = false;
  b.api.fate = () => {
    if (accepted) return { lost: "request" };
    accepted = true;
    return {};
  };
  ask("node-b");
  await clock.advance(GRACE_MS - 1);
  assert.deepEqual(holders(made), [false, false]);
  await clock.advance(1);
  assert.deepEqual(holders(made), [true, false]);
  await end();
});

Deno.test("run() hands over once where a second node is named meanwhile", async () => {
  const { clock, nodes: made, ask, end } = await nodes("node-a", "node-b", "node-c");
  for (const node of made) node.api.fate = () => ({ toServerMs: 20, toClientMs: 20 });
  ask("node-b");
  await clock.advance(10);
  ask("node-c");
  await clock.advance(5000);
  assert.deepEqual(holders(made), [false, false, true]);
  assert.ok(!made[1]!.names().includes("elected"));
  await end();
});

Deno.test("run() finishes a handover although a renewal is under way", async () => {
  const { clock, nodes: made, ask, end } = await nodes("node-a", "node-b");
  const [a] = made as [TestNode];
  a.api.fate = () => ({ toServerMs: 100, toClientMs: 100 });
  await clock.advance(SETTINGS.renewIntervalMs + 50);
  ask("node-b");
  await settled();
  await clock.advance(1000);
  assert.deepEqual(holders(made), [false, true]);
  await end();
});

Deno.test("run() hands over when the holder sees the question only by its own renewal", async () => {
  const { clock, nodes: made, ask, end } = await nodes("node-a", "node-b");
  made[0]!.watchDelayMs = () => Infinity;
  ask("node-b");
  await clock.advance(SETTINGS.renewIntervalMs - 1);
  assert.deepEqual(holders(made), [true, false], "no gap while the holder does not know");
  await clock.advance(1);
  assert.deepEqual(holders(made), [false, true]);
  await end();
});

Deno.test("run() keeps the addresses away from two nodes when the release does not arrive", async () => {
  const { clock, nodes: made, ask, end } = await nodes("node-a", "node-b");
  made[0]!.api.fate = () => ({ error: refused(0, "Unreachable") });
  ask("node-b");
  await clock.advance(WAIT_MS - 1);
  assert.deepEqual(holders(made), [false, false]);
  await clock.advance(1);
  assert.deepEqual(holders(made), [false, true], "by its expiry");
  await end();
});

Deno.test("run() brings a preferred node back after two durations, without a gap", async () => {
  const clock = new FakeClock();
  const store = new LeaseStore();
  store.create(lease({ releasedTerm: "5" }));
  const node = (identity: string, priority: number) =>
    new TestNode(store, clock, {
      settings: { identity, incarnation: identity, preferences: { priority, failback: true } },
    }).start();
  const low = node("node-a", 50);
  await settled();
  assert.ok(low.elector.mayHold());
  assert.equal(readLease(store.current() as Lease).priority, 50);
  const high = node("node-b", 80);
  for (let ms = 0; ms < TWICE_MS; ms += 100) {
    assert.deepEqual(holders([low, high]), [true, false]);
    await clock.advance(100);
  }
  assert.deepEqual(holders([low, high]), [false, true]);
  await clock.advance(5 * TWICE_MS);
  assert.deepEqual(holders([low, high]), [false, true], "and it stays there");
  const ends = Promise.all([low.stop(), high.stop()]);
  await clock.advance(20_000);
  await ends;
});

Deno.test("run() survives any questions in any order: one holder, and one again at the end", async () => {
  const name = fc.constantFrom("node-a", "node-b", "node-c", "node-x", "");
  const questions = fc.array(
    fc.record({ to: name, by: fc.option(name), ms: fc.integer({ min: 0, max: 2000 }) }),
    { minLength: 1, maxLength: 10 },
  );
  const property = fc.asyncProperty(questions, async (asked) => {
    const { clock, store, nodes: made, end } = await nodes("node-a", "node-b", "node-c");
    for (const node of made) node.api.fate = () => ({ toServerMs: 7, toClientMs: 9 });
    for (const { to, by, ms } of asked) {
      store.edit(({ metadata }) => {
        metadata!.annotations![HANDOVER_ANNOTATION] = to;
        if (by !== null) metadata!.annotations![ACCEPTED_ANNOTATION] = by;
      });
      for (let left = ms; left >= 0; left -= 20) {
        await clock.advance(Math.min(left, 20));
        assert.ok(made.filter(({ holds }) => holds).length <= 1);
      }
    }
    await clock.advance(GRACE_MS + 500);
    assert.equal(holders(made).filter((may) => may).length, 1);
    await end();
  });
  await fc.assert(property, { numRuns: 60 });
});

Deno.test("successor is nobody for who does not hold the Lease", () => {
  assert.equal(standby(lease({ ...OTHER, ...B_ACCEPTED }), 0).successor, undefined);
  assert.equal(newElection().successor, undefined);
  assert.equal(holder(RIGHT_MS).successor, undefined);
});
