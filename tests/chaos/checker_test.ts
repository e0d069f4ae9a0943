import assert from "node:assert/strict";
import { CALM_GAP_BOUND_MS, GAP_BOUND_MS, LEASE_MS, OVERLAP_BOUND_MS } from "./bound.ts";
import { gaps, violations } from "./checker.ts";
import type { Recording } from "./recording.ts";
import { claim, fault, holding, recording, VIP } from "./recordings.ts";

/** What is wrong with a recording, in words. */
function said(parts: Partial<Recording>): string[] {
  return violations(recording(parts)).map(({ text }) => text);
}

/** Longer than the bound. */
const LONG_MS = GAP_BOUND_MS + 110;
const gone = (fromMs: number, toMs: number) => [
  holding("node-1", 0, fromMs),
  holding("node-2", toMs, 61_050),
];

Deno.test("violations() finds nothing in a run where the VIP moves and all goes well", () => {
  const parts = {
    holdings: gone(10_000, 10_001),
    claims: [claim("node-1", 2000), claim("node-2", 10_002), claim("node-2", 60_000)],
    faults: [fault(["node-1"], 9000, 15_000)],
  };
  assert.deepEqual(said(parts), []);
});

Deno.test("violations() finds a VIP on two nodes for a millisecond", () => {
  const holdings = [holding("node-1", 0, 20_000), holding("node-2", 19_999, 61_050)];
  assert.deepEqual(said({ holdings }), [
    `${VIP} was on node-1 eth0 and on node-2 eth0 for 1.0 ms at least`,
  ]);
  assert.equal(violations(recording({ holdings }))[0]!.atMs, 19_999);
});

/** The holder and its successor have the VIP together for so long. */
const together = (ms: number) => [
  holding("node-1", 0, 20_000 + ms),
  holding("node-2", 20_000, 61_050),
];
const apart = fault(["node-2"], 19_700, 30_000, { separates: true, disables: false });

Deno.test("violations() lets two have the VIP in fast mode while they don't hear each other", () => {
  const faults = [apart];
  assert.deepEqual(said({ fast: true, holdings: together(OVERLAP_BOUND_MS - 1), faults }), []);
  assert.equal(said({ holdings: together(1), faults }).length, 1, "in strict mode");
  assert.equal(said({ fast: true, holdings: together(1) }).length, 1, "heard all the time");
  const before = [{ ...apart, fromMs: 1000, toMs: 2000 }];
  assert.equal(
    said({ fast: true, holdings: together(1), faults: before }).length,
    1,
    "long before",
  );
  const others = [{ ...apart, nodes: ["node-3"] }];
  assert.equal(said({ fast: true, holdings: together(1), faults: others }).length, 1, "others");
});

Deno.test("violations() bounds how long two have the VIP in fast mode", () => {
  const fast = (ms: number, more: Recording["faults"] = []) =>
    said({ fast: true, holdings: together(ms), faults: [apart, ...more] }).length;
  assert.equal(fast(OVERLAP_BOUND_MS + 1), 1);
  const deaf = (node: string) => [fault([node], 19_000, 30_000, { delays: true })];
  assert.equal(fast(LEASE_MS - 1, deaf("node-1")), 0, "its watch is dead too");
  assert.equal(fast(LEASE_MS - 1, deaf("node-2")), 1, "the successor's is");
  assert.equal(fast(LEASE_MS, deaf("node-1")), 1);
});

Deno.test("violations() asks more of a handover while nothing else happens", () => {
  const holdings = gone(10_000, 10_100 + CALM_GAP_BOUND_MS);
  const faults = [fault(["node-1"], 9990, 10_500, { calm: true })];
  assert.match(said({ holdings, faults })[0]!, /was on no node for 2\.20 s/);
  assert.deepEqual(said({ holdings: gone(10_000, 10_000 + CALM_GAP_BOUND_MS), faults }), []);
  assert.deepEqual(said({ holdings, faults: [fault(["node-1"], 9990, 10_500)] }), []);
  assert.deepEqual(said({ holdings, faults, longestPauseMs: 60 }), [], "seen late, perhaps");
});

