import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeAttributes,
  decodeErrno,
  decodeNetlinkMessages,
  decodeU32,
  encodeAttributes,
  encodeNetlinkMessage,
  encodeU32,
} from "../../lib/net/netlink_message.ts";

const message = fc.record({
  type: fc.nat(0xffff),
  flags: fc.nat(0xffff),
  sequence: fc.nat(0xffffffff),
  payload: fc.uint8Array({ maxLength: 40 }),
}, { noNullPrototype: true });

function concatenate(parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("encodeNetlinkMessage() writes struct nlmsghdr and pads", () => {
  const payload = Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd, 0xee);
  // deno-fmt-ignore
  assert.deepEqual(encodeNetlinkMessage({ type: 20, flags: 0x0505, sequence: 7, payload }), Uint8Array.of(
    21, 0, 0, 0, // nlmsg_len, without padding
    20, 0, // nlmsg_type
    0x05, 0x05, // nlmsg_flags
    7, 0, 0, 0, // nlmsg_seq
    0, 0, 0, 0, // nlmsg_pid
    0xaa, 0xbb, 0xcc, 0xdd, 0xee,
    0, 0, 0, // padding
  ));
});

Deno.test("decodeNetlinkMessages() reads back a datagram of many", () => {
  fc.assert(fc.property(fc.array(message), (messages) => {
    const decoded = decodeNetlinkMessages(concatenate(messages.map(encodeNetlinkMessage)));
    assert.deepEqual(decoded?.map((m) => ({ ...m, payload: m.payload.slice() })), messages);
  }));
});

Deno.test("decodeNetlinkMessages() refuses a cut datagram", () => {
  fc.assert(fc.property(message, message, fc.nat(), (first, second, cut) => {
    const head = encodeNetlinkMessage(first);
    const tail = encodeNetlinkMessage(second);
    const rest = 1 + cut % (15 + second.payload.length); // without the padding, which may be cut
    assert.equal(decodeNetlinkMessages(concatenate([head, tail.subarray(0, rest)])), undefined);
  }));
});

Deno.test("decodeNetlinkMessages() ends and never throws on any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    for (const { payload } of decodeNetlinkMessages(bytes) ?? []) decodeAttributes(payload);
    decodeAttributes(bytes);
  }));
});

Deno.test("decodeAttributes() reads back what encodeAttributes() wrote", () => {
  const attribute = fc.tuple(fc.nat(0x3fff), fc.uint8Array({ maxLength: 20 }));
  const attributes = fc.uniqueArray(attribute, { selector: ([type]) => type });
  fc.assert(fc.property(attributes, (attributes) => {
    const decoded = decodeAttributes(encodeAttributes(attributes));
    assert.deepEqual([...decoded ?? []].map(([type, value]) => [type, value.slice()]), attributes);
  }));
});

Deno.test("decodeAttributes() ignores the flags in a type and refuses cut ones", () => {
  const bytes = Uint8Array.of(8, 0, 3, 0x80, 1, 2, 3, 4); // NLA_F_NESTED | 3
  assert.deepEqual(decodeAttributes(bytes)?.get(3)?.slice(), Uint8Array.of(1, 2, 3, 4));
  for (const length of [1, 3, 4, 7]) {
    assert.equal(decodeAttributes(bytes.subarray(0, length)), undefined, `${length} bytes`);
  }
  assert.equal(decodeAttributes(Uint8Array.of(3, 0, 1, 0)), undefined, "nla_len below its header");
});

Deno.test("decodeErrno() turns the kernel's negative errno round", () => {
  assert.equal(decodeErrno(Uint8Array.of(0xff, 0xff, 0xff, 0xff)), 1); // -EPERM
  assert.equal(decodeErrno(new Uint8Array(20)), 0);
  assert.equal(decodeErrno(new Uint8Array(3)), undefined);
});

Deno.test("decodeU32() reads what encodeU32() wrote, in host order", () => {
  assert.deepEqual(encodeU32(0x01020304), Uint8Array.of(4, 3, 2, 1));
  fc.assert(fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), (first, second) => {
    assert.equal(decodeU32(encodeU32(first, second)), first);
    assert.equal(decodeU32(encodeU32(first, second), 4), second);
    assert.equal(decodeU32(encodeU32(first, second), 5), undefined);
  }));
});
