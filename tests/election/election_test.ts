import assert from "node:assert/strict";
import { readLease } from "../../lib/election/lease_record.ts";
import { holder, next, standby, stored, written } from "./machine.ts";
import { lease, newElection, OTHER, OWN, RIGHT_MS, SETTINGS, WAIT_MS } from "./parts.ts";

Deno.test("next() reads before anything else", () => {
  assert.equal(next(newElection(), 0), "read");
});

Deno.test("next() creates a Lease that is not there, then waits as for any", () => {
  const election = standby(undefined, 1000);
  const { purpose, lease: sent } = written(election, 1000);
  assert.equal(purpose, "create");
  assert.equal(readLease(sent).holder, undefined);
  election.succeeded(purpose, stored(sent, "11"), 1000, 1010);
  assert.ok(!election.mayHold(1010), "a create gives no right");
  assert.equal(next(election, 1010), `wait ${1010 + WAIT_MS}`);
  assert.equal(next(election, 1010 + WAIT_MS), "acquire");
});

Deno.test("next() waits for a Lease that another standby created from when it is seen", () => {
  const created = written(standby(undefined, 0), 0).lease;
  const election = standby(stored(created, "11"), 5000, { identity: "node-c" });
  assert.equal(next(election, 5000), `wait ${5000 + WAIT_MS}`);
});

Deno.test("next() looks again when somebody else created the Lease first", () => {
  const election = standby(undefined, 0);
  assert.equal(next(election, 0), "create");
  election.conflicted(10);
  assert.equal(next(election, 10), "read");
});

Deno.test("next() does not create a Lease after it resigned", () => {
  const election = standby(undefined, 0);
  election.resign();
  assert.equal(next(election, 0), "wait Infinity");
  assert.ok(election.atRest(0));
});

Deno.test("next() takes a Lease at once whose holder proved that it withdrew", () => {
  const election = standby(lease({ term: 5, releasedTerm: "5" }), 1000);
  assert.equal(next(election, 1000), "acquire");
  assert.equal(written(election, 1000).lease.spec?.leaseTransitions, 6);
});

Deno.test("next() does not take an empty holderIdentity for a proof", () => {
  for (const releasedTerm of [undefined, "4", "6", "x", "-5", "5.5", ""]) {
    const election = standby(
      lease({ term: 5, ...(releasedTerm !== undefined && { releasedTerm }) }),
      1000,
    );
    assert.equal(next(election, 1000), `wait ${1000 + WAIT_MS}`, releasedTerm);
  }
});

Deno.test("next() does not take the proof of an earlier term that was applied again", () => {
  const election = standby(lease({ ...OTHER, term: 6, version: "20" }), 1000);
  election.seen(lease({ term: 5, releasedTerm: "5", version: "21" }), "watch", 2000);
  assert.equal(next(election, 2000), `wait ${2000 + WAIT_MS}`);
});

Deno.test("next() adopts the Lease of this node's earlier run at once, and keeps its term", () => {
  const election = newElection();
  election.seen(lease({ ...OWN, term: 5 }), "server", 1000);
  const { purpose, lease: sent } = written(election, 1000);
  assert.equal(purpose, "acquire");
  assert.equal(sent.spec?.leaseTransitions, 5);
});

Deno.test("next() takes another boot under the same name for another node", () => {
  const election = standby(lease({ holder: "node-a", incarnation: "boot-0" }), 1000);
  assert.equal(next(election, 1000), `wait ${1000 + WAIT_MS}`);
});

Deno.test("next() renews when it is due, and not before", () => {
  const election = holder(1000);
  assert.equal(next(election, 1000), `wait ${1000 + SETTINGS.renewIntervalMs}`);
  assert.equal(next(election, 1000 + SETTINGS.renewIntervalMs), "renew");
});

Deno.test("mayHold() counts from when the write was sent, not from its answer", () => {
  const election = newElection();
  election.seen(lease(OWN), "server", 0);
  const { purpose, lease: sent } = written(election, 0);
  election.succeeded(purpose, stored(sent, "11"), 0, 4000);
  assert.equal(election.holdUntilMs, RIGHT_MS);
  assert.ok(election.mayHold(RIGHT_MS - 1));
  assert.ok(!election.mayHold(RIGHT_MS));
  assert.equal(next(election, RIGHT_MS), "withdraw: the Lease could not be renewed in time");
});

