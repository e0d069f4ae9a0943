import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIp } from "../../lib/net/ip.ts";
import { dadSolicitationFrame, unsolicitedNaFrame } from "../../lib/net/ndp.ts";
import { encodeFilter, NEIGHBOR_DISCOVERY } from "../../lib/sys/packet_filter.ts";

/** As the kernel runs it: classic BPF, of which a filter uses three instructions. */
function takes(program: Uint8Array, frame: Uint8Array): boolean {
  const view = new DataView(program.buffer);
  let accumulator = 0;
  for (let pc = 0;; pc++) {
    const k = view.getUint32(pc * 8 + 4, true);
    const code = view.getUint16(pc * 8, true);
    if (code === 0x06) return k > 0; // BPF_RET | BPF_K
    if (code === 0x30) { // BPF_LD | BPF_B | BPF_ABS
      if (k >= frame.length) return false;
      accumulator = frame[k]!;
    } else if (code === 0x15) pc += view.getUint8(pc * 8 + (accumulator === k ? 2 : 3)); // BPF_JEQ
    else throw new Error(`instruction ${code}`);
  }
}

Deno.test("encodeFilter() takes a frame when each test finds one of its values", () => {
  const byte = fc.nat(5);
  const tests = fc.array(
    fc.record({ offset: byte, values: fc.array(byte, { minLength: 1, maxLength: 4 }) }),
    { maxLength: 4 },
  );
  const frames = fc.array(byte, { maxLength: 8 }).map((bytes) => Uint8Array.from(bytes));
  fc.assert(fc.property(tests, frames, (tests, frame) => {
    const passes = tests.every(({ offset, values }) =>
      offset < frame.length && values.includes(frame[offset]!)
    );
    assert.equal(takes(encodeFilter(tests), frame), passes);
  }));
});

Deno.test("NEIGHBOR_DISCOVERY takes solicitations and advertisements of the link", () => {
  const program = encodeFilter(NEIGHBOR_DISCOVERY);
  const [mac, ip] = [new Uint8Array(6), parseIp("2001:db8::1")!];
  const na = unsolicitedNaFrame(mac, ip);
  assert.ok(takes(program, na) && takes(program, dadSolicitationFrame(mac, ip)));
  for (const [at, value] of [[20, 17], [21, 254], [54, 134], [54, 137]] as const) {
    assert.ok(!takes(program, Object.assign(na.slice(), { [at]: value })), `${at}: ${value}`);
  }
});
