import assert from "node:assert/strict";
import fc from "fast-check";
import { type Beacon, BEACON_MAC, BeaconCodec, ReplayFilter } from "../../lib/net/beacon.ts";
import { parseIp } from "../../lib/net/ip.ts";

const KEY = new Uint8Array(32).fill(7);
const codec = new BeaconCodec(KEY, "kube-system/vip");
const BEACON: Beacon = {
  kind: "holder",
  node: "node-1",
  term: 3,
  sequence: 123_456_789_012,
  mac: Uint8Array.of(2, 0x77, 0, 0, 0, 11),
  priority: 50,
  vip: parseIp("192.0.2.1"),
};

const beacons: fc.Arbitrary<Beacon> = fc.record({
  kind: fc.constantFrom("holder", "standby"),
  node: fc.stringMatching(/^[a-z0-9.-]{1,253}$/),
  term: fc.maxSafeNat(),
  sequence: fc.maxSafeNat(),
  mac: fc.uint8Array({ minLength: 6, maxLength: 6 }),
  priority: fc.nat(100),
  vip: fc.constantFrom(undefined, parseIp("192.0.2.1"), parseIp("2001:db8::1")),
}, { noNullPrototype: true });

Deno.test("BeaconCodec.encode() writes the frame byte for byte", () => {
  const frame = codec.encode(BEACON);
  const hex = (from: number, to: number) => frame.slice(from, to).toHex();
  assert.equal(hex(0, 6), BEACON_MAC.toHex()); // destination: a group, locally administered
  assert.equal(BEACON_MAC[0]! & 3, 3);
  assert.equal(hex(6, 12), "02770000000b"); // source
  assert.equal(hex(12, 14), "88b5"); // local experimental EtherType 1
  assert.equal(hex(14, 18), "43564950"); // "CVIP"
  assert.equal(hex(18, 20), "0100"); // version 1, holder
  assert.equal(hex(20, 28), "0000000000000003"); // term
  assert.equal(hex(28, 36), "0000001cbe991a14"); // sequence
  assert.equal(hex(36, 42), "02770000000b"); // MAC
  assert.equal(hex(42, 44), "3204"); // priority, length of the VIP
  assert.equal(hex(44, 60), "c0000201" + "00".repeat(12));
  assert.equal(hex(60, 64), "000f0006"); // lengths of instance and node
  assert.equal(new TextDecoder().decode(frame.slice(64, 85)), "kube-system/vipnode-1");
  assert.equal(frame.length, 85 + 32); // HMAC-SHA256
});

Deno.test("BeaconCodec.decode() reads what encode() wrote", () => {
  fc.assert(fc.property(beacons, (beacon) => {
    assert.deepEqual(codec.decode(codec.encode(beacon)), beacon);
  }));
});

Deno.test("BeaconCodec.decode() takes nothing that was changed in a single bit", () => {
  const frame = codec.encode(BEACON);
  // The destination is the network's to judge.
  for (let bit = 6 * 8; bit < frame.length * 8; bit++) {
    const changed = frame.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(typeof codec.decode(changed), "string", `bit ${bit}`);
  }
});

Deno.test("BeaconCodec.decode() takes nothing that is cut, longer, or random", () => {
  const frame = codec.encode(BEACON);
  for (let length = 0; length < frame.length; length++) {
    assert.equal(codec.decode(frame.slice(0, length)), "malformed", `${length} bytes`);
  }
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 2000 }), (tail) => {
    assert.equal(codec.decode(Uint8Array.of(...frame, ...tail)), "malformed");
    assert.equal(typeof codec.decode(tail), "string");
    assert.equal(typeof codec.decode(Uint8Array.of(...frame.slice(0, 20), ...tail)), "string");
  }));
});

Deno.test("BeaconCodec.decode() tells another instance's beacon from one with another key", () => {
  const frame = codec.encode(BEACON);
  assert.equal(new BeaconCodec(KEY, "kube-system/other").decode(frame), "foreign");
  const otherKey = new BeaconCodec(new Uint8Array(32), "kube-system/vip");
  assert.equal(otherKey.decode(frame), "forged");
});

Deno.test("ReplayFilter takes each beacon of a node once, in order", () => {
  const filter = new ReplayFilter();
  const takes = (node: string, term: number, sequence: number) =>
    filter.accepts({ node, term, sequence });
  assert.ok(takes("a", 1, 10));
  assert.ok(!takes("a", 1, 10), "the same again");
  assert.ok(!takes("a", 1, 9), "an older one");
  assert.ok(!takes("a", 0, 9), "one of an older term");
  assert.ok(takes("b", 1, 9), "another node");
  assert.ok(takes("a", 1, 11));
  assert.ok(takes("a", 2, 3), "after a boot, in a new term");
  assert.ok(!takes("a", 1, 3), "from before the boot, as far as anybody can tell");
  assert.ok(takes("a", 1, 12), "the Lease was made anew");
});