Deno.test("mayHold() gives no right when the answer comes after the fence", () => {
  const election = newElection();
  election.seen(lease(OWN), "server", 0);
  const { purpose, lease: sent } = written(election, 0);
  election.succeeded(purpose, stored(sent, "11"), 0, RIGHT_MS);
  assert.ok(!election.mayHold(RIGHT_MS));
  assert.match(next(election, RIGHT_MS), /^withdraw/);
});

Deno.test("next() never waits beyond the fence", () => {
  const election = holder(0);
  election.failed(RIGHT_MS - 50);
  assert.equal(next(election, RIGHT_MS - 50), `wait ${RIGHT_MS}`);
});

Deno.test("failed() leads to a pause, a read, and the write again; the fence stays", () => {
  const election = holder(0);
  assert.equal(next(election, 3000), "renew");
  election.failed(4000);
  assert.equal(election.holdUntilMs, RIGHT_MS);
  assert.equal(next(election, 4000), "wait 4200");
  assert.equal(next(election, 4200), "read");
  election.seen(lease({ ...OWN, version: "11" }), "server", 4300);
  assert.equal(next(election, 4300), "renew");
});

Deno.test("conflicted() leads to a read and to a decision on what it shows", () => {
  const election = holder(0);
  assert.equal(next(election, 3000), "renew");
  election.conflicted(3001);
  assert.equal(next(election, 3001), "read");
  election.seen(lease({ ...OTHER, term: 6, version: "15" }), "server", 3002);
  assert.equal(next(election, 3002), "withdraw: the Lease is held by node-b");
  election.withdrawn();
  assert.equal(next(election, 3002), `wait ${3002 + WAIT_MS}`);
});

Deno.test("conflicted() leaves it to the watch to show who was first, for a moment", () => {
  const bidder = () => {
    const election = newElection();
    election.withdrawn();
    election.seen(lease({ holder: "", term: 3, releasedTerm: "3", version: "7" }), "server", 0);
    const action = election.next(0);
    assert.ok(action.kind === "write" && action.purpose === "acquire");
    return { election, bid: action.lease };
  };
  const waits = bidder();
  waits.election.conflicted(10, waits.bid);
  assert.equal(next(waits.election, 10), "wait 210");
  waits.election.seen(lease({ ...OTHER, term: 4, version: "8" }), "watch", 20);
  assert.equal(next(waits.election, 20), `wait ${20 + WAIT_MS}`);

  const blind = bidder();
  blind.election.conflicted(10, blind.bid);
  assert.equal(next(blind.election, 210), "read");

  const knows = bidder();
  knows.election.seen(lease({ ...OTHER, term: 4, version: "8" }), "watch", 5);
  knows.election.conflicted(10, knows.bid);
  assert.equal(next(knows.election, 10), `wait ${5 + WAIT_MS}`);
});

Deno.test("conflicted() makes a pause when it happens again and again", () => {
  const election = standby(lease({ releasedTerm: "5" }), 0);
  let nowMs = 1000;
  for (const pauseMs of [0, SETTINGS.retryMs, SETTINGS.retryMs]) {
    assert.equal(next(election, nowMs), "acquire");
    election.conflicted(nowMs);
    if (pauseMs > 0) assert.equal(next(election, nowMs), `wait ${nowMs + pauseMs}`);
    nowMs += pauseMs;
    assert.equal(next(election, nowMs), "read");
    election.seen(lease({ releasedTerm: "5" }), "server", nowMs);
  }
  election.succeeded("acquire", stored(written(election, nowMs).lease, "11"), nowMs, nowMs);
  election.conflicted(nowMs);
  assert.equal(next(election, nowMs), "read", "not in a row any more");
});

Deno.test("seen() counts from local sight alone, whatever the wall clocks say", () => {
  for (const renewTime of ["1970-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z", "soon"]) {
    const election = standby(lease({ ...OTHER, renewTime }), 1000);
    assert.equal(next(election, 1000), `wait ${1000 + WAIT_MS}`);
    election.seen(lease({ ...OTHER, renewTime, version: "11" }), "watch", 4000);
    assert.equal(next(election, 4000), `wait ${1000 + WAIT_MS}`, "no renewal: only labels changed");
    election.seen(lease({ ...OTHER, renewTime: `${renewTime}!`, version: "12" }), "watch", 6000);
    assert.equal(next(election, 6000), `wait ${6000 + WAIT_MS}`);
    assert.equal(next(election, 6000 + WAIT_MS), "acquire");
  }
});

