import assert from "node:assert/strict";
import type { Election } from "../../lib/election/election.ts";
import { HANDED_OVER_ANNOTATION, readLease } from "../../lib/election/lease_record.ts";
import type { Heir } from "../../lib/election/lease_writer.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { LeaseStore } from "../doubles/fake_lease_api.ts";
import { holder, next, standby, stored, written } from "./machine.ts";
import { TestNode } from "./node.ts";
import { lease, OTHER, OWN, RIGHT_MS, WAIT_MS } from "./parts.ts";

const CALL_MS = 100;
const CHOICE_MS = 30;
const OFFER_MS = 250;
const HEIR: Heir = { node: "node-b", incarnation: "boot-2", priority: 100, token: "token-b" };
const LEAVING = { node: "node-b", id: "call-1", version: "10" };

/** Resigned at 1000, and asked who takes over. */
function leaving(): Election {
  const election = holder(0);
  election.resign();
  assert.equal(election.callable(1000), "11");
  election.called(1000);
  return election;
}

/** Stands by, and offered itself at 1000 by "token-a". */
function offering(settings: Parameters<typeof standby>[2] = {}): Election {
  const election = standby(lease(OTHER), 0, settings);
  assert.equal(election.offer(LEAVING, () => "token-a", 1000), "token-a");
  return election;
}

/** The Lease as node-b hands it over. */
function handedOver(token = "token-a", more: Parameters<typeof lease>[0] = {}): Lease {
  const given = lease({ ...OWN, term: 6, version: "11", renewTime: "handed over", ...more });
  return {
    ...given,
    metadata: {
      ...given.metadata,
      annotations: { ...given.metadata!.annotations, [HANDED_OVER_ANNOTATION]: token },
    },
  };
}

Deno.test("callable() names the Lease's version, only to a holder that resigned", () => {
  const election = holder(0);
  assert.equal(election.callable(1000), undefined, "it stays");
  election.resign();
  assert.equal(election.callable(1000), "11");
  assert.equal(election.callable(RIGHT_MS), undefined, "its right ended");
  election.called(1000);
  assert.equal(election.callable(1000), undefined, "once");
  const contested = holder(0);
  contested.resign();
  contested.contest("somebody");
  assert.equal(contested.callable(1000), undefined);
  const other = standby(lease(OTHER), 0);
  other.resign();
  assert.equal(other.callable(1000), undefined);
});

Deno.test("next() keeps what it holds while it waits for an offer, and no longer", () => {
  const election = leaving();
  assert.equal(next(election, 1000), `wait ${1000 + CALL_MS}`);
  assert.ok(election.mayHold(1000 + CALL_MS - 1));
  assert.equal(next(election, 1000 + CALL_MS), "withdraw: stopping");
  election.withdrawn();
  assert.equal(next(election, 1000 + CALL_MS), "release", "nobody came");
});

Deno.test("next() waits for no offer beyond its right", () => {
  const election = holder(0);
  election.resign();
  election.called(RIGHT_MS - 50);
  assert.equal(next(election, RIGHT_MS - 50), `wait ${RIGHT_MS}`);
  assert.equal(next(election, RIGHT_MS), "withdraw: the Lease could not be renewed in time");
});

Deno.test("next() withdraws at the first offer of the best priority, then names that node", () => {
  const election = leaving();
  election.offered(HEIR, 1003);
  assert.equal(next(election, 1003), "withdraw: stopping");
  election.withdrawn();
  const { purpose, lease: sent } = written(election, 1004);
  assert.equal(purpose, "handOver");
  const { holder: to, incarnation, term, handedOverFor, priority, releasedTerm } = readLease(sent);
  assert.deepEqual(
    [to, incarnation, term, handedOverFor, priority, releasedTerm],
    ["node-b", "boot-2", 6, "token-b", 100, undefined],
  );
  assert.equal(sent.metadata?.resourceVersion, "11", "a compare-and-swap");
  election.succeeded(purpose, stored(sent, "12"), 1004, 1014);
  assert.ok(election.atRest(1014));
});

