import assert from "node:assert/strict";
import { LineDecoder } from "../../lib/kube/lines.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("push() gives up on a line without an end, and counts each line by itself", () => {
  const decoder = new LineDecoder(10);
  assert.deepEqual(decoder.push(bytes("12345678\n12345678")), ["12345678"]);
  assert.deepEqual(decoder.push(bytes("9\n1")), ["123456789"]);
  assert.throws(() => decoder.push(bytes("2345678901")), RangeError);
});
