import { setUint16 } from "./bytes.ts";
import { encodeEthernet, ETHERTYPE_ARP } from "./ethernet.ts";
import { type IpAddress, ipFromBytes, parseIp } from "./ip.ts";
import { BROADCAST_MAC, MAC_LENGTH, ZERO_MAC } from "./mac.ts";

/** `ar$op` (RFC 826). */
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** ARP for IPv4 over Ethernet (RFC 826). */
export interface ArpPacket {
  /** `ar$op`: ARP_REQUEST, ARP_REPLY, or what else came. */
  readonly operation: number;
  /** `ar$sha`, 6 bytes. */
  readonly senderMac: Uint8Array;
  /** `ar$spa`, IPv4. */
  readonly senderIp: IpAddress;
  /** `ar$tha`, 6 bytes. */
  readonly targetMac: Uint8Array;
  /** `ar$tpa`, IPv4. */
  readonly targetIp: IpAddress;
}

const PACKET_LENGTH = 28;
const UNSPECIFIED = parseIp("0.0.0.0")!;
/** `ar$hrd` Ethernet, `ar$pro` IPv4, `ar$hln` 6, `ar$pln` 4. */
const IPV4_OVER_ETHERNET = [0x00, 0x01, 0x08, 0x00, MAC_LENGTH, 4] as const;

/** @returns 28 bytes, the payload of an Ethernet frame. */
export function encodeArp(packet: ArpPacket): Uint8Array {
  const bytes = new Uint8Array(PACKET_LENGTH);
  bytes.set(IPV4_OVER_ETHERNET, 0);
  setUint16(bytes, 6, packet.operation);
  bytes.set(packet.senderMac, 8);
  bytes.set(packet.senderIp.bytes, 14);
  bytes.set(packet.targetMac, 18);
  bytes.set(packet.targetIp.bytes, 24);
  return bytes;
}

/**
 * @param bytes The payload of an Ethernet frame; padding behind the packet is ignored.
 * @returns undefined when it is cut, or not about IPv4 over Ethernet.
 */
export function decodeArp(bytes: Uint8Array): ArpPacket | undefined {
  if (bytes.length < PACKET_LENGTH) return undefined;
  if (!IPV4_OVER_ETHERNET.every((byte, index) => bytes[index] === byte)) return undefined;
  const senderIp = ipFromBytes(bytes.subarray(14, 18));
  const targetIp = ipFromBytes(bytes.subarray(24, 28));
  if (senderIp === undefined || targetIp === undefined) return undefined;
  return {
    operation: new DataView(bytes.buffer, bytes.byteOffset).getUint16(6),
    senderMac: bytes.slice(8, 14),
    senderIp,
    targetMac: bytes.slice(18, 24),
    targetIp,
  };
}

/**
 * The two whole frames, both broadcast, that tell all neighbours where an address lives now (gratuitous ARP,
 * RFC 5227 section 3). Linux peers learn at once from a request, and from a reply only when its
 * target hardware address is the sender's own; other stacks listen to one of the two.
 */
export function gratuitousArpFrames(
  mac: Uint8Array,
  ip: IpAddress,
): { request: Uint8Array; reply: Uint8Array } {
  const packet = { senderMac: mac, senderIp: ip, targetIp: ip };
  return {
    request: frame(BROADCAST_MAC, { ...packet, operation: ARP_REQUEST, targetMac: ZERO_MAC }),
    reply: frame(BROADCAST_MAC, { ...packet, operation: ARP_REPLY, targetMac: mac }),
  };
}

/**
 * The whole broadcast frame that asks who has `targetIp`, without a sender's address: nobody learns
 * anything from it (RFC 5227, section 1.1).
 */
export function arpProbeFrame(senderMac: Uint8Array, targetIp: IpAddress): Uint8Array {
  return arpRequestFrame({ senderMac, senderIp: UNSPECIFIED, targetIp });
}

/** The whole broadcast frame that asks who has `targetIp`. */
export function arpRequestFrame(
  packet: Pick<ArpPacket, "senderMac" | "senderIp" | "targetIp">,
): Uint8Array {
  return frame(BROADCAST_MAC, { ...packet, operation: ARP_REQUEST, targetMac: ZERO_MAC });
}

/** The whole unicast frame that answers a request. */
export function arpReplyFrame(packet: Omit<ArpPacket, "operation">): Uint8Array {
  return frame(packet.targetMac, { ...packet, operation: ARP_REPLY });
}

function frame(destination: Uint8Array, packet: ArpPacket): Uint8Array {
  return encodeEthernet({
    destination,
    source: packet.senderMac,
    etherType: ETHERTYPE_ARP,
    payload: encodeArp(packet),
  });
}
