import assert from "node:assert/strict";
import fc from "fast-check";
import { arpProbeFrame, arpRequestFrame, gratuitousArpFrames } from "../../lib/net/arp.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { formatMac, parseMac } from "../../lib/net/mac.ts";
import { dadSolicitationFrame, unsolicitedNaFrame } from "../../lib/net/ndp.ts";
import { readClaim, readProbe } from "../../lib/vip/conflict.ts";

const own = parseMac("02:00:00:00:00:01")!;
const other = parseMac("02:66:00:00:00:01")!;
const [four, six] = [parseIp("192.0.2.1")!, parseIp("2001:db8::1")!];

function read(frame: Uint8Array) {
  const held = new Set([four.text, six.text]);
  return readClaim(frame, (vip) => held.has(vip), new Set([formatMac(own)]));
}

Deno.test("readClaim() hears who else says to have an address, of either family", () => {
  const mac = formatMac(other);
  assert.deepEqual(read(gratuitousArpFrames(other, four).request), { vip: four.text, mac });
  const na = unsolicitedNaFrame(other, six);
  assert.deepEqual(read(na), { vip: six.text, mac });
  na.set(own, 6);
  assert.deepEqual(read(na), { vip: six.text, mac }, "it names another than who sent it");
});

Deno.test("readClaim() hears no claim in own frames, questions, or other addresses", () => {
  for (
    const frame of [
      gratuitousArpFrames(own, four).reply,
      unsolicitedNaFrame(own, six),
      arpProbeFrame(other, four),
      dadSolicitationFrame(other, six),
      unsolicitedNaFrame(other, parseIp("2001:db8::2")!),
    ]
  ) assert.equal(read(frame), undefined);
});

Deno.test("readClaim() takes cut, padded, forged and random frames calmly", () => {
  const real = fc.constantFrom(
    gratuitousArpFrames(other, four).request,
    unsolicitedNaFrame(other, six),
  );
  const forged = fc.tuple(real, fc.nat(1), fc.array(fc.tuple(fc.nat(99), fc.nat(255)))).map(
    ([frame, cut, flips]) => {
      const copy = frame.slice(0, cut ? Math.floor(frame.length / 2) : undefined);
      for (const [at, value] of flips) if (at < copy.length) copy[at] = value;
      return copy;
    },
  );
  const oversized = real.map((frame) => Uint8Array.of(...frame, ...new Uint8Array(9000)));
  const random = fc.uint8Array({ maxLength: 300 });
  fc.assert(fc.property(fc.oneof(forged, random), (frame) => {
    const claim = read(frame);
    assert.ok(claim === undefined || [four.text, six.text].includes(claim.vip));
  }));
  fc.assert(fc.property(oversized, (frame) => assert.equal(read(frame)?.mac, formatMac(other))));
});

Deno.test("readProbe() tells a probe of another machine from all else, of either family", () => {
  const asked = (vip: string) => vip === four.text || vip === six.text;
  const mac = formatMac(other);
  for (
    const [ip, probe] of [
      [four, arpProbeFrame(other, four)],
      [six, dadSolicitationFrame(other, six)],
    ] as const
  ) {
    assert.deepEqual(readProbe(probe, asked, new Set()), { vip: ip.text, mac });
    assert.equal(readProbe(probe, asked, new Set([mac])), undefined, "its own");
    assert.equal(readProbe(probe, () => false, new Set()), undefined, "of another address");
    for (let length = 0; length < probe.length; length++) {
      assert.equal(readProbe(probe.subarray(0, length), asked, new Set()), undefined);
    }
  }
  const { request, reply } = gratuitousArpFrames(other, four);
  const question = arpRequestFrame({
    senderMac: other,
    senderIp: parseIp("192.0.2.9")!,
    targetIp: four,
  });
  for (const frame of [request, reply, question, unsolicitedNaFrame(other, six)]) {
    assert.equal(readProbe(frame, asked, new Set()), undefined);
  }
});