Deno.test("violations() finds a frame of a node without the address", () => {
  const text = `node-2 announced ${VIP} without having it`;
  assert.deepEqual(said({ claims: [claim("node-2", 5000)] }), [text]);
  const holdings = [...gone(10_000, 10_001)];
  const late = text.replace("node-2", "node-1");
  assert.deepEqual(said({ holdings, claims: [claim("node-1", 10_300)] }), [late]);
});

Deno.test("violations() finds a frame soon after a handover while nothing else happens", () => {
  const parts = { holdings: gone(10_000, 10_001), claims: [claim("node-1", 10_100)] };
  assert.deepEqual(said(parts), []);
  const faults = [fault(["node-1"], 9990, 10_500, { calm: true })];
  assert.deepEqual(said({ ...parts, faults }), [`node-1 announced ${VIP} without having it`]);
  assert.deepEqual(said({ ...parts, faults, longestPauseMs: 30 }), []);
});

Deno.test("violations() forgives frames after a hand took the address, for a while", () => {
  const holdings = [holding("node-1", 0, 9999), holding("node-1", 11_000, 61_050)];
  const claims = [claim("node-1", 10_500)];
  const flush = fault(["node-1"], 10_000, 10_000, { disables: false, flushed: VIP });
  assert.deepEqual(said({ holdings, claims, faults: [flush] }), []);
  assert.equal(
    said({ holdings, claims, faults: [{ ...flush, flushed: "10.77.0.101" }] }).length,
    1,
  );
  assert.equal(said({ holdings, claims, faults: [{ ...flush, nodes: ["node-2"] }] }).length, 1);
});

Deno.test("violations() finds a VIP that is gone for longer than the bound", () => {
  assert.deepEqual(said({ holdings: gone(10_000, 10_000 + GAP_BOUND_MS) }), []);
  const [text, ...more] = said({ holdings: gone(10_000, 10_000 + LONG_MS) });
  assert.match(text!, /was on no node for 9\.04 s although one could have it \(bound 8\.93 s\)/);
  assert.deepEqual(more, []);
  assert.equal(said({ holdings: [] }).length, 1, "never there");
});

Deno.test("gaps() counts from when a candidate is there", () => {
  const counted = (faults: Recording["faults"], toMs = 30_000) =>
    gaps(recording({ holdings: gone(10_000, toMs), faults })).map(({ countedMs }) => countedMs);
  assert.deepEqual(counted([]), [20_000]);
  // Nobody, until node-2 is back.
  const nobody = [fault([], 9000, 12_000), fault(["node-1"], 9000, 40_000)];
  assert.deepEqual(counted(nobody), [18_000]);
  assert.deepEqual(counted([fault([], 9000, 40_000)]), [0]);
  // The standby is a candidate all the time.
  assert.deepEqual(counted([fault(["node-1"], 9000, 25_000)]), [20_000]);
});

Deno.test("gaps() counts anew when a candidate is lost or the Lease is changed by hand", () => {
  const counted = (one: Recording["faults"][number]) =>
    gaps(recording({ holdings: gone(10_000, 30_000), faults: [one] }))[0]!.countedMs;
  assert.equal(counted(fault(["node-1"], 14_000, 15_000)), 16_000);
  const edited = fault([], 22_000, 22_000, { disables: false, setback: true });
  assert.equal(counted(edited), 12_000);
  // What is neither changes nothing.
  assert.equal(counted(fault(["node-1"], 14_000, 15_000, { disables: false })), 20_000);
});

Deno.test("violations() finds what is left after the end", () => {
  const text = `${VIP} was on node-1 after all agents had ended`;
  assert.deepEqual(said({ holdings: [holding("node-1", 0, 61_500, true)] }), [text]);
  assert.deepEqual(said({ holdings: [holding("node-1", 0, 61_101)] }), [text]);
  const leftovers = ["the Lease names node-1 as its holder"];
  assert.deepEqual(said({ leftovers }), leftovers);
});
