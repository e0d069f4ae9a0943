import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeEthernet, encodeEthernet } from "../../lib/net/ethernet.ts";
import { ipFromBytes, parseIp } from "../../lib/net/ip.ts";
import { parseMac } from "../../lib/net/mac.ts";
import {
  dadSolicitationFrame,
  decodeDadSolicitation,
  decodeNa,
  unsolicitedNaFrame,
} from "../../lib/net/ndp.ts";

const mac = parseMac("02:00:5e:10:00:01")!;
const vip = parseIp("2001:db8::a1:b2c3")!;
const arbitraryIp = fc.uint8Array({ minLength: 16, maxLength: 16 })
  .filter((bytes) => bytes[0] !== 0xff)
  .map((bytes) => ipFromBytes(bytes)!);
const arbitraryMac = fc.uint8Array({ minLength: 6, maxLength: 6 });

// deno-fmt-ignore
const NA = Uint8Array.of(
  0x33, 0x33, 0x00, 0x00, 0x00, 0x01, // Ethernet destination: all nodes
  0x02, 0x00, 0x5e, 0x10, 0x00, 0x01, // Ethernet source
  0x86, 0xdd, // EtherType: IPv6
  0x60, 0, 0, 0, // version 6, traffic class, flow label
  0, 32, // payload length
  58, // next header: ICMPv6
  255, // hop limit
  0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa1, 0xb2, 0xc3, // source: the VIP
  0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, // destination: ff02::1
  136, 0, // type, code
  // 0x20 + 0x3a
  // + 2001 + 0db8 + 00a1 + b2c3   source
  // + ff02 + 0001                 destination
  // + 8800 + 2000                 type, flags
  // + 2001 + 0db8 + 00a1 + b2c3   target
  // + 0201 + 0200 + 5e10 + 0001   option
  // = 0x3cba9, folded 0xcbac, inverted:
  0x34, 0x53, // checksum
  0x20, 0, 0, 0, // R=0 S=0 O=1
  0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa1, 0xb2, 0xc3, // target
  2, 1, // option: target link-layer address, 8 bytes
  0x02, 0x00, 0x5e, 0x10, 0x00, 0x01,
);

Deno.test("unsolicitedNaFrame() overrides what all nodes know (RFC 4861, 7.2.6)", () => {
  assert.deepEqual(unsolicitedNaFrame(mac, vip), NA);
});

Deno.test("dadSolicitationFrame() asks the solicited-node group from no address (RFC 4862)", () => {
  // deno-fmt-ignore
  assert.deepEqual(dadSolicitationFrame(mac, vip), Uint8Array.of(
    0x33, 0x33, 0xff, 0xa1, 0xb2, 0xc3, // Ethernet destination: the group's low 32 bits
    0x02, 0x00, 0x5e, 0x10, 0x00, 0x01, // Ethernet source
    0x86, 0xdd, // EtherType: IPv6
    0x60, 0, 0, 0, // version 6
    0, 24, // payload length
    58, // next header: ICMPv6
    255, // hop limit
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // source: ::
    0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff, 0xa1, 0xb2, 0xc3, // ff02::1:ffa1:b2c3
    135, 0, // type, code
    // 0x18 + 0x3a + ff02 + 0001 + ffa1 + b2c3 + 8700 + 2001 + 0db8 + 00a1 + b2c3
    // = 0x419d6, folded 0x19da, inverted:
    0xe6, 0x25, // checksum
    0, 0, 0, 0,
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa1, 0xb2, 0xc3, // target
  ));
});