Deno.test("next() looks on for a better offer for a moment", () => {
  const election = leaving();
  election.offered({ ...HEIR, priority: 40 }, 1003);
  election.offered({ ...HEIR, priority: 60, node: "node-c" }, 1005);
  election.offered({ ...HEIR, priority: 50, node: "node-d" }, 1006);
  assert.equal(next(election, 1006), `wait ${1000 + CHOICE_MS}`);
  assert.equal(next(election, 1000 + CHOICE_MS), "withdraw: stopping");
  election.withdrawn();
  assert.equal(readLease(written(election, 1030).lease).holder, "node-c");
});

Deno.test("offered() counts for nothing where nobody leaves, too late, or from this node", () => {
  const staying = holder(0);
  staying.offered(HEIR, 1000);
  assert.equal(next(staying, 1000), "wait 3000");
  const election = leaving();
  election.offered({ ...HEIR, node: "node-a" }, 1003);
  assert.equal(next(election, 1003), `wait ${1000 + CALL_MS}`);
  election.offered(HEIR, 1000 + CALL_MS);
  election.next(1000 + CALL_MS);
  election.withdrawn();
  assert.equal(next(election, 1000 + CALL_MS), "release");
});

Deno.test("next() releases for all when handing over failed, or took long", () => {
  const after = (what: (election: Election) => void, atMs: number) => {
    const election = leaving();
    election.offered(HEIR, 1003);
    election.withdrawn();
    what(election);
    election.seen(lease({ ...OWN, version: "13" }), "server", atMs);
    return next(election, atMs);
  };
  assert.equal(after((election) => election.conflicted(1010), 1020), "release");
  assert.equal(after((election) => election.failed(1010), 1300), "release");
  assert.equal(after(() => {}, 1000 + OFFER_MS - 1), "handOver");
  assert.equal(after(() => {}, 1000 + OFFER_MS), "release");
});

/** Was asked to hand over to node-c, which accepted; called at 1000. */
function promised(): Election {
  const election = holder(0);
  const accepted = { handoverTo: "node-c", acceptedBy: "node-c" };
  election.seen(lease({ ...OWN, ...accepted, version: "20" }), "watch", 1000);
  assert.equal(election.callable(1000), "20");
  election.called(1000);
  return election;
}

Deno.test("next() hands over to the node that was asked for, and to no other", () => {
  const election = promised();
  election.offered(HEIR, 1002);
  assert.equal(next(election, 1002), `wait ${1000 + CALL_MS}`);
  election.offered({ ...HEIR, node: "node-c", priority: 20 }, 1003);
  assert.equal(next(election, 1003), "withdraw: handed over to node-c");
  election.withdrawn();
  const { purpose, lease: sent } = written(election, 1004);
  const { holder: to, handoverTo, handoverAccepted } = readLease(sent);
  assert.deepEqual([purpose, to, handoverTo, handoverAccepted], [
    "handOver",
    "node-c",
    undefined,
    false,
  ]);
  const silent = promised();
  assert.equal(next(silent, 1000 + CALL_MS), "withdraw: handed over to node-c");
  silent.withdrawn();
  assert.equal(next(silent, 1000 + CALL_MS), "release", "it takes the Lease by a write");
});

Deno.test("callable() is asked anew each time that this node holds and leaves", () => {
  const election = promised();
  election.offered({ ...HEIR, node: "node-c" }, 1003);
  election.withdrawn();
  const { purpose, lease: sent } = written(election, 1004);
  election.succeeded(purpose, stored(sent, "21"), 1004, 1014);
  const again = { ...OWN, term: 7, version: "30" };
  election.seen(lease(again), "server", 2000);
  const renewal = written(election, 2000);
  election.succeeded(renewal.purpose, stored(renewal.lease, "31"), 2000, 2010);
  assert.ok(election.mayHold(2010));
  election.resign();
  assert.equal(election.callable(2010), "31");
});

Deno.test("stand() forgets the call", () => {
  const election = leaving();
  election.offered(HEIR, 1003);
  election.stand(1003);
  assert.equal(next(election, 1003), "wait 3000");
  election.resign();
  assert.equal(next(election, 1004), "withdraw: stopping");
});

