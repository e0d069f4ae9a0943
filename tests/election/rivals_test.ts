import assert from "node:assert/strict";
import { RivalWatch } from "../../lib/election/rivals.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { lease, OTHER, OWN, type Sketch } from "./parts.ts";

function named(name: string, sketch: Sketch, creationTimestamp = "2026-01-02T00:00:00Z"): Lease {
  const made = lease(sketch);
  return { ...made, metadata: { ...made.metadata, name, creationTimestamp } };
}

const OWN_NAME = { namespace: "kube-system", name: "mine", scope: "class blue" };
const SAME = (a: string, b: string) => a === b;
const name = (found: Lease | undefined) => found?.metadata?.name;

Deno.test("rival() leaves out its own Lease, other scopes and Leases without a holder", () => {
  const watch = new RivalWatch(OWN_NAME, SAME);
  const leases = [
    named("mine", OTHER),
    named("red", { ...OTHER, scope: "class red" }),
    named("bare", { ...OTHER, scope: "" }),
    named("free", {}),
  ];
  assert.equal(watch.rival(leases, false, 0), undefined);
});

Deno.test("rival() yields to a living Lease of the same scope, however young, while not holding", () => {
  const watch = new RivalWatch(OWN_NAME, SAME);
  const leases = [named("mine", {}), named("other", OTHER, "2026-02-01T00:00:00Z")];
  assert.equal(name(watch.rival(leases, false, 0)), "other");
});

Deno.test("rival() does not yield to a Lease that stayed unchanged for its whole duration", () => {
  const watch = new RivalWatch(OWN_NAME, SAME);
  const dead = [named("other", OTHER)];
  assert.equal(name(watch.rival(dead, false, 0)), "other");
  assert.equal(name(watch.rival(dead, false, 10_000)), "other");
  assert.equal(watch.rival(dead, false, 10_001), undefined);
  const alive = [named("other", { ...OTHER, renewTime: "later" })];
  assert.equal(name(watch.rival(alive, false, 20_000)), "other");
});

Deno.test("rival() gives the older of two holders the right of way, on both sides alike", () => {
  const pairs = [["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"], ["same", "same"]] as const;
  for (const [first, second] of pairs) {
    const leases = [named("a", OWN, first), named("b", OTHER, second)];
    const a = new RivalWatch({ namespace: "kube-system", name: "a", scope: "class blue" }, SAME);
    const b = new RivalWatch({ namespace: "kube-system", name: "b", scope: "class blue" }, SAME);
    assert.equal(a.rival(leases, true, 0), undefined);
    assert.equal(name(b.rival(leases, true, 0)), "a");
  }
});

Deno.test("rival() yields while its own Lease is missing", () => {
  assert.equal(
    name(new RivalWatch(OWN_NAME, SAME).rival([named("other", OTHER)], true, 0)),
    "other",
  );
});
