import { type IpAddress, ipFromBytes } from "./ip.ts";
import type { AddressChange, InterfaceAddress, Link } from "./link.ts";
import { MAC_LENGTH } from "./mac.ts";
import {
  ATTRIBUTE_HEADER_LENGTH,
  decodeAttributes,
  decodeU32,
  encodeNetlinkMessage,
  HEADER_LENGTH,
  LITTLE_ENDIAN,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  writeAttributeHeader,
  writeHeader,
} from "./netlink_message.ts";
import { AF_INET, AF_INET6 } from "./sockaddr.ts";

/** Message types (rtnetlink(7)). */
export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_GETROUTE = 26;

/** Attributes (`linux/if_link.h`, `linux/if_addr.h`). */
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_AF_SPEC = 26;
/** Within IFLA_AF_SPEC, of AF_INET6: an array of 32-bit values, by `linux/ipv6.h`. */
const IFLA_INET6_CONF = 2;
const DEVCONF_DISABLE_IPV6 = 26;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_RT_PRIORITY = 9;
/** `linux/rtnetlink.h`. */
const RTA_GATEWAY = 5;
const RTA_MULTIPATH = 9;

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_LOWER_UP = 0x10000;
/**
 * IPv4 takes deprecated addresses as source addresses too, but none of a narrower scope than the
 * route's. The local route to the address has this scope in any case: it is served all the same.
 */
const RT_SCOPE_HOST = 254;
/** No duplicate address detection: the Lease decides who has the address, and at once. */
const IFA_F_NODAD = 0x02;
/** No route to the prefix: a VIP is an address of this host and nothing else. */
const IFA_F_NOPREFIXROUTE = 0x200;

const CACHEINFO_LENGTH = 16;
/** IFA_CACHEINFO, IFA_FLAGS and IFA_RT_PRIORITY. */
const SET_ATTRIBUTES_LENGTH = 3 * ATTRIBUTE_HEADER_LENGTH + CACHEINFO_LENGTH + 4 + 4;

const IFINFOMSG_LENGTH = 16;
const IFADDRMSG_LENGTH = 8;
/** Of what {@linkcode writeAddressChange} writes, in bytes: an IPv6 address that is set. */
export const LONGEST_ADDRESS_CHANGE = HEADER_LENGTH + IFADDRMSG_LENGTH +
  2 * (ATTRIBUTE_HEADER_LENGTH + 16) + SET_ATTRIBUTES_LENGTH;
const RTMSG_LENGTH = 12;
const RTNEXTHOP_LENGTH = 8;
/** What the kernel fills up to 4 bytes. */
const RTA_ALIGN = 4;
const FOREVER_SECONDS = 0xffffffff;

const HEAD_LENGTH = {
  [RTM_GETLINK]: IFINFOMSG_LENGTH,
  [RTM_GETADDR]: IFADDRMSG_LENGTH,
  [RTM_GETROUTE]: RTMSG_LENGTH,
} as const;

/** A request for all links (RTM_NEWLINK), or all addresses or routes of both families. */
export function encodeDump(type: keyof typeof HEAD_LENGTH, sequence: number): Uint8Array {
  // struct ifinfomsg, struct ifaddrmsg, struct rtmsg: all zero is AF_UNSPEC and no filter.
  const payload = new Uint8Array(HEAD_LENGTH[type]);
  return encodeNetlinkMessage({ type, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence, payload });
}

/**
 * The request that makes a change. A VIP is a /32 or /128 with preferred lifetime 0, so that another
 * address is chosen as the source of what the node sends by itself (RFC 6724, rule 3).
 *
 * Written byte by byte, into what is there: the lifetimes of ten thousand VIPs are renewed every
 * second or two, and arrays of their own would take ten megabytes until they are collected.
 *
 * @param into from `start` on; {@linkcode LONGEST_ADDRESS_CHANGE} bytes are enough
 * @param acknowledged whether the kernel answers also when it is done; it always says what failed
 * @returns how many bytes it takes
 */