Deno.test("offer() makes one for each call, with the Lease before its eyes", () => {
  const election = offering();
  assert.equal(election.offer(LEAVING, () => "another", 1100), "token-a", "the same call");
  assert.equal(election.offer({ ...LEAVING, id: "call-2" }, () => "token-2", 1100), "token-2");
  const refusals: Record<string, [Election, typeof LEAVING]> = {
    "an older Lease": [standby(lease(OTHER), 0), { ...LEAVING, version: "11" }],
    "another holder": [standby(lease(OTHER), 0), { ...LEAVING, node: "node-c" }],
    "another class": [standby(lease({ ...OTHER, scope: "class red" }), 0), LEAVING],
    "no Lease": [standby(undefined, 0), LEAVING],
    "it holds itself": [holder(0), { ...LEAVING, node: "node-a", version: "11" }],
    "it stands back": [
      standby(lease(OTHER), 0, { preferences: { alsoStandBackMs: () => 1 } }),
      LEAVING,
    ],
  };
  const resigned = standby(lease(OTHER), 0);
  resigned.resign();
  refusals["it does not stand"] = [resigned, LEAVING];
  const failing = standby(lease(OTHER), 0);
  failing.failed(500, { unreachable: true, read: true });
  refusals["it has no answer"] = [failing, LEAVING];
  for (const [why, [election, leaving]] of Object.entries(refusals)) {
    assert.equal(election.offer(leaving, () => assert.fail(why), 1000), undefined, why);
  }
});

Deno.test("seen() takes up what was handed over: the right counts from the offer", () => {
  const election = offering();
  election.seen(handedOver(), "watch", 1500);
  assert.ok(election.mayHold(1500));
  assert.equal(election.holdUntilMs, 1000 + RIGHT_MS);
  assert.equal(election.term, 6);
  const { purpose, lease: sent } = written(election, 1500);
  assert.equal(purpose, "renew", "the Lease says what its former holder wrote");
  assert.equal(readLease(sent).handedOverFor, undefined);
  assert.equal(readLease(sent).term, 6);
});

Deno.test("seen() counts no further than the Lease says", () => {
  const election = offering();
  election.seen(handedOver("token-a", { seconds: 4 }), "watch", 1500);
  assert.equal(election.holdUntilMs, 1000 + 4000 - 500);
});

Deno.test("seen() gives no right for another's offer, a forgotten or an old one", () => {
  const cases: Record<string, [Election, Lease, number]> = {
    "another token": [offering(), handedOver("token-x"), 1500],
    "no offer": [standby(lease(OTHER), 0), handedOver(), 1500],
    "another node": [offering(), handedOver("token-a", { holder: "node-c" }), 1500],
    "another boot": [offering(), handedOver("token-a", { incarnation: "boot-9" }), 1500],
    "too late": [offering(), handedOver(), 1000 + RIGHT_MS],
  };
  const replaced = offering();
  replaced.offer({ ...LEAVING, id: "call-2" }, () => "token-2", 1100);
  cases["a later call"] = [replaced, handedOver(), 1500];
  for (const [why, [election, seen, atMs]] of Object.entries(cases)) {
    election.seen(seen, "watch", atMs);
    assert.ok(!election.mayHold(atMs), why);
  }
  for (const why of ["another token", "too late"]) {
    const [election, , atMs] = cases[why]!;
    assert.equal(next(election, atMs), "acquire", "what is its own it takes by a write, at once");
  }
});

Deno.test("resign() after an offer waits for what may come of it, and releases that", () => {
  const election = offering();
  election.resign();
  assert.ok(!election.atRest(1000 + OFFER_MS - 1));
  assert.equal(next(election, 1010), `wait ${1000 + OFFER_MS}`);
  election.seen(handedOver(), "watch", 1020);
  assert.ok(!election.mayHold(1020));
  assert.equal(next(election, 1020), "release");
  const nothing = offering();
  nothing.resign();
  assert.ok(nothing.atRest(1000 + OFFER_MS));
});

