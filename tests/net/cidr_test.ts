import assert from "node:assert/strict";
import fc from "fast-check";
import { contains, parseCidr } from "../../lib/net/cidr.ts";
import { ipFromBytes, parseIp } from "../../lib/net/ip.ts";

Deno.test("parseCidr() reads an address and a prefix length", () => {
  assert.deepEqual(parseCidr("10.1.2.3/8"), { ip: parseIp("10.1.2.3"), prefixLength: 8 });
  assert.equal(parseCidr("2001:db8::/128")?.prefixLength, 128);
  const wrong = ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/", "/8", "::/129", "::/-1"];
  for (const text of [...wrong, "10.0.0.0/8/8"]) assert.equal(parseCidr(text), undefined, text);
});

Deno.test("contains() compares the prefix, and the family", () => {
  const cases: [cidr: string, ip: string, expected: boolean][] = [
    ["10.0.0.0/8", "10.255.255.255", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["192.168.1.77/25", "192.168.1.127", true],
    ["192.168.1.77/25", "192.168.1.128", false],
    ["192.0.2.1/32", "192.0.2.1", true],
    ["192.0.2.1/32", "192.0.2.0", false],
    ["0.0.0.0/0", "255.255.255.255", true],
    ["0.0.0.0/0", "::", false],
    ["::/0", "0.0.0.0", false],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
  ];
  for (const [cidr, ip, expected] of cases) {
    assert.equal(contains(parseCidr(cidr)!, parseIp(ip)!), expected, `${cidr} ${ip}`);
  }
});

Deno.test("contains() agrees with arithmetic on whole numbers", () => {
  const bytes = fc.uint8Array({ minLength: 4, maxLength: 4 });
  const value = (array: Uint8Array) => array.reduce((sum, byte) => sum * 256 + byte, 0);
  fc.assert(fc.property(bytes, bytes, fc.nat(32), fc.nat(32), (base, other, common, length) => {
    // Take over some leading bits, so that many cases match.
    const size = 2 ** (32 - common);
    const mixed = Math.floor(value(base) / size) * size + value(other) % size;
    const ip = ipFromBytes(Uint8Array.of(mixed >>> 24, mixed >>> 16, mixed >>> 8, mixed))!;
    const block = 2 ** (32 - length);
    assert.equal(
      contains({ ip: ipFromBytes(base)!, prefixLength: length }, ip),
      Math.floor(value(base) / block) === Math.floor(mixed / block),
    );
  }));
});
