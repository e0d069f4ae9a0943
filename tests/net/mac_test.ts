import assert from "node:assert/strict";
import fc from "fast-check";
import { formatMac, parseMac } from "../../lib/net/mac.ts";

Deno.test("formatMac() writes what parseMac() reads", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (mac) => {
    const text = formatMac(mac);
    assert.match(text, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    assert.deepEqual(parseMac(text), mac);
    assert.deepEqual(parseMac(text.toUpperCase().replaceAll(":", "-")), mac);
  }));
});

Deno.test("parseMac() refuses other texts", () => {
  const cases = [
    "",
    "02:00:5e:10:00",
    "02:00:5e:10:00:01:02",
    "02:00-5e:10:00:01",
    "2:0:5e:10:0:1",
  ];
  for (const text of cases) assert.equal(parseMac(text), undefined, text);
});