export function writeAddressChange(
  into: DataView,
  start: number,
  change: AddressChange,
  sequence: number,
  acknowledged: boolean,
): number {
  const { ip, linkIndex, mark } = change;
  const isSet = change.kind === "set";
  const width = ip.bytes.length;
  const host = 2 * (ATTRIBUTE_HEADER_LENGTH + width);
  const length = HEADER_LENGTH + IFADDRMSG_LENGTH + host + (isSet ? SET_ATTRIBUTES_LENGTH : 0);
  for (let i = 0; i < length; i += 4) into.setUint32(start + i, 0);
  const flags = NLM_F_REQUEST | (acknowledged ? NLM_F_ACK : 0) |
    (isSet ? NLM_F_CREATE | NLM_F_REPLACE : 0);
  writeHeader(into, start, { length, type: isSet ? RTM_NEWADDR : RTM_DELADDR, flags, sequence });
  let offset = start + HEADER_LENGTH;
  // struct ifaddrmsg
  into.setUint8(offset, ip.family === 4 ? AF_INET : AF_INET6); // ifa_family
  into.setUint8(offset + 1, width * 8); // ifa_prefixlen
  // ifa_flags stays 0: IFA_FLAGS has them all.
  // ifa_scope; IPv6 works it out by itself
  into.setUint8(offset + 3, ip.family === 4 ? RT_SCOPE_HOST : 0);
  into.setUint32(offset + 4, linkIndex, LITTLE_ENDIAN); // ifa_index
  offset += IFADDRMSG_LENGTH;
  for (let type = IFA_LOCAL; type >= IFA_ADDRESS; type--) {
    writeAttributeHeader(into, offset, type, width);
    offset += ATTRIBUTE_HEADER_LENGTH;
    for (let i = 0; i < width; i++) into.setUint8(offset + i, ip.bytes[i]!);
    offset += width;
  }
  if (!isSet) return length;
  writeAttributeHeader(into, offset, IFA_CACHEINFO, CACHEINFO_LENGTH);
  // struct ifa_cacheinfo: ifa_prefered, ifa_valid, cstamp, tstamp; all but the second stay 0.
  into.setUint32(offset + ATTRIBUTE_HEADER_LENGTH + 4, change.validSeconds, LITTLE_ENDIAN);
  offset += ATTRIBUTE_HEADER_LENGTH + CACHEINFO_LENGTH;
  writeAttributeHeader(into, offset, IFA_FLAGS, 4);
  const nodad = ip.family === 6 ? IFA_F_NODAD : 0;
  into.setUint32(offset + ATTRIBUTE_HEADER_LENGTH, IFA_F_NOPREFIXROUTE | nodad, LITTLE_ENDIAN);
  offset += ATTRIBUTE_HEADER_LENGTH + 4;
  // The metric of the prefix route; there is none, so it is free to carry the mark.
  writeAttributeHeader(into, offset, IFA_RT_PRIORITY, 4);
  into.setUint32(offset + ATTRIBUTE_HEADER_LENGTH, mark, LITTLE_ENDIAN);
  return length;
}

/** @returns the link of an RTM_NEWLINK; undefined when it is malformed. */
export function decodeLink(payload: Uint8Array): Link | undefined {
  const attributes = decodeAttributes(payload.subarray(IFINFOMSG_LENGTH));
  const index = decodeU32(payload, 4); // ifi_index
  const flags = decodeU32(payload, 8); // ifi_flags
  const name = attributes?.get(IFLA_IFNAME);
  if (payload.length < IFINFOMSG_LENGTH || name === undefined) return undefined;
  if (index === undefined || flags === undefined) return undefined;
  const mac = attributes?.get(IFLA_ADDRESS);
  return {
    index,
    name: new TextDecoder().decode(name).replace(/\0.*$/s, ""),
    // Tunnels have an IP address here, InfiniBand has 20 bytes.
    mac: mac?.length === MAC_LENGTH ? mac.slice() : new Uint8Array(),
    up: (flags & IFF_UP) !== 0,
    carrier: (flags & IFF_LOWER_UP) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    ipv6: hasIpv6(attributes?.get(IFLA_AF_SPEC)),
  };
}

