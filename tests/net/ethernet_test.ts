import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeEthernet, encodeEthernet } from "../../lib/net/ethernet.ts";

const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });

Deno.test("encodeEthernet() puts destination, source and EtherType before the payload", () => {
  const frame = {
    destination: Uint8Array.of(1, 2, 3, 4, 5, 6),
    source: Uint8Array.of(7, 8, 9, 10, 11, 12),
    etherType: 0x0806,
    payload: Uint8Array.of(0xaa, 0xbb),
  };
  // deno-fmt-ignore
  assert.deepEqual(encodeEthernet(frame), Uint8Array.of(
    1, 2, 3, 4, 5, 6, // destination
    7, 8, 9, 10, 11, 12, // source
    0x08, 0x06, // EtherType
    0xaa, 0xbb, // payload
  ));
});

Deno.test("decodeEthernet() looks through one 802.1Q tag", () => {
  // deno-fmt-ignore
  const bytes = Uint8Array.of(
    1, 2, 3, 4, 5, 6,
    7, 8, 9, 10, 11, 12,
    0x81, 0x00, // TPID
    0xe0, 0x2a, // TCI: priority 7, VLAN identifier 42
    0x08, 0x06,
    0xaa,
  );
  assert.equal(decodeEthernet(bytes)?.vlanId, 42);
  assert.equal(decodeEthernet(bytes)?.etherType, 0x0806);
  assert.deepEqual(decodeEthernet(bytes)?.payload, Uint8Array.of(0xaa));
});

Deno.test("decodeEthernet() reads back what encodeEthernet() wrote, and nothing shorter", () => {
  const frame = fc.record({
    destination: mac,
    source: mac,
    vlanId: fc.nat(4095),
    etherType: fc.nat(0xffff).filter((type) => type !== 0x8100),
    payload: fc.uint8Array({ maxLength: 64 }),
  }, { requiredKeys: ["destination", "source", "etherType", "payload"], noNullPrototype: true });
  fc.assert(fc.property(frame, (frame) => {
    const bytes = encodeEthernet(frame);
    assert.deepEqual(decodeEthernet(bytes), frame);
    const headerLength = bytes.length - frame.payload.length;
    assert.equal(decodeEthernet(bytes.subarray(0, headerLength - 1)), undefined);
  }));
});

Deno.test("decodeEthernet() never throws", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    decodeEthernet(bytes);
  }));
});
