import assert from "node:assert/strict";
import fc from "fast-check";
import { alignColumns, wrap } from "../../lib/cli/text.ts";

Deno.test("wrap() keeps every word and the width", () => {
  const words = fc.array(fc.stringMatching(/^\w{1,12}$/), { minLength: 1 });
  fc.assert(fc.property(words, (all) => {
    const lines = wrap(all.join(" "), 12);
    assert.equal(lines.join(" "), all.join(" "));
    assert.ok(lines.every((line) => line.length <= 12));
  }));
});

Deno.test("alignColumns() makes columns as wide as their widest cells", () => {
  assert.deepEqual(alignColumns([["a", "b"], ["ccc", "d"]]), ["a    b", "ccc  d"]);
});
