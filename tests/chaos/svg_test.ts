import assert from "node:assert/strict";
import { violations } from "./checker.ts";
import { claim, fault, holding, recording } from "./recordings.ts";
import { drawRun } from "./svg.ts";

const run = recording({
  holdings: [holding("node-1", 0, 11_000), holding("node-2", 10_000, 61_050)],
  claims: [claim("node-1", 2000), claim("node-1", 2005), claim("node-2", 10_000)],
  faults: [
    fault(["node-1"], 5000, 9000),
    fault(["node-1"], 6000, 7000, { label: "API cut off <all>" }),
    fault([], 30_000, 30_000, { label: "Lease deleted", disables: false }),
  ],
});

Deno.test("drawRun() draws who has a VIP, frames and faults", () => {
  const svg = drawRun(run, []);
  assert.equal(svg.match(/<title>node-1 has /g)?.length, 1);
  assert.equal(svg.match(/<title>node-2 has /g)?.length, 1);
  assert.equal(svg.match(/v5/g)?.length, 3);
  assert.equal(svg.match(/class="fault"/g)?.length, 2);
  assert.equal(svg.match(/class="soft"/g)?.length, 1);
  assert.ok(svg.includes("API cut off &lt;all&gt;"));
  assert.ok(svg.includes("all promises kept"));
});

Deno.test("drawRun() gives faults that overlap rows of their own", () => {
  const tops = [
    ...drawRun(run, []).matchAll(/y="([\d.]+)" width="[\d.]+" height="13" class="fault"/g),
  ]
    .map(([, y]) => Number(y));
  assert.equal(tops.length, 2);
  assert.equal(tops[1]! - tops[0]!, 15);
});

Deno.test("drawRun() marks broken promises", () => {
  const svg = drawRun(run, violations(run));
  assert.ok(svg.includes("broken promises: 1"));
  assert.match(svg, /class="broken">9\.00 s: 10\.77\.0\.100 was on node-1 eth0 and on node-2/);
});
