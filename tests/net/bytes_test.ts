import assert from "node:assert/strict";
import { concat, equal } from "../../lib/net/bytes.ts";

Deno.test("equal() compares lengths and bytes", () => {
  const bytes = Uint8Array.of(1, 2);
  assert.ok(equal(bytes, Uint8Array.of(1, 2)));
  assert.ok(!equal(bytes, Uint8Array.of(1, 3)));
  assert.ok(!equal(bytes, Uint8Array.of(1, 2, 3)));
  assert.ok(!equal(bytes, Uint8Array.of(1)));
});

Deno.test("concat() keeps the order, and takes empty parts", () => {
  const parts = [Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3)];
  assert.deepEqual(concat(parts), Uint8Array.of(1, 2, 3));
  assert.deepEqual(concat([]), new Uint8Array());
});
