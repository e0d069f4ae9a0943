import assert from "node:assert/strict";
import { summarize } from "./traffic.ts";

Deno.test("summarize() measures the gap between answered attempts, in the order they began", () => {
  const attempts = [
    { atMs: 0, node: "a" },
    { atMs: 60, node: "b" }, // over before the attempts that wait for their deadline
    { atMs: 20, error: "timeout" },
    { atMs: 40, error: "timeout" },
    { atMs: 80, node: "b" },
  ];
  assert.deepEqual(summarize(attempts), {
    attempts: 5,
    failures: 2,
    longestGapMs: 60,
    answers: { a: 1, b: 2 },
  });
});

Deno.test("summarize() counts a gap that has not ended, and one at the start", () => {
  const failed = (atMs: number) => ({ atMs, error: "refused" });
  assert.equal(summarize([{ atMs: 0, node: "a" }, failed(20), failed(90)]).longestGapMs, 90);
  assert.equal(summarize([failed(0), failed(20), { atMs: 50, node: "a" }]).longestGapMs, 50);
  assert.equal(summarize([]).longestGapMs, 0);
});
