import assert from "node:assert/strict";
import { violations } from "./checker.ts";
import { reportLines } from "./report.ts";
import { play } from "./run.ts";

Deno.test("classvip run keeps its promises through 20 s of random faults", async () => {
  const result = await play({ seed: 22, nodes: 3, durationMs: 20_000, assets: undefined });
  const broken = violations(result.recording);
  assert.deepEqual(broken, [], reportLines(result, broken).join("\n"));
  assert.ok(result.recording.faults.length > 5, `${result.recording.faults.length} faults`);
  assert.ok(result.recording.claims.length > 5, `${result.recording.claims.length} frames`);
});
