import assert from "node:assert/strict";
import { violations } from "./checker.ts";
import { reportLines } from "./report.ts";
import { play } from "./run.ts";

Deno.test("classvip run keeps its promises through 20 s of random faults", async () => {
  const recording = await play({
    seed: 22,
    nodes: 3,
    durationMs: 20_000,
    assets: undefined,
    fast: false,
  });
  const broken = violations(recording);
  assert.deepEqual(broken, [], reportLines(recording, broken).join("\n"));
  assert.ok(recording.faults.length > 5, `${recording.faults.length} faults`);
  assert.ok(recording.claims.length > 5, `${recording.claims.length} frames`);
});