Deno.test("seen() waits for the longer duration of another holder", () => {
  const election = standby(lease({ ...OTHER, seconds: 60 }), 0);
  assert.equal(next(election, 0), "wait 60600");
});

Deno.test("seen() never waits less than the instance's own duration", () => {
  for (const seconds of [0, -3, 0.5, NaN, 1]) {
    const election = standby(lease({ ...OTHER, seconds }), 0);
    assert.equal(next(election, 0), `wait ${WAIT_MS}`, String(seconds));
  }
});

Deno.test("seen() is not misled by a duration that somebody edits while the holder lives", () => {
  const shortened = standby(lease({ ...OTHER, seconds: 60 }), 0);
  shortened.seen(lease({ ...OTHER, seconds: 1, version: "11" }), "watch", 1000);
  assert.equal(next(shortened, 1000), "wait 61600");

  const prolonged = standby(lease(OTHER), 0);
  prolonged.seen(lease({ ...OTHER, seconds: 2 ** 31, version: "11" }), "watch", 1000);
  prolonged.seen(lease({ ...OTHER, renewTime: "later", version: "12" }), "watch", 2000);
  assert.equal(next(prolonged, 2000), `wait ${2000 + WAIT_MS}`);
});

Deno.test("seen() remembers a longer right when the holder's next run claims a shorter one", () => {
  const election = standby(lease({ ...OTHER, seconds: 60 }), 0);
  election.seen(lease({ ...OTHER, seconds: 10, renewTime: "later", version: "11" }), "watch", 1000);
  assert.equal(next(election, 1000), "wait 60600");
  election.seen(lease({ ...OTHER, renewTime: "again", version: "12" }), "watch", 60_000);
  assert.equal(next(election, 60_000), `wait ${60_000 + WAIT_MS}`);
});

Deno.test("seen() remembers how long a deleted Lease may still have a holder", () => {
  const election = standby(lease({ ...OTHER, seconds: 60 }), 0);
  election.seen(undefined, "watch", 1000);
  const { purpose, lease: sent } = written(election, 1000);
  assert.equal(sent.spec?.leaseTransitions, 6, "a term that nobody had before");
  election.succeeded(purpose, stored(sent, "11"), 1000, 1010);
  assert.equal(next(election, 1010), "wait 60600");
});

Deno.test("seen() does not take the proof of an earlier term that was laid after a deletion", () => {
  const election = standby(lease({ ...OTHER, term: 6 }), 0);
  election.seen(undefined, "watch", 1000);
  const copy = { term: 5, releasedTerm: "5", uid: "uid-2", version: "20" };
  election.seen(lease(copy), "watch", 2000);
  assert.equal(next(election, 2000), `wait ${2000 + WAIT_MS}`);
});

Deno.test("seen() takes a proof in a Lease that was made anew and held since", () => {
  const election = standby(lease({ ...OTHER, term: 6 }), 0);
  election.seen(undefined, "watch", 1000);
  election.seen(lease({ ...OTHER, term: 1, uid: "uid-2", version: "20" }), "watch", 2000);
  const released = { term: 1, releasedTerm: "1", uid: "uid-2", version: "21" };
  election.seen(lease(released), "watch", 3000);
  assert.equal(next(election, 3000), "acquire");
});

Deno.test("seen() leaves out what the watch shows late", () => {
  const election = standby(lease({ ...OTHER, version: "20" }), 0);
  election.seen(lease({ term: 5, releasedTerm: "5", version: "19" }), "watch", 1000);
  assert.equal(next(election, 1000), `wait ${WAIT_MS}`);
});

Deno.test("seen() believes an answer of the server with a smaller version, as after a restore", () => {
  const election = standby(lease({ ...OTHER, version: "2000" }), 0);
  election.seen(lease({ ...OTHER, renewTime: "later", version: "20" }), "server", 1000);
  assert.equal(next(election, 1000), `wait ${1000 + WAIT_MS}`);
  assert.equal(written(election, 20_000).lease.metadata?.resourceVersion, "20");
});

