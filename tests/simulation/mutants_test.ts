import assert from "node:assert/strict";
import { MUTANTS } from "./mutants.ts";
import { explain, search } from "./search.ts";
import { shrink } from "./shrink.ts";

/** As many as the true agent withstands; most are found within a hundred. */
const SCHEDULES = 10_000;

for (const [name, mutation] of Object.entries(MUTANTS)) {
  Deno.test(`search() finds the agent ${name}`, async () => {
    const { failing, played } = await search({ seed: 1, schedules: SCHEDULES, mutation });
    assert.ok(failing, `not found in ${played} schedules`);
  });
}

Deno.test("shrink() leaves the few actions that it takes, and explain() tells them", async () => {
  const mutation = MUTANTS["that releases before it withdraws"]!;
  const { failing } = await search({ seed: 1, schedules: SCHEDULES, mutation });
  const smallest = await shrink(failing!, mutation);
  assert.ok(smallest.actions.length <= 3, `${smallest.actions.length} actions`);
  const text = await explain(smallest, mutation);
  assert.ok(text.split("\n").length < 40, text);
  assert.match(text, / node-\d {2}SIGTERM/);
  assert.match(text, /Lease \d+ by node-\d\.\d: released/);
  assert.match(text, /VIOLATION: node-\d and node-\d have the VIP$/m);
});
