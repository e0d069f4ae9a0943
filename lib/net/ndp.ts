import { encodeEthernet, type EthernetFrame, ETHERTYPE_IPV6 } from "./ethernet.ts";
import { type IpAddress, ipFromBytes, parseIp } from "./ip.ts";
import { MAC_LENGTH } from "./mac.ts";

/** ICMPv6 types (RFC 4861, sections 4.3 and 4.4). */
export const NEIGHBOR_SOLICITATION = 135;
export const NEIGHBOR_ADVERTISEMENT = 136;

/** `Next Header` of ICMPv6 (RFC 4443, section 1). */
export const NEXT_HEADER_ICMPV6 = 58;
/** Whatever came through a router has less: nobody outside of the link can forge it (RFC 4861). */
export const LINK_HOP_LIMIT = 255;

/** A Neighbor Advertisement (RFC 4861, section 4.4). */
export interface NeighborAdvertisement {
  /** Whose hardware address it tells. */
  readonly target: IpAddress;
  /** Target link-layer address option, 6 bytes; absent where the asker knows it. */
  readonly targetMac?: Uint8Array;
  /** S: the answer to a question. */
  readonly solicited: boolean;
  /** O: overwrites what a neighbour knows. */
  readonly override: boolean;
}

const IPV6_HEADER_LENGTH = 40;
/** Type, code, checksum, flags, target. */
const MESSAGE_LENGTH = 24;
const OPTION_TARGET_MAC = 2;
/** Lengths of options count in units of 8 bytes. */
const OPTION_UNIT = 8;
const FLAG_SOLICITED = 0x40;
const FLAG_OVERRIDE = 0x20;

const UNSPECIFIED = parseIp("::")!;
/** RFC 4291, section 2.7.1. */
const ALL_NODES = parseIp("ff02::1")!;
const SOLICITED_NODE = parseIp("ff02::1:ff00:0")!;

/**
 * The whole frame that tells all neighbours where an address lives now: an unsolicited Neighbor
 * Advertisement (RFC 4861, section 7.2.6) from the address itself. With the override flag and the
 * target link-layer address option, Linux peers learn from it at once.
 */
export function unsolicitedNaFrame(mac: Uint8Array, ip: IpAddress): Uint8Array {
  const message = new Uint8Array(MESSAGE_LENGTH + OPTION_UNIT);
  message[0] = NEIGHBOR_ADVERTISEMENT;
  message[4] = FLAG_OVERRIDE; // R and S are 0
  message.set(ip.bytes, 8);
  message.set([OPTION_TARGET_MAC, 1, ...mac], MESSAGE_LENGTH);
  return multicastFrame(mac, ip, ALL_NODES, message);
}

/**
 * The whole frame that asks who has `target`, as duplicate address detection does (RFC 4862,
 * section 5.4.2): without a sender's address, so that nobody learns anything from it.
 */
export function dadSolicitationFrame(senderMac: Uint8Array, target: IpAddress): Uint8Array {
  const message = new Uint8Array(MESSAGE_LENGTH);
  message[0] = NEIGHBOR_SOLICITATION;
  message.set(target.bytes, 8);
  const group = SOLICITED_NODE.bytes.slice();
  group.set(target.bytes.subarray(13), 13); // the low 24 bits
  return multicastFrame(senderMac, UNSPECIFIED, ipFromBytes(group)!, message);
}

/**
 * Reads what arrived as a Neighbor Advertisement. What a receiver must discard (RFC 4861, section
 * 7.1.2) is nothing, and so is one behind extension headers: none are needed on a link.
 *
 * @returns undefined when it is no such packet, or cut, or not valid.
 */
