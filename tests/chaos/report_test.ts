import assert from "node:assert/strict";
import { violations } from "./checker.ts";
import { claim, fault, holding, recording } from "./recordings.ts";
import { reportLines } from "./report.ts";

const run = recording({
  holdings: [holding("node-1", 0, 31_000), holding("node-2", 30_000, 61_050)],
  claims: [claim("node-2", 30_001), claim("node-2", 30_002), claim("node-1", 2000)],
  faults: [fault(["node-1"], 25_000, 29_000), fault(["node-1"], 3000, 4000)],
  sayings: [{ atMs: 30_000.5, node: "node-2", text: "holds the Lease" }],
});

Deno.test("reportLines() shows the 15 s before the first broken promise", () => {
  const lines = reportLines(run, violations(run));
  assert.deepEqual(lines.slice(0, 8), [
    "Before the first broken promise:",
    "   24.000  FAULT  SIGSTOP: node-1, for 4.00 s",
    "   28.000  over   SIGSTOP: node-1",
    "   29.000  node-2 HAS 10.77.0.100",
    "   29.000  node-2 says: holds the Lease",
    "   29.001  node-2 announces 10.77.0.100, frames: 2, within 0.00 s",
    "   30.000  node-1 has no longer 10.77.0.100",
    "",
  ]);
  assert.match(lines.at(-1)!, /29\.00 s: 10\.77\.0\.100 was on node-1 eth0 and on node-2 eth0/);
});

Deno.test("reportLines() says that all is well", () => {
  const [summary, ...more] = reportLines(recording(), []);
  assert.match(summary!, /^faults: 0 · /);
  assert.deepEqual(more, ["All promises were kept."]);
});
