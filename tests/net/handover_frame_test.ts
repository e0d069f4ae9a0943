import assert from "node:assert/strict";
import fc from "fast-check";
import {
  HandoverCodec,
  type HandoverMessage,
  type HandoverOffer,
} from "../../lib/net/handover_frame.ts";
import { BROADCAST_MAC } from "../../lib/net/mac.ts";

const MAC = Uint8Array.of(2, 0x77, 0, 0, 0, 11);
const KEY = new Uint8Array(32).fill(7);
const open = new HandoverCodec("kube-system/vip");
const keyed = new HandoverCodec("kube-system/vip", KEY);
const OFFER: HandoverOffer = {
  kind: "offer",
  node: "node-1",
  id: "call-1",
  incarnation: "boot-1",
  priority: 50,
  token: "token-1",
};

const text = (max: number) => fc.string({ minLength: 1, maxLength: max, unit: "grapheme" });
const messages: fc.Arbitrary<HandoverMessage> = fc.oneof(
  fc.record({
    kind: fc.constant("call" as const),
    node: text(60),
    id: text(36),
    version: text(20),
  }, { noNullPrototype: true }),
  fc.record({
    kind: fc.constant("offer" as const),
    node: text(60),
    id: text(36),
    incarnation: text(60),
    priority: fc.nat(100),
    token: text(36),
  }, { noNullPrototype: true }),
);

Deno.test("HandoverCodec.encode() writes the frame byte for byte", () => {
  const frame = open.encode(OFFER, MAC, BROADCAST_MAC);
  const hex = (from: number, to: number) => frame.slice(from, to).toHex();
  assert.equal(hex(0, 6), "ffffffffffff"); // destination
  assert.equal(hex(6, 12), "02770000000b"); // source
  assert.equal(hex(12, 14), "88b6"); // local experimental EtherType 2
  assert.equal(hex(14, 18), "4356484f"); // "CVHO"
  assert.equal(hex(18, 21), "010132"); // version 1, offer, priority 50
  const texts = ["kube-system/vip", "node-1", "call-1", "boot-1", "token-1"];
  const bytes = texts.map((text) =>
    text.length.toString(16).padStart(4, "0") + new TextEncoder().encode(text).toHex()
  );
  assert.equal(hex(21, frame.length), bytes.join(""));
  const { length } = keyed.encode(OFFER, MAC, BROADCAST_MAC);
  assert.equal(length, frame.length + 32); // HMAC-SHA256
});

Deno.test("HandoverCodec.decode() reads what encode() wrote, also where Ethernet padded it", () => {
  fc.assert(fc.property(messages, fc.nat(60), (message, padding) => {
    for (const codec of [open, keyed]) {
      const frame = codec.encode(message, MAC, BROADCAST_MAC);
      const padded = new Uint8Array(frame.length + padding);
      padded.set(frame);
      assert.deepEqual(codec.decode(padded), { ...message, mac: MAC });
    }
  }));
});

Deno.test("HandoverCodec.decode() with a key takes nothing that was changed in a single bit", () => {
  const frame = keyed.encode(OFFER, MAC, BROADCAST_MAC);
  // Where it came from, and to whom it went, is the network's to judge.
  for (let bit = 12 * 8; bit < frame.length * 8; bit++) {
    const changed = frame.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(typeof keyed.decode(changed), "string", `bit ${bit}`);
  }
});

Deno.test("HandoverCodec.decode() tells foreign, forged and malformed frames apart", () => {
  const frame = open.encode(OFFER, MAC, BROADCAST_MAC);
  assert.equal(new HandoverCodec("other/vip").decode(frame), "foreign");
  assert.equal(keyed.decode(frame), "forged", "without a key");
  const other = new HandoverCodec("kube-system/vip", new Uint8Array(32));
  assert.equal(keyed.decode(other.encode(OFFER, MAC, BROADCAST_MAC)), "forged", "another key");
  const signed = keyed.encode(OFFER, MAC, BROADCAST_MAC);
  assert.equal(open.decode(signed), "malformed", "what follows is not padding");
  for (let length = 0; length < frame.length; length++) {
    assert.equal(open.decode(frame.slice(0, length)), "malformed", `${length} bytes`);
  }
  const with_ = (more: Partial<HandoverOffer>) =>
    open.decode(open.encode({ ...OFFER, ...more }, MAC, BROADCAST_MAC));
  for (const more of [{ node: "" }, { id: "" }, { incarnation: "" }, { token: "" }]) {
    assert.equal(with_(more), "malformed", JSON.stringify(more));
  }
  assert.equal(with_({ priority: 101 }), "malformed");
  const at = (offset: number, value: number) => {
    const changed = frame.slice();
    changed[offset] = value;
    return open.decode(changed);
  };
  assert.equal(at(12, 0x08), "malformed", "EtherType");
  assert.equal(at(14, 0), "malformed", "magic");
  assert.equal(at(18, 2), "malformed", "version");
  assert.equal(at(19, 7), "malformed", "kind");
  assert.equal(at(38 + 2, 0xff), "malformed", "no UTF-8");
});

Deno.test("HandoverCodec.decode() survives whatever comes", () => {
  const frame = open.encode(OFFER, MAC, BROADCAST_MAC);
  fc.assert(fc.property(
    fc.uint8Array({ maxLength: 200 }),
    fc.nat(frame.length),
    (bytes, at) => {
      for (const codec of [open, keyed]) {
        codec.decode(bytes);
        const spliced = frame.slice(0, Math.max(frame.length, at + bytes.length));
        spliced.set(bytes.subarray(0, spliced.length - at), at);
        codec.decode(spliced);
      }
    },
  ));
});
