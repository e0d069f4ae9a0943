import assert from "node:assert/strict";
import { MUTANTS } from "./mutants.ts";
import { explain, search } from "./search.ts";
import { shrink } from "./shrink.ts";

/** As many as the true agent withstands; most are found within a hundred. */
const SCHEDULES = 10_000;
const TWO_HOLDERS = /have the VIP$|announces the VIP while|may hold while/;

for (const [name, mutation] of Object.entries(MUTANTS)) {
  Deno.test(`search() finds the agent ${name}`, async () => {
    const { violation, played } = await search({ seed: 1, schedules: SCHEDULES, mutation });
    assert.match(violation?.what ?? `nothing in ${played} schedules`, TWO_HOLDERS);
  });
}

Deno.test("search() finds clocks that differ by far more than the agent allows for", async () => {
  const { violation } = await search({ seed: 1, schedules: SCHEDULES, drift: 0.1 });
  assert.match(violation?.what ?? "nothing", TWO_HOLDERS);
});

Deno.test("shrink() leaves the few actions that it takes, and explain() tells them", async () => {
  const mutation = MUTANTS["that releases before it withdraws"]!;
  const { failing } = await search({ seed: 1, schedules: SCHEDULES, mutation });
  const smallest = await shrink(failing!, mutation);
  assert.ok(smallest.actions.length <= 4, `${smallest.actions.length} actions`);
  const text = await explain(smallest, mutation);
  assert.ok(text.split("\n").length < 40, text);
  assert.match(text, / node-\d {2}SIGTERM/);
  assert.match(text, /Lease \d+ by node-(\d)\.\d: (released|of node-(?!\1))/);
  assert.match(text, /VIOLATION: node-\d and node-\d have the VIP$/m);
});
