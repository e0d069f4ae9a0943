import assert from "node:assert/strict";
import fc from "fast-check";
import {
  arpReplyFrame,
  arpRequestFrame,
  decodeArp,
  encodeArp,
  gratuitousArpFrames,
} from "../../lib/net/arp.ts";
import { decodeEthernet } from "../../lib/net/ethernet.ts";
import { ipFromBytes, parseIp } from "../../lib/net/ip.ts";
import { parseMac } from "../../lib/net/mac.ts";

const senderMac = parseMac("02:00:5e:10:00:01")!;
const senderIp = parseIp("192.0.2.1")!;
const targetMac = parseMac("02:00:5e:10:00:02")!;
const targetIp = parseIp("192.0.2.2")!;

Deno.test("gratuitousArpFrames() makes a request without and a reply with the sender as target", () => {
  const { request, reply } = gratuitousArpFrames(senderMac, senderIp);
  // deno-fmt-ignore
  const expected = (operation: number, targetHardwareAddress: number[]) => Uint8Array.of(
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // Ethernet destination: broadcast
    0x02, 0x00, 0x5e, 0x10, 0x00, 0x01, // Ethernet source
    0x08, 0x06, // EtherType: ARP
    0x00, 0x01, // ar$hrd: Ethernet
    0x08, 0x00, // ar$pro: IPv4
    6, // ar$hln
    4, // ar$pln
    0x00, operation, // ar$op
    0x02, 0x00, 0x5e, 0x10, 0x00, 0x01, // ar$sha
    192, 0, 2, 1, // ar$spa
    ...targetHardwareAddress, // ar$tha
    192, 0, 2, 1, // ar$tpa: the same address
  );
  assert.deepEqual(request, expected(1, [0, 0, 0, 0, 0, 0]));
  assert.deepEqual(reply, expected(2, [...senderMac]));
});

Deno.test("arpRequestFrame() asks everybody", () => {
  const frame = decodeEthernet(arpRequestFrame({ senderMac, senderIp, targetIp }))!;
  assert.deepEqual(frame.destination, new Uint8Array(6).fill(0xff));
  assert.deepEqual(frame.source, senderMac);
  assert.deepEqual(decodeArp(frame.payload), {
    operation: 1,
    senderMac,
    senderIp,
    targetMac: new Uint8Array(6),
    targetIp,
  });
});

Deno.test("arpReplyFrame() answers the one who asked", () => {
  const frame = decodeEthernet(arpReplyFrame({ senderMac, senderIp, targetMac, targetIp }))!;
  assert.deepEqual(frame.destination, targetMac);
  assert.deepEqual(decodeArp(frame.payload), {
    operation: 2,
    senderMac,
    senderIp,
    targetMac,
    targetIp,
  });
});

Deno.test("decodeArp() reads back what encodeArp() wrote, padded too, but not cut", () => {
  const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
  const ip = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ipFromBytes(bytes)!);
  const packet = fc.record({
    operation: fc.nat(0xffff),
    senderMac: mac,
    senderIp: ip,
    targetMac: mac,
    targetIp: ip,
  }, { noNullPrototype: true });
  fc.assert(fc.property(packet, fc.nat(27), (packet, length) => {
    const bytes = encodeArp(packet);
    assert.deepEqual(decodeArp(bytes), packet);
    assert.deepEqual(decodeArp(Uint8Array.of(...bytes, ...new Uint8Array(18))), packet);
    assert.equal(decodeArp(bytes.subarray(0, length)), undefined);
  }));
});

Deno.test("decodeArp() refuses other hardware and protocols", () => {
  const good = encodeArp({ operation: 1, senderMac, senderIp, targetMac, targetIp });
  for (let index = 0; index < 6; index++) {
    const bytes = good.slice();
    bytes[index] = 0x7f;
    assert.equal(decodeArp(bytes), undefined, `byte ${index}`);
  }
});

Deno.test("decodeArp() never throws", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    decodeArp(bytes);
  }));
});