Deno.test("seen() waits again when the Lease is another object", () => {
  const election = standby(lease(OTHER), 0);
  election.seen(lease({ ...OTHER, uid: "uid-2", version: "11" }), "watch", 3000);
  assert.equal(next(election, 3000), `wait ${3000 + WAIT_MS}`);
});

Deno.test("next() makes the Lease anew at once when it is deleted under the holder", () => {
  const election = holder(0);
  election.seen(undefined, "watch", 1000);
  assert.ok(election.mayHold(1000));
  const { purpose, lease: sent } = written(election, 1000);
  assert.equal(purpose, "create");
  assert.equal(sent.spec?.leaseTransitions, 6, "a term that nobody had before");
  assert.equal(sent.metadata?.resourceVersion, undefined);
  election.succeeded(purpose, stored(sent, "11"), 1000, 1010);
  assert.equal(election.holdUntilMs, RIGHT_MS, "the right of before, no longer");
  const taken = written(election, 1010);
  assert.equal(taken.purpose, "acquire");
  election.succeeded("acquire", stored(taken.lease, "12"), 1010, 1020);
  assert.equal(election.holdUntilMs, 1010 + RIGHT_MS);
});

Deno.test("next() takes a Lease back that another node made anew under the holder", () => {
  const election = holder(0);
  election.seen(lease({ term: 0, uid: "uid-2", version: "20" }), "watch", 1000);
  assert.ok(election.mayHold(1000));
  const { purpose, lease: sent } = written(election, 1000);
  assert.equal(purpose, "acquire");
  assert.equal(sent.metadata?.uid, "uid-2", "a compare-and-swap on the new one");
  assert.equal(sent.metadata?.resourceVersion, "20");
});

Deno.test("next() takes a Lease back that a hand emptied under the holder, within its right", () => {
  const election = holder(0);
  election.seen(lease({ term: 5, version: "20" }), "watch", 1000);
  assert.ok(election.mayHold(1000));
  assert.equal(next(election, 1000), "acquire");
  assert.equal(election.holdUntilMs, RIGHT_MS);
  assert.match(next(election, RIGHT_MS), /^withdraw/);
});

Deno.test("next() withdraws from a Lease that is gone or emptied where a witness may have replaced it", () => {
  for (
    const seen of [undefined, lease({ term: 5, version: "20" }), lease({ term: 6, uid: "uid-2" })]
  ) {
    const election = holder(0, { mayBeReplaced: true });
    election.seen(seen, "server", 1000);
    assert.match(next(election, 1000), /^withdraw: the Lease does not say any more/);
    election.withdrawn();
    assert.notEqual(next(election, 1000), "acquire", "it waits as all others do");
  }
});

Deno.test("next() leaves an emptied Lease that says that its holder withdrew", () => {
  const election = holder(0);
  election.seen(lease({ term: 5, releasedTerm: "5", version: "20" }), "watch", 1000);
  assert.equal(next(election, 1000), "withdraw: the Lease is held by nobody");
});

Deno.test("next() keeps the fence while the Lease cannot be made anew", () => {
  const election = holder(0);
  election.seen(undefined, "watch", 1000);
  election.failed(2000);
  assert.match(next(election, RIGHT_MS), /^withdraw/);
  election.withdrawn();
  assert.equal(next(election, RIGHT_MS), "read");
  election.seen(undefined, "server", RIGHT_MS);
  assert.equal(next(election, RIGHT_MS), "create");
});

Deno.test("next() withdraws before anything else when the Lease is another's", () => {
  const election = holder(0);
  election.failed(1000); // a pause, and a read that is due
  election.seen(lease({ ...OTHER, term: 6, version: "20" }), "watch", 1001);
  assert.equal(next(election, 1001), "withdraw: the Lease is held by node-b");
});

Deno.test("next() counts its own record without its incarnation as another's", () => {
  const election = holder(0);
  election.seen(lease({ holder: "node-a", version: "20" }), "watch", 1000);
  assert.match(
    next(election, 1000),
    /^withdraw: the Lease names node-a without classvip.io\/incarnation/,
  );
  assert.equal(election.oddity, undefined, "no other machine has its name");
  election.withdrawn();
  assert.equal(next(election, 1000), `wait ${1000 + WAIT_MS}`);
});

