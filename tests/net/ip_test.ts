import assert from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import { ipFromBytes, parseIp } from "../../lib/net/ip.ts";

Deno.test("parseIp() reads strict dotted quads", () => {
  assert.deepEqual(parseIp("192.0.2.1"), {
    family: 4,
    bytes: Uint8Array.of(192, 0, 2, 1),
    text: "192.0.2.1",
  });
  for (
    const text of ["", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4 ", "1.2.3."]
  ) {
    assert.equal(parseIp(text), undefined, text);
  }
});

Deno.test("parseIp() writes IPv6 as RFC 5952 has it", () => {
  const cases: [text: string, canonical: string, rule: string][] = [
    ["2001:0DB8::0001", "2001:db8::1", "4.1, 4.3: no leading zeros, lower case"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1", "4.2.1: as short as possible"],
    ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1", "4.2.2: not for one group of zeros"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1", "4.2.3: the longest run"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", "4.2.3: the first of equal runs"],
    ["0:0:0:0:0:0:0:0", "::", "all zeros"],
    ["1::", "1::", "a run at the end"],
    ["::ffff:c000:201", "::ffff:192.0.2.1", "5: IPv4-mapped"],
    ["64:ff9b::192.0.2.1", "64:ff9b::c000:201", "embedded IPv4"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304", "embedded IPv4 behind six groups"],
  ];
  for (const [text, canonical, rule] of cases) {
    assert.equal(parseIp(text)?.text, canonical, rule);
    assert.equal(parseIp(text)?.family, 6, rule);
  }
});

Deno.test("parseIp() refuses what is no IPv6 address", () => {
  const cases = [":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::"];
  cases.push("fe80::1%eth0", "::1.2.3", "1.2.3.4::", "::1.2.3.04", "1:2:3:4:5:6:7::8", "[::1]");
  for (const text of cases) assert.equal(parseIp(text), undefined, text);
});

Deno.test("parseIp() accepts the same texts as node:net, but no zones", () => {
  const soup = fc.string({ unit: fc.constantFrom(..."012345abf:::..") });
  fc.assert(fc.property(fc.oneof(soup, fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
    assert.equal(parseIp(text) !== undefined, isIP(text) !== 0 && !text.includes("%"), text);
  }));
});

Deno.test("ipFromBytes() writes text that parseIp() reads back", () => {
  const byte = fc.oneof(fc.constant(0), fc.nat(255)); // runs of zeros are the difficult part
  const bytes = (length: number) => fc.array(byte, { minLength: length, maxLength: length });
  fc.assert(fc.property(fc.oneof(bytes(4), bytes(16)), (array) => {
    const ip = ipFromBytes(Uint8Array.from(array));
    assert.ok(ip);
    assert.deepEqual(parseIp(ip.text), ip);
    if (ip.family === 6 && !ip.text.includes(".")) {
      assert.equal(`[${ip.text}]`, new URL(`http://[${ip.text}]`).hostname);
    }
  }));
});

Deno.test("ipFromBytes() refuses other lengths and copies", () => {
  assert.equal(ipFromBytes(new Uint8Array(5)), undefined);
  const bytes = Uint8Array.of(10, 0, 0, 1);
  const ip = ipFromBytes(bytes);
  bytes[0] = 11;
  assert.deepEqual(ip?.bytes, Uint8Array.of(10, 0, 0, 1));
});
