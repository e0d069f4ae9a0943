import assert from "node:assert/strict";
import { format, type Measurement, ratio, verdict } from "../../bench/result.ts";

const measurement: Measurement = {
  part: "crash",
  what: "gap",
  subject: "classvip",
  unit: "ms",
  samples: [10, 20, 30],
};

Deno.test("verdict() holds the median and the tail to their own bounds", () => {
  const { samples } = measurement;
  assert.equal(verdict({ samples }), "");
  assert.equal(verdict({ samples, bound: { median: 20, p99: 30 } }), "ok");
  assert.equal(verdict({ samples, bound: { median: 19 } }), "MISS");
  assert.equal(verdict({ samples, bound: { median: 20, p99: 29 } }), "MISS");
});

Deno.test("ratio() compares with classvip at the same thing only", () => {
  const peer = { ...measurement, subject: "peer", samples: [50] };
  const all = [measurement, peer];
  assert.equal(ratio(peer, all), 2.5);
  assert.equal(ratio(measurement, all), undefined);
  assert.equal(ratio({ ...peer, what: "something else" }, all), undefined);
});

Deno.test("format() is as short as the size allows", () => {
  assert.equal(format(3.14159, "ms"), "3.1 ms");
  assert.equal(format(243.6, "ms"), "244 ms");
  assert.equal(format(5043, "ms"), "5.04 s");
  assert.equal(format(93.44, "MB"), "93.4 MB");
  assert.equal(format(0.6666, "1/s"), "0.67/s");
});
