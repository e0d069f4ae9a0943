import assert from "node:assert/strict";
import fc from "fast-check";
import type { Measurement } from "../../bench/result.ts";
import { scaleFor, stripPlot } from "../../bench/svg.ts";

Deno.test("scaleFor() begins at 0 where values are near each other", () => {
  const scale = scaleFor([22, 47]);
  assert.equal(scale.log, false);
  assert.deepEqual(scale.ticks, [0, 10, 20, 30, 40, 50]);
  assert.equal(scale.place(25), 0.5);
});

Deno.test("scaleFor() is logarithmic where values are far apart", () => {
  const scale = scaleFor([3, 15_000]);
  assert.equal(scale.log, true);
  assert.deepEqual(scale.ticks, [1, 10, 100, 1000, 10_000, 100_000]);
  assert.equal(scale.place(1), 0);
  assert.equal(scale.place(100_000), 1);
});

Deno.test("scaleFor() has room for every value", () => {
  const value = fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max: 1e6, noNaN: true }));
  fc.assert(fc.property(fc.array(value, { minLength: 1 }), (values) => {
    const { place } = scaleFor(values);
    for (const value of values) assert.ok(place(value) >= 0 && place(value) <= 1 + 1e-9);
  }));
});

const measurement: Measurement = {
  part: "handover",
  what: "old → <next>",
  subject: "classvip",
  unit: "ms",
  samples: [20, 22, 31],
  bound: { median: 25, p99: 60 },
};

Deno.test("stripPlot() draws a dot for each sample and a line for each bound", () => {
  const svg = stripPlot("handover", [measurement, { ...measurement, subject: "a & b" }]);
  assert.equal(svg.match(/<circle /g)?.length, 6);
  assert.equal(svg.match(/class="bound"/g)?.length, 4);
  assert.equal(svg.match(/class="median"/g)?.length, 2);
  assert.match(svg, /old → &lt;next&gt;, a &amp; b</);
  assert.match(svg, />22.0 ms</);
});