/** @param families IFLA_AF_SPEC: of each family that the interface has, what is set for it */
function hasIpv6(families: Uint8Array | undefined): boolean {
  const ipv6 = families && decodeAttributes(families)?.get(AF_INET6);
  const settings = ipv6 && decodeAttributes(ipv6)?.get(IFLA_INET6_CONF);
  return settings !== undefined && decodeU32(settings, DEVCONF_DISABLE_IPV6 * 4) === 0;
}

/** @returns the next hops of an RTM_NEWROUTE; empty when it has none, undefined when malformed. */
export function decodeGateways(payload: Uint8Array): IpAddress[] | undefined {
  if (payload.length < RTMSG_LENGTH) return undefined;
  const attributes = decodeAttributes(payload.subarray(RTMSG_LENGTH));
  if (attributes === undefined) return undefined;
  const gateways = [attributes.get(RTA_GATEWAY)];
  // struct rtnexthop, each with attributes of its own: rtnh_len counts both.
  let hops = attributes.get(RTA_MULTIPATH) ?? new Uint8Array();
  while (hops.length >= RTNEXTHOP_LENGTH) {
    const length = hops[0]! | hops[1]! << 8; // rtnh_len
    if (length < RTNEXTHOP_LENGTH) return undefined;
    gateways.push(
      decodeAttributes(hops.subarray(RTNEXTHOP_LENGTH, length))?.get(RTA_GATEWAY),
    );
    hops = hops.subarray(Math.ceil(length / RTA_ALIGN) * RTA_ALIGN);
  }
  return gateways.flatMap((bytes) => (bytes && ipFromBytes(bytes)) ?? []);
}

/**
 * @param exceptMark no address with this mark is wanted
 * @returns the address of an RTM_NEWADDR; undefined when it is malformed, or not IP.
 */
export function decodeAddress(
  payload: Uint8Array,
  exceptMark?: number,
): InterfaceAddress | undefined {
  if (exceptMark !== undefined && hasMark(payload, exceptMark)) return undefined;
  const attributes = decodeAttributes(payload.subarray(IFADDRMSG_LENGTH));
  const linkIndex = decodeU32(payload, 4); // ifa_index
  if (attributes === undefined || linkIndex === undefined) return undefined;
  // With a peer, IFA_ADDRESS is the peer's; without one, IPv6 leaves IFA_LOCAL out.
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  const ip = bytes === undefined ? undefined : ipFromBytes(bytes);
  if (ip === undefined) return undefined;
  const lifetimes = attributes.get(IFA_CACHEINFO) ?? new Uint8Array();
  return {
    linkIndex,
    ip,
    prefixLength: payload[1] ?? 0, // ifa_prefixlen
    mark: decodeU32(attributes.get(IFA_RT_PRIORITY) ?? new Uint8Array()) ?? 0,
    preferredSeconds: decodeU32(lifetimes, 0) ?? FOREVER_SECONDS,
    validSeconds: decodeU32(lifetimes, 4) ?? FOREVER_SECONDS,
  };
}

/** Finds the mark without taking anything apart: there may be ten thousand such addresses. */
function hasMark(payload: Uint8Array, mark: number): boolean {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  let offset = IFADDRMSG_LENGTH;
  while (offset + 8 <= payload.length) {
    const length = view.getUint16(offset, LITTLE_ENDIAN); // nla_len
    const type = view.getUint16(offset + 2, LITTLE_ENDIAN); // nla_type
    if (type === IFA_RT_PRIORITY) return view.getUint32(offset + 4, LITTLE_ENDIAN) === mark;
    if (length < 4) return false;
    offset += (length + 3) & ~3;
  }
  return false;
}