Deno.test("obstacle() says that a Lease is used for other Services while it is renewed", () => {
  const red = { ...OTHER, scope: "class red" };
  const election = standby(lease(red), 0);
  for (let nowMs = 0; nowMs < 10 * WAIT_MS; nowMs += WAIT_MS - 1) {
    election.seen(
      lease({ ...red, renewTime: `${nowMs}`, version: `${11 + nowMs}` }),
      "watch",
      nowMs,
    );
    assert.equal(next(election, nowMs), `wait ${nowMs + WAIT_MS}`);
    assert.equal(
      election.obstacle(nowMs + WAIT_MS - 1),
      "the Lease is used for class red, this instance serves class blue: give each its own Lease",
    );
  }
});

Deno.test("obstacle() ends when nobody renewed a Lease for other Services for its duration", () => {
  const election = standby(lease({ ...OTHER, scope: "class red", seconds: 60 }), 0);
  assert.match(election.obstacle(60_599) ?? "", /class red/);
  assert.equal(election.obstacle(60_600), undefined);
  const { purpose, lease: sent } = written(election, 60_600);
  assert.equal(purpose, "acquire");
  assert.equal(readLease(sent).scope, "class blue");
});

Deno.test("obstacle() is none when a Lease for other Services was released with proof", () => {
  const released = lease({ scope: "class red", term: 5, releasedTerm: "5" });
  const election = standby(released, 0);
  assert.equal(election.obstacle(0), undefined);
  assert.equal(next(election, 0), "acquire");
  const emptied = standby(lease({ scope: "class red", term: 5 }), 0);
  assert.match(emptied.obstacle(0) ?? "", /class red/);
  assert.equal(next(emptied, 0), `wait ${WAIT_MS}`);
});

Deno.test("obstacle() ends when the scope is corrected; the wait stays", () => {
  const election = standby(lease({ ...OTHER, scope: "class red" }), 0);
  election.seen(lease({ ...OTHER, version: "11" }), "watch", 1000);
  assert.equal(election.obstacle(1000), undefined);
  assert.equal(next(election, 1000), `wait ${WAIT_MS}`);
});

Deno.test("next() withdraws when the scope of its own Lease is edited", () => {
  const election = holder(0);
  election.seen(lease({ ...OWN, scope: "class red", version: "20" }), "watch", 1000);
  assert.match(next(election, 1000), /^withdraw: the Lease is used for class red/);
  election.withdrawn();
  assert.equal(next(election, 1000), `wait ${1000 + WAIT_MS}`, "as for another's");
  assert.match(election.obstacle(1000) ?? "", /class red/);
});

Deno.test("next() takes a Lease without a scope, as other tools write it", () => {
  const election = standby(lease({ ...OTHER, scope: "" }), 0);
  assert.equal(next(election, WAIT_MS), "acquire");
});

Deno.test("next() keeps what a crash left while this node may still be the holder", () => {
  const election = newElection();
  election.failed(0);
  assert.equal(next(election, 100), `wait ${SETTINGS.retryMs}`);
  election.seen(lease(OWN), "server", 300);
  election.failed(400);
  assert.match(next(election, 400), /^wait/);
});

Deno.test("next() withdraws what a crash left once the Lease is another's or gone", () => {
  for (const seen of [lease(OTHER), lease({ releasedTerm: "5" }), undefined]) {
    const election = newElection();
    election.seen(seen, "server", 0);
    assert.equal(next(election, 0), "withdraw: left by an earlier run");
  }
});

Deno.test("resign() withdraws, then releases with a proof", () => {
  const election = holder(0);
  election.resign();
  assert.ok(!election.atRest(0));
  assert.equal(next(election, 1000), "withdraw: stopping");
  election.withdrawn();
  const { purpose, lease: sent } = written(election, 1000);
  assert.equal(purpose, "release");
  election.succeeded("release", stored(sent, "12"), 1000, 1010);
  assert.ok(election.atRest(0));
  const other = newElection({ identity: "node-b" });
  other.seen(stored(sent, "12"), "server", 1020);
  assert.equal(next(other, 1020), "withdraw: left by an earlier run");
  other.withdrawn();
  assert.equal(next(other, 1020), "acquire");
});

