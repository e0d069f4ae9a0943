import assert from "node:assert/strict";
import { LeaseLives } from "../../lib/classes/lease_lives.ts";
import { named } from "./seen.ts";

const GRACE_MS = 60_000;
const DURATION_MS = 10_000;

Deno.test("look() calls a Lease alive once it was seen to be renewed, until its duration is over", () => {
  const lives = new LeaseLives(GRACE_MS);
  const at = (renewTime: string, nowMs: number) =>
    lives.look([named("a", { renewTime })], nowMs)[0]?.life;
  assert.equal(at("1", 0), "unknown");
  assert.equal(at("2", 1000), "alive");
  assert.equal(at("2", 1000 + DURATION_MS), "alive");
  assert.equal(at("2", 1001 + DURATION_MS), "unknown");
  assert.equal(at("2", 1000 + DURATION_MS + GRACE_MS), "unknown");
  assert.equal(at("2", 1001 + DURATION_MS + GRACE_MS), "dead");
  assert.equal(at("3", 200_000), "alive");
});

Deno.test("look() waits for somebody to take a Lease without a holder", () => {
  const lives = new LeaseLives(GRACE_MS);
  const free = named("a", { holder: "" });
  const at = (nowMs: number) => lives.look([free], nowMs)[0]?.life;
  assert.deepEqual([at(0), at(GRACE_MS), at(GRACE_MS + 1)], ["unknown", "unknown", "dead"]);
});

Deno.test("look() begins anew with a Lease that went and came back", () => {
  const lives = new LeaseLives(0);
  lives.look([named("a", { renewTime: "1" })], 0);
  lives.look([], 1000);
  assert.equal(lives.look([named("a", { renewTime: "2" })], 2000)[0]?.life, "unknown");
});
