import assert from "node:assert/strict";
import fc from "fast-check";
import { LineDecoder } from "../../lib/kube/lines.ts";

Deno.test("LineDecoder.push() gives the same lines however the bytes are cut", () => {
  const line = fc.string({ unit: "binary", minLength: 1 }).map((text) => JSON.stringify(text));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(400)), (lines, cuts) => {
      const bytes = new TextEncoder().encode(lines.map((line) => line + "\n").join(""));
      const decoder = new LineDecoder();
      const found: string[] = [];
      let at = 0;
      for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
        found.push(...decoder.push(bytes.subarray(at, cut)));
        at = Math.min(cut, bytes.length);
      }
      // JSON keeps line breaks of its own escaped; a lone surrogate does not survive UTF-8.
      assert.deepEqual(found, lines.map((line) => line.toWellFormed()));
    }),
  );
});