/** Two nodes on one segment: A holds, B stands by. */
async function two(passes: (what: "call" | "offer") => boolean = () => true) {
  const clock = new FakeClock();
  const store = new LeaseStore();
  store.create(lease({ releasedTerm: "5" }));
  const nodes: { a: TestNode; b: TestNode } = {
    a: new TestNode(store, clock, {
      successors: {
        call: (version) => {
          if (!passes("call")) return true;
          const leaving = { node: "node-a", id: "call-1", version };
          const token = nodes.b.elector.offer(leaving, () => "token-b");
          if (token !== undefined && passes("offer")) {
            queueMicrotask(() => nodes.a.elector.offered({ ...HEIR, token }));
          }
          return true;
        },
      },
    }),
    b: new TestNode(store, clock, { settings: { identity: "node-b", incarnation: "boot-2" } }),
  };
  nodes.a.start();
  await settled();
  nodes.b.start();
  await clock.advance(1000);
  for (const { log, api } of [nodes.a, nodes.b]) {
    log.length = 0;
    api.calls.length = 0;
  }
  return { clock, store, ...nodes };
}

Deno.test("run() hands over by one write, and the next node renews at once", async () => {
  const { clock, store, a, b } = await two();
  const done = a.stop();
  await settled();
  await done;
  assert.ok(b.elector.mayHold());
  assert.deepEqual(a.log.filter(([name]) => name === "released"), [["released", "node-b", true]]);
  assert.deepEqual(a.api.calls, ["replace"]);
  assert.deepEqual(b.api.calls, ["replace"], "its renewal");
  assert.deepEqual(b.names().filter((name) => name !== "holderChanged"), [
    "elected",
    "granted",
    "renewed",
    "granted",
  ]);
  assert.equal(readLease(store.current()!).handedOverFor, undefined);
  const stopped = b.stop();
  await clock.advance(20_000);
  await stopped;
});

Deno.test("run() releases for all where the call or the offer gets lost", async () => {
  for (const lost of ["call", "offer"] as const) {
    const { clock, a, b } = await two((what) => what !== lost);
    const done = a.stop();
    await clock.advance(CALL_MS - 1);
    assert.ok(a.holds, "nothing is gained by going earlier");
    await clock.advance(OFFER_MS);
    await done;
    assert.ok(!a.holds);
    assert.deepEqual(a.log.filter(([name]) => name === "released"), [[
      "released",
      undefined,
      true,
    ]]);
    assert.ok(b.elector.mayHold(), lost);
    const stopped = b.stop();
    await clock.advance(20_000);
    await stopped;
  }
});

Deno.test("run() takes by a write what it was handed over without its own offer", async () => {
  const { clock, store, b } = await two();
  const { metadata, spec } = store.current()!;
  const forged = {
    ...metadata!.annotations,
    "classvip.io/incarnation": "boot-2",
    [HANDED_OVER_ANNOTATION]: "made up",
  };
  store.replace({
    metadata: { ...metadata, annotations: forged },
    spec: { ...spec, holderIdentity: "node-b", leaseTransitions: 6 },
  });
  await settled();
  assert.ok(b.elector.mayHold());
  assert.deepEqual(b.api.calls, ["replace"]);
  const stopped = b.stop();
  await clock.advance(20_000 + WAIT_MS);
  await stopped;
});

Deno.test("run() survives a write of the handover whose answer is lost", async () => {
  const { clock, a, b } = await two();
  a.api.fate = (call) => call === "replace" ? { lost: "answer" } : {};
  const done = a.stop();
  await clock.advance(5000);
  await done;
  assert.ok(b.elector.mayHold());
  assert.ok(!a.holds);
  const stopped = b.stop();
  await clock.advance(20_000);
  await stopped;
});

Deno.test("run() says that a Lease could not be released in time", async () => {
  const { clock, a, b } = await two();
  a.api.fate = () => ({ lost: "request" });
  const done = a.stop();
  await clock.advance(20_000);
  await done;
  assert.ok(a.names().includes("leftBehind") && !a.names().includes("released"));
  assert.ok(b.elector.mayHold(), "once it had run out");
  const stopped = b.stop();
  await clock.advance(20_000);
  await stopped;
});
