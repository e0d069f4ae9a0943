import assert from "node:assert/strict";
import fc from "fast-check";
import { summarize } from "../../bench/statistics.ts";

Deno.test("summarize() takes the middle, or the mean of the two in the middle", () => {
  assert.equal(summarize([5, 1, 3]).median, 3);
  assert.equal(summarize([4, 1, 3, 2]).median, 2.5);
  assert.deepEqual(summarize([7]), { count: 1, min: 7, median: 7, p99: 7, max: 7 });
});

Deno.test("summarize() has the nearest rank as the 99th percentile", () => {
  const samples = Array.from({ length: 200 }, (_, i) => i + 1);
  assert.equal(summarize(samples).p99, 198);
  assert.equal(summarize(samples.slice(0, 100)).p99, 99);
  // With fewer than a hundred it is the maximum.
  assert.equal(summarize(samples.slice(0, 99)).p99, 99);
  assert.equal(summarize(samples.slice(0, 10)).p99, 10);
});

Deno.test("summarize() keeps the samples in order, whatever their order", () => {
  const sample = fc.double({ min: -1e12, max: 1e12, noNaN: true });
  fc.assert(fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
    const before = [...samples];
    const { min, median, p99, max, count } = summarize(samples);
    assert.ok(min <= median && median <= max && p99 <= max && p99 >= min);
    assert.ok(samples.includes(p99));
    assert.equal(count, samples.length);
    assert.deepEqual(samples, before);
  }));
});

Deno.test("summarize() refuses to speak of nothing", () => {
  assert.throws(() => summarize([]), RangeError);
});
