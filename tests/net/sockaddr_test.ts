import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeSockaddrLl,
  sockaddrLl,
  sockaddrUnAbstract,
  sockaddrUnPath,
} from "../../lib/net/sockaddr.ts";

Deno.test("sockaddrLl() writes struct sockaddr_ll", () => {
  // deno-fmt-ignore
  assert.deepEqual(sockaddrLl({ etherType: 0x0806, linkIndex: 3 }), Uint8Array.of(
    17, 0, // sll_family: AF_PACKET
    0x08, 0x06, // sll_protocol, network order
    3, 0, 0, 0, // sll_ifindex
    0, 0, // sll_hatype
    0, // sll_pkttype
    0, // sll_halen
    0, 0, 0, 0, 0, 0, 0, 0, // sll_addr
  ));
});

Deno.test("decodeSockaddrLl() reads back what sockaddrLl() wrote", () => {
  fc.assert(fc.property(fc.nat(0xffff), fc.nat(0x7fffffff), (etherType, linkIndex) => {
    const bytes = sockaddrLl({ etherType, linkIndex });
    assert.deepEqual(decodeSockaddrLl(bytes), { etherType, linkIndex, packetType: 0 });
    assert.equal(decodeSockaddrLl(bytes.subarray(0, 19)), undefined);
    bytes[0] = 2; // another family
    assert.equal(decodeSockaddrLl(bytes), undefined);
  }));
});

Deno.test("sockaddrUnAbstract() is as long as its name", () => {
  const name = new TextEncoder().encode("ab");
  // sun_family: AF_UNIX, sun_path: NUL and the name
  assert.deepEqual(sockaddrUnAbstract(name), Uint8Array.of(1, 0, 0, 0x61, 0x62));
  assert.equal(sockaddrUnAbstract(new Uint8Array(107)).length, 110);
  assert.throws(() => sockaddrUnAbstract(new Uint8Array(108)), RangeError);
});

Deno.test("sockaddrUnPath() ends with a NUL", () => {
  assert.deepEqual(sockaddrUnPath("/a"), Uint8Array.of(1, 0, 0x2f, 0x61, 0));
  assert.equal(sockaddrUnPath("/".repeat(107)).length, 110);
  assert.throws(() => sockaddrUnPath("/".repeat(108)), RangeError);
});