Deno.test("resign() takes in a renewal that was under way, and releases on top of it", () => {
  const election = holder(0);
  const { purpose, lease: sent } = written(election, 3000);
  election.resign();
  assert.equal(next(election, 3001), "withdraw: stopping");
  election.withdrawn();
  election.succeeded(purpose, stored(sent, "12"), 3000, 3005);
  assert.ok(!election.mayHold(3005));
  const release = written(election, 3005);
  assert.equal(release.purpose, "release");
  assert.equal(release.lease.metadata?.resourceVersion, "12");
});

Deno.test("resign() reads first when a write may or may not have been applied", () => {
  const election = standby(lease(OTHER), 0);
  assert.equal(next(election, WAIT_MS), "acquire");
  election.resign();
  election.failed(WAIT_MS + 10);
  assert.ok(!election.atRest(0));
  assert.match(next(election, WAIT_MS + 10), /^wait/);
  assert.equal(next(election, WAIT_MS + 210), "read");
  election.seen(lease({ ...OWN, term: 6, version: "11" }), "server", WAIT_MS + 220);
  assert.equal(next(election, WAIT_MS + 220), "release");
});

Deno.test("resign() leaves no wait behind where nothing can be released", () => {
  const election = newElection();
  election.failed(0, { unreachable: true, read: true });
  election.resign();
  assert.equal(next(election, 100), "withdraw: stopping");
  election.withdrawn();
  assert.ok(election.atRest(0), "only reads failed");

  const fresh = newElection();
  fresh.resign();
  fresh.withdrawn();
  assert.ok(!fresh.atRest(0), "the server may answer");

  const renewing = holder(0);
  renewing.resign();
  renewing.withdrawn();
  renewing.failed(100, { unreachable: true, read: true });
  assert.ok(!renewing.atRest(0), "its Lease is there to release");
});

Deno.test("resign() tells its reason, and keeps the pause that is under way when told again", () => {
  const election = holder(0);
  election.resign("the link is down");
  assert.equal(next(election, 100), "withdraw: the link is down");
  election.withdrawn();
  election.failed(100, { unreachable: true, read: false });
  assert.match(next(election, 101), /^wait/);
  election.resign("stopping");
  assert.match(next(election, 101), /^wait/);
});

Deno.test("stand() makes a candidate of a node again", () => {
  const election = standby(lease({ term: 5, releasedTerm: "5" }), 0);
  election.resign("the link is down");
  assert.equal(next(election, 0), "wait Infinity");
  election.stand(1000);
  assert.equal(next(election, 1000), "acquire");
});

Deno.test("stand() takes the Lease again that could not be released", () => {
  const election = holder(0);
  election.resign("the link is down");
  assert.equal(next(election, 100), "withdraw: the link is down");
  election.withdrawn();
  assert.equal(next(election, 100), "release");
  election.failed(200, { unreachable: false, read: false });
  election.stand(300);
  assert.ok(!election.mayHold(300), "the right of before is gone");
  election.seen(lease({ ...OWN, version: "11" }), "server", 3000);
  assert.equal(next(election, 3000), "acquire");
});

Deno.test("stand() does not undo a withdrawal that failed", () => {
  const election = holder(0);
  election.resign("the link is down");
  election.withdrawalFailed(100);
  election.stand(150);
  assert.ok(!election.mayHold(150));
  assert.match(next(election, 300), /^withdraw/);
});

Deno.test("failed() lets a standby ask less and less often, up to every two seconds", () => {
  const election = newElection();
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    election.failed(0, { unreachable: true, read: true });
    pauses.push(Number(next(election, 0).slice("wait ".length)));
  }
  // A random 0.5 leaves three quarters of each.
  assert.deepEqual(pauses, [200, 300, 600, 1200, 1500, 1500, 1500, 1500]);
  election.seen(lease(OTHER), "server", 0);
  election.failed(0, { unreachable: true, read: true });
  assert.equal(next(election, 0), "withdraw: left by an earlier run");
  election.withdrawn();
  assert.equal(next(election, 0), "wait 200", "an answer counts as a new beginning");
});

