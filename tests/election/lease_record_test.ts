import assert from "node:assert/strict";
import {
  isOlder,
  leaseProblem,
  microTime,
  nextTerm,
  readLease,
  sameRecord,
} from "../../lib/election/lease_record.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { lease, OTHER } from "./parts.ts";

/** int32, which the API server holds it to. */
const LAST_TERM = 2_147_483_647;

Deno.test("nextTerm() begins anew at the end", () => {
  assert.deepEqual([-1, 0, 7, LAST_TERM - 1, LAST_TERM].map(nextTerm), [0, 1, 8, LAST_TERM, 0]);
});

Deno.test("readLease() reads client-go's record", () => {
  assert.deepEqual(
    readLease(lease({ ...OTHER, term: 3, seconds: 15, releasedTerm: "2", renewTime: "t" })),
    {
      holder: "node-b",
      incarnation: "boot-2",
      scope: "class blue",
      term: 3,
      releasedTerm: 2,
      priority: undefined,
      handoverTo: undefined,
      handoverAccepted: false,
      handedOverFor: undefined,
      durationMs: 15_000,
      renewTime: "t",
    },
  );
});

Deno.test("readLease() takes nonsense for absence", () => {
  const nothing = {
    holder: undefined,
    incarnation: undefined,
    scope: undefined,
    term: 0,
    releasedTerm: undefined,
    priority: undefined,
    handoverTo: undefined,
    handoverAccepted: false,
    handedOverFor: undefined,
    durationMs: undefined,
    renewTime: undefined,
  };
  const odd = { spec: { leaseDurationSeconds: "9", leaseTransitions: {} } } as unknown as Lease;
  for (const nonsense of [{}, { spec: {} }, odd]) assert.deepEqual(readLease(nonsense), nothing);
});

Deno.test("readLease() reads a handover, accepted only by the node that it names", () => {
  const read = (to: string | undefined, by: string | undefined) => {
    const { handoverTo, handoverAccepted } = readLease(lease({ handoverTo: to, acceptedBy: by }));
    return [handoverTo, handoverAccepted];
  };
  assert.deepEqual(read(undefined, undefined), [undefined, false]);
  assert.deepEqual(read("", ""), [undefined, false]);
  assert.deepEqual(read(undefined, "node-c"), [undefined, false]);
  assert.deepEqual(read("node-c", undefined), ["node-c", false]);
  assert.deepEqual(read("node-c", "node-b"), ["node-c", false]);
  assert.deepEqual(read("node-c", "node-c"), ["node-c", true]);
});

Deno.test("readLease() reads a priority, and nonsense as none", () => {
  assert.equal(readLease(lease({ priority: "40" })).priority, 40);
  assert.equal(readLease(lease({ priority: "0" })).priority, 0);
  for (const priority of ["", "-1", "1.5", "high"]) {
    assert.equal(readLease(lease({ priority })).priority, undefined, priority);
  }
});

Deno.test("leaseProblem() names what is odd", () => {
  assert.equal(leaseProblem(lease()), undefined);
  assert.equal(leaseProblem({}), undefined);
  assert.match(leaseProblem(lease({ seconds: 0 })) ?? "", /leaseDurationSeconds is 0/);
  assert.match(leaseProblem(lease({ seconds: -1 })) ?? "", /leaseDurationSeconds is -1/);
  assert.match(leaseProblem(lease({ term: LAST_TERM })) ?? "", /the next holder begins at 0/);
  assert.match(leaseProblem(lease({ term: 1.5 })) ?? "", /leaseTransitions is 1.5/);
});

Deno.test("sameRecord() is about the record alone", () => {
  const base = { ...OTHER, renewTime: "t" };
  assert.ok(sameRecord(lease(base), lease({ ...base, version: "99" })));
  for (
    const change of [
      { holder: "node-c" },
      { incarnation: "boot-3" },
      { term: 6 },
      { seconds: 11 },
      { renewTime: "u" },
      { releasedTerm: "5" },
      { uid: "uid-2" },
    ]
  ) {
    assert.ok(!sameRecord(lease(base), lease({ ...base, ...change })), JSON.stringify(change));
  }
});

Deno.test("sameRecord() leaves a handover out: asking for one is no sign of life", () => {
  const asked = lease({ ...OTHER, handoverTo: "node-c", acceptedBy: "node-c", priority: "3" });
  assert.ok(sameRecord(lease(OTHER), asked));
});

Deno.test("isOlder() compares the server's numbers as numbers", () => {
  const at = (version: string) => lease({ version });
  assert.ok(isOlder(at("9"), at("10")));
  assert.ok(!isOlder(at("10"), at("9")));
  assert.ok(!isOlder(at("10"), at("10")));
  assert.ok(isOlder(at("9007199254740992"), at("9007199254740993")));
  for (const odd of ["", "abc", "1x", "-1"]) {
    assert.ok(!isOlder(at(odd), at("10")), odd);
    assert.ok(!isOlder(at("9"), at(odd)), odd);
  }
});

Deno.test("microTime() writes six digits", () => {
  assert.equal(microTime(0), "1970-01-01T00:00:00.000000Z");
  assert.equal(microTime(1_700_000_000_123), "2023-11-14T22:13:20.123000Z");
  assert.equal(microTime(1_700_000_000_123.25), "2023-11-14T22:13:20.123250Z");
  assert.equal(microTime(1_700_000_000_123.004), "2023-11-14T22:13:20.123003Z");
});
