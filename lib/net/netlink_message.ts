/** Host order: Linux runs Deno on little-endian machines only. */
export const LITTLE_ENDIAN = true;

/** `nlmsg_type` of answers, and `nlmsg_flags` (netlink(7)). */
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
/** The table changed while it was dumped: entries may be missing. */
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_CREATE = 0x400;

/** `struct nlmsghdr`, `struct nlattr`. */
export const HEADER_LENGTH = 16;
export const ATTRIBUTE_HEADER_LENGTH = 4;
/** The upper two bits of `nla_type` are NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;

/** One netlink message: `struct nlmsghdr` and what follows it. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** A netlink attribute: its type and its value in host order. */
export type NetlinkAttribute = readonly [type: number, value: Uint8Array];

/** @returns the message, padded to the 4 bytes at which the next one may start. */
export function encodeNetlinkMessage(message: NetlinkMessage): Uint8Array {
  const length = HEADER_LENGTH + message.payload.length;
  const bytes = new Uint8Array(align(length));
  writeHeader(new DataView(bytes.buffer), 0, { ...message, length });
  bytes.set(message.payload, HEADER_LENGTH);
  return bytes;
}

/** Writes `struct nlmsghdr`. @param head.length of the whole message, in bytes */
export function writeHeader(
  view: DataView,
  start: number,
  { length, type, flags, sequence }: Omit<NetlinkMessage, "payload"> & { length: number },
): void {
  view.setUint32(start, length, LITTLE_ENDIAN); // nlmsg_len
  view.setUint16(start + 4, type, LITTLE_ENDIAN); // nlmsg_type
  view.setUint16(start + 6, flags, LITTLE_ENDIAN); // nlmsg_flags
  view.setUint32(start + 8, sequence, LITTLE_ENDIAN); // nlmsg_seq
  // nlmsg_pid stays 0: the kernel fills it in.
}

/** Writes `struct nlattr`. @param length of the value, in bytes */
export function writeAttributeHeader(
  view: DataView,
  offset: number,
  type: number,
  length: number,
): void {
  view.setUint16(offset, ATTRIBUTE_HEADER_LENGTH + length, LITTLE_ENDIAN); // nla_len
  view.setUint16(offset + 2, type, LITTLE_ENDIAN); // nla_type
}

/**
 * @param bytes One datagram.
 * @returns its messages; undefined when one of them is cut or malformed. Payloads are views.
 */
export function decodeNetlinkMessages(bytes: Uint8Array): NetlinkMessage[] | undefined {
  const messages: NetlinkMessage[] = [];
  for (let offset = 0; offset < bytes.length;) {
    if (bytes.length - offset < HEADER_LENGTH) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
    const length = view.getUint32(0, LITTLE_ENDIAN);
    if (length < HEADER_LENGTH || length > bytes.length - offset) return undefined;
    messages.push({
      type: view.getUint16(4, LITTLE_ENDIAN),
      flags: view.getUint16(6, LITTLE_ENDIAN),
      sequence: view.getUint32(8, LITTLE_ENDIAN),
      payload: bytes.subarray(offset + HEADER_LENGTH, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

/**
 * What NLMSG_ERROR (`struct nlmsgerr`) or NLMSG_DONE says.
 *
 * @returns the errno, 0 for an acknowledgement; undefined when the payload is cut.
 */
export function decodeErrno(payload: Uint8Array): number | undefined {
  if (payload.length < 4) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return Math.abs(view.getInt32(0, LITTLE_ENDIAN)); // it stands there negative
}

/** @returns the attributes one behind the other, each padded to 4 bytes. */
export function encodeAttributes(attributes: readonly NetlinkAttribute[]): Uint8Array {
  const total = attributes.reduce(
    (sum, [, value]) => sum + align(ATTRIBUTE_HEADER_LENGTH + value.length),
    0,
  );
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const [type, value] of attributes) {
    writeAttributeHeader(view, offset, type, value.length);
    bytes.set(value, offset + ATTRIBUTE_HEADER_LENGTH);
    offset += align(ATTRIBUTE_HEADER_LENGTH + value.length);
  }
  return bytes;
}

/** @returns the values (views) by type; undefined when one is cut or malformed. */
export function decodeAttributes(bytes: Uint8Array): Map<number, Uint8Array> | undefined {
  const attributes = new Map<number, Uint8Array>();
  for (let offset = 0; offset < bytes.length;) {
    if (bytes.length - offset < ATTRIBUTE_HEADER_LENGTH) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
    const length = view.getUint16(0, LITTLE_ENDIAN);
    if (length < ATTRIBUTE_HEADER_LENGTH || length > bytes.length - offset) return undefined;
    const type = view.getUint16(2, LITTLE_ENDIAN) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, bytes.subarray(offset + ATTRIBUTE_HEADER_LENGTH, offset + length));
    offset += align(length);
  }
  return attributes;
}

/** A 32-bit value in host order, as attributes hold them. */
export function encodeU32(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (const [index, value] of values.entries()) view.setUint32(4 * index, value, LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}

/** @returns the 32-bit value at `offset`; undefined when it is cut. */
export function decodeU32(bytes: Uint8Array, offset = 0): number | undefined {
  if (bytes.length < offset + 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset + offset, 4).getUint32(0, LITTLE_ENDIAN);
}

/** NLMSG_ALIGN and NLA_ALIGN. */
function align(length: number): number {
  return (length + 3) & ~3;
}