Deno.test("failed() goes on counting while reads succeed and writes fail", () => {
  const election = standby(lease({ releasedTerm: "5" }), 0);
  let nowMs = 0;
  const pauses: number[] = [];
  for (let i = 0; i < 6; i++) {
    assert.equal(next(election, nowMs), "acquire");
    election.failed(nowMs, { unreachable: false, read: false });
    const untilMs = Number(next(election, nowMs).slice("wait ".length));
    pauses.push(untilMs - nowMs);
    nowMs = untilMs;
    assert.equal(next(election, nowMs), "read");
    election.seen(lease({ releasedTerm: "5" }), "server", nowMs);
  }
  assert.deepEqual(pauses, [200, 300, 600, 1200, 1500, 1500]);
});

Deno.test("failed() heeds the server's wish of a pause as a standby, not as the holder", () => {
  const failure = { unreachable: false, read: false, retryAfterMs: 7000 };
  const waiting = standby(lease(OTHER), 0);
  waiting.failed(WAIT_MS, failure);
  assert.equal(next(waiting, WAIT_MS), `wait ${WAIT_MS + 7000}`);
  const holding = holder(0);
  for (let i = 0; i < 5; i++) {
    holding.failed(3000, failure);
    assert.equal(next(holding, 3000), "wait 3200");
  }
});

Deno.test("failed() does not put a removal off that is to be tried again", () => {
  const election = holder(0);
  election.resign();
  election.withdrawalFailed(100);
  election.failed(150, { unreachable: false, read: false, retryAfterMs: 60_000 });
  assert.equal(next(election, 150), "wait 350");
  assert.match(next(election, 350), /^withdraw/);
});

Deno.test("withdrawalFailed() tries again and releases nothing before it succeeds", () => {
  const election = holder(0);
  election.resign();
  assert.equal(next(election, 100), "withdraw: stopping");
  election.withdrawalFailed(100);
  assert.ok(!election.mayHold(100));
  assert.equal(election.holdUntilMs, -Infinity);
  assert.equal(next(election, 100), "wait 300");
  assert.match(next(election, 300), /^withdraw/);
  election.withdrawalFailed(300);
  assert.equal(next(election, 499), "wait 500");
  assert.match(next(election, 500), /^withdraw/);
  election.withdrawn();
  assert.equal(next(election, 500), "release");
});

Deno.test("withdrawalFailed() renews and takes nothing either", () => {
  const election = holder(0);
  assert.match(next(election, RIGHT_MS), /^withdraw/);
  election.withdrawalFailed(RIGHT_MS);
  for (let nowMs = RIGHT_MS; nowMs < 5 * WAIT_MS; nowMs += 100) {
    assert.match(next(election, nowMs), /^(wait|withdraw)/);
    if (next(election, nowMs).startsWith("withdraw")) election.withdrawalFailed(nowMs);
  }
});

Deno.test("next() changes nothing", () => {
  const election = holder(0);
  for (const nowMs of [0, 3000, RIGHT_MS, 0]) election.next(nowMs);
  assert.ok(election.mayHold(1000));
  assert.equal(next(election, 0), "wait 3000");
});

Deno.test("jitter is added where several may take a Lease", () => {
  const election = newElection({ jitterMs: 100 });
  election.seen(lease(OTHER), "server", 0);
  election.withdrawn();
  assert.equal(next(election, 0), `wait ${WAIT_MS + 50}`);
});

Deno.test("holder, term and oddity tell what is on the Lease", () => {
  const election = standby(lease({ ...OTHER, term: 7 }), 0);
  assert.equal(election.holder, "node-b");
  assert.equal(election.term, 7);
  assert.equal(election.oddity, undefined);
  election.seen(lease({ ...OTHER, term: -1, version: "11" }), "watch", 0);
  assert.match(election.oddity ?? "", /leaseTransitions is -1/);
  assert.equal(election.term, 0);
});

Deno.test("next() waits for a Lease that a backup gave back to this node", () => {
  const election = standby(lease({ ...OTHER, term: 6 }), 0);
  election.seen(lease({ ...OWN, term: 5, version: "3" }), "server", 1000);
  assert.equal(next(election, 1000), `wait ${1000 + WAIT_MS}`);
  assert.equal(next(election, 1000 + WAIT_MS), "acquire");
  const restarted = standby(lease({ ...OWN, term: 5, version: "3" }), 0);
  assert.equal(next(restarted, 0), "acquire", "its own, as far as this run knows");
});