Deno.test("decodeNa() reads what unsolicitedNaFrame() wrote, padded too, but not cut", () => {
  fc.assert(fc.property(arbitraryMac, arbitraryIp, fc.nat(85), (mac, ip, length) => {
    const frame = unsolicitedNaFrame(mac, ip);
    const na = { target: ip, targetMac: mac, solicited: false, override: true };
    assert.deepEqual(decodeNa(decodeEthernet(frame)!), na);
    const padded = Uint8Array.of(...frame, ...new Uint8Array(1500));
    assert.deepEqual(decodeNa(decodeEthernet(padded)!), na);
    const cut = decodeEthernet(frame.subarray(0, length));
    assert.equal(cut && decodeNa(cut), undefined);
  }));
});

Deno.test("decodeDadSolicitation() reads what dadSolicitationFrame() wrote, and no more", () => {
  fc.assert(fc.property(arbitraryMac, arbitraryIp, (mac, ip) => {
    const frame = decodeEthernet(dadSolicitationFrame(mac, ip))!;
    assert.deepEqual(decodeDadSolicitation(frame), ip);
    assert.equal(decodeNa(frame), undefined);
    assert.equal(decodeDadSolicitation(decodeEthernet(unsolicitedNaFrame(mac, ip))!), undefined);
  }));
});

Deno.test("decodeNa() takes nothing with one byte changed that counts", () => {
  const unchecked = new Set([15, 16, 17]); // traffic class and flow label
  fc.assert(
    fc.property(
      fc.integer({ min: 12, max: NA.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      (at, by) => {
        const frame = NA.slice();
        frame[at]! ^= by;
        if (unchecked.has(at) || (at === 14 && by < 16)) return;
        assert.equal(decodeNa(decodeEthernet(frame)!), undefined, `byte ${at}`);
      },
    ),
  );
});

/** The NA with changes, and a checksum that is right again. */
function changed(change: (payload: Uint8Array) => Uint8Array | void): Uint8Array {
  const { payload: original, ...head } = decodeEthernet(NA)!;
  const copy = original.slice();
  const payload = change(copy) ?? copy;
  new DataView(payload.buffer).setUint16(4, payload.length - 40);
  payload.set([0, 0], 42);
  const words = [...payload.subarray(8), ...payload.length % 2 ? [0] : []];
  let sum = payload.length - 40 + 58;
  for (let i = 0; i < words.length; i += 2) sum += words[i]! << 8 | words[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  new DataView(payload.buffer).setUint16(42, ~sum & 0xffff);
  return encodeEthernet({ ...head, payload });
}

Deno.test("decodeNa() discards what RFC 4861, 7.1.2 says", () => {
  const decode = (frame: Uint8Array) => decodeNa(decodeEthernet(frame)!);
  assert.ok(decode(changed(() => {})), "the checksum of the test is right");
  const bad: [string, Uint8Array][] = [
    ["through a router", changed((p) => void (p[7] = 254))],
    ["code", changed((p) => void (p[41] = 1))],
    ["a multicast target", changed((p) => void (p[48] = 0xff))],
    ["solicited, to a multicast address", changed((p) => void (p[44] = 0x60))],
    ["an option without length", changed((p) => void (p[65] = 0))],
    ["an option that is cut", changed((p) => void (p[65] = 2))],
    ["half an option", changed((p) => p.slice(0, 68))],
    ["no whole target", changed((p) => p.slice(0, 56))],
  ];
  for (const [what, frame] of bad) assert.equal(decode(frame), undefined, what);
});

Deno.test("decodeNa() takes an answer to one asker, without the option that he needs not", () => {
  const frame = changed((payload) => {
    payload[24] = 0x20; // the IPv6 destination
    payload[44] = 0x40;
    return payload.slice(0, 64);
  });
  assert.deepEqual(decodeNa(decodeEthernet(frame)!), {
    target: vip,
    solicited: true,
    override: false,
  });
});

Deno.test("decodeNa() never throws", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, likely) => {
    const frame = likely ? Uint8Array.of(...NA.subarray(0, 54), ...bytes) : bytes;
    const ethernet = decodeEthernet(frame);
    if (ethernet === undefined) return;
    decodeNa(ethernet);
    decodeDadSolicitation(ethernet);
  }));
});
