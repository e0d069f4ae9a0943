import {
  LINK_HOP_LIMIT,
  NEIGHBOR_ADVERTISEMENT,
  NEIGHBOR_SOLICITATION,
  NEXT_HEADER_ICMPV6,
} from "../net/ndp.ts";

/** One byte of a frame, by its offset, and what it may be. */
export interface ByteTest {
  readonly offset: number;
  readonly values: readonly number[];
}

/**
 * Neighbor Solicitations and Advertisements of this link among the IPv6 packets, by their next header, hop limit and
 * type. The kernel passes over all others without a copy.
 */
export const NEIGHBOR_DISCOVERY: readonly ByteTest[] = [
  { offset: 14 + 6, values: [NEXT_HEADER_ICMPV6] },
  { offset: 14 + 7, values: [LINK_HOP_LIMIT] },
  { offset: 14 + 40, values: [NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT] },
];

/** Classic BPF (`linux/bpf_common.h`). */
const BPF_LD_B_ABS = 0x30;
const BPF_JEQ_K = 0x15;
const BPF_RET_K = 0x06;
/** `struct sock_filter`: code, jt, jf, k. */
const INSTRUCTION_LENGTH = 8;
const WHOLE_FRAME = 0xffffffff;

/** @returns an array of `struct sock_filter` that takes the frames which pass all tests. */
export function encodeFilter(tests: readonly ByteTest[]): Uint8Array<ArrayBuffer> {
  const count = tests.reduce((sum, { values }) => sum + 1 + values.length, 2);
  const view = new DataView(new ArrayBuffer(count * INSTRUCTION_LENGTH));
  let index = 0;
  const put = (code: number, k: number, jumpTrue = 0, jumpFalse = 0) => {
    const at = index++ * INSTRUCTION_LENGTH;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jumpTrue); // over so many instructions
    view.setUint8(at + 3, jumpFalse);
    view.setUint32(at + 4, k, true);
  };
  for (const { offset, values } of tests) {
    put(BPF_LD_B_ABS, offset); // a frame that is too short for it is not taken
    values.forEach((value, i) => {
      const others = values.length - 1 - i;
      put(BPF_JEQ_K, value, others, others > 0 ? 0 : count - 2 - index);
    });
  }
  put(BPF_RET_K, WHOLE_FRAME);
  put(BPF_RET_K, 0);
  return new Uint8Array(view.buffer);
}
