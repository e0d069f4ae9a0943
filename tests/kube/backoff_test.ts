import assert from "node:assert/strict";
import { backoffMs } from "../../lib/kube/backoff.ts";

Deno.test("backoffMs() doubles, spreads, and stays within its bounds", () => {
  assert.equal(backoffMs(0, () => 0), 100);
  assert.equal(backoffMs(0, () => 0.999), 299.8);
  assert.equal(backoffMs(3, () => 0.5), 1600);
  assert.ok(backoffMs(10_000, () => 0.999) < 7_500);
  assert.equal(backoffMs(0, () => 0.5, 3_000), 3_000);
  assert.equal(backoffMs(0, () => 0.5, 1e9), 60_000);
});