export function decodeNa(frame: EthernetFrame): NeighborAdvertisement | undefined {
  const message = icmpv6Message(frame);
  if (message?.[0] !== NEIGHBOR_ADVERTISEMENT || message[1] !== 0) return undefined;
  if (message.length < MESSAGE_LENGTH) return undefined;
  const target = ipFromBytes(message.subarray(8, 24))!;
  const options = decodeOptions(message.subarray(MESSAGE_LENGTH));
  const solicited = (message[4]! & FLAG_SOLICITED) !== 0;
  const toAll = frame.payload[24] === 0xff; // the IPv6 destination is a multicast address
  if (options === undefined || isMulticast(target) || (toAll && solicited)) return undefined;
  const targetMac = options.get(OPTION_TARGET_MAC)?.slice(0, MAC_LENGTH);
  return {
    target,
    ...(targetMac && { targetMac }),
    solicited,
    override: (message[4]! & FLAG_OVERRIDE) !== 0,
  };
}

/** @returns the target of a Neighbor Solicitation without a sender's address; else undefined. */
export function decodeDadSolicitation(frame: EthernetFrame): IpAddress | undefined {
  const message = icmpv6Message(frame);
  if (message?.[0] !== NEIGHBOR_SOLICITATION || message.length < MESSAGE_LENGTH) return undefined;
  const source = frame.payload.subarray(8, 24);
  return source.every((byte) => byte === 0) ? ipFromBytes(message.subarray(8, 24)) : undefined;
}

/** @returns the ICMPv6 message of a packet that comes from this very link, with a right checksum. */
function icmpv6Message({ etherType, payload }: EthernetFrame): Uint8Array | undefined {
  if (etherType !== ETHERTYPE_IPV6 || payload.length < IPV6_HEADER_LENGTH) return undefined;
  if (payload[0]! >> 4 !== 6 || payload[6] !== NEXT_HEADER_ICMPV6) return undefined;
  if (payload[7] !== LINK_HOP_LIMIT) return undefined;
  const length = payload[4]! << 8 | payload[5]!;
  // Padding may be behind it.
  const message = payload.subarray(IPV6_HEADER_LENGTH, IPV6_HEADER_LENGTH + length);
  if (message.length < length) return undefined;
  return checksum(payload.subarray(8, 40), message) === 0 ? message : undefined;
}

/** @returns the values by type, of equal ones the first; undefined when one is cut or has no length. */
function decodeOptions(bytes: Uint8Array): Map<number, Uint8Array> | undefined {
  const options = new Map<number, Uint8Array>();
  for (let offset = 0; offset < bytes.length;) {
    const length = (bytes[offset + 1] ?? 0) * OPTION_UNIT;
    if (length === 0 || offset + length > bytes.length) return undefined;
    const type = bytes[offset]!;
    if (!options.has(type)) options.set(type, bytes.subarray(offset + 2, offset + length));
    offset += length;
  }
  return options;
}

function multicastFrame(
  mac: Uint8Array,
  source: IpAddress,
  destination: IpAddress,
  message: Uint8Array,
): Uint8Array {
  const payload = new Uint8Array(IPV6_HEADER_LENGTH + message.length);
  const view = new DataView(payload.buffer);
  view.setUint8(0, 6 << 4); // version; traffic class and flow label are 0
  view.setUint16(4, message.length);
  view.setUint8(6, NEXT_HEADER_ICMPV6);
  view.setUint8(7, LINK_HOP_LIMIT);
  payload.set(source.bytes, 8);
  payload.set(destination.bytes, 24);
  payload.set(message, IPV6_HEADER_LENGTH);
  view.setUint16(IPV6_HEADER_LENGTH + 2, checksum(payload.subarray(8, 40), message));
  return encodeEthernet({
    // RFC 2464, section 7: 33:33 and the low 32 bits.
    destination: Uint8Array.of(0x33, 0x33, ...destination.bytes.subarray(12)),
    source: mac,
    etherType: ETHERTYPE_IPV6,
    payload,
  });
}

/**
 * The Internet checksum over the pseudo-header and the message (RFC 8200, section 8.1).
 *
 * @param addresses source and destination, one behind the other
 * @returns 0 for a message that carries the right one
 */
function checksum(addresses: Uint8Array, message: Uint8Array): number {
  let sum = message.length + NEXT_HEADER_ICMPV6;
  for (const part of [addresses, message]) {
    part.forEach((byte, index) => sum += index % 2 === 0 ? byte << 8 : byte);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function isMulticast({ bytes }: IpAddress): boolean {
  return bytes[0] === 0xff;
}
