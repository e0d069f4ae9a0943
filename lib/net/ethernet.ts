import { setUint16 } from "./bytes.ts";
import { MAC_LENGTH } from "./mac.ts";

/** EtherTypes (IEEE 802 numbers, IANA). */
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_VLAN = 0x8100;
/** IEEE 802 local experimental EtherType 1: frames between classvip agents. */
export const ETHERTYPE_BEACON = 0x88b5;
/** IEEE 802 local experimental EtherType 2: calls and offers of a handover. */
export const ETHERTYPE_HANDOVER = 0x88b6;

/** An Ethernet II frame, without preamble and FCS. */
export interface EthernetFrame {
  /** 6 bytes. */
  readonly destination: Uint8Array;
  /** 6 bytes. */
  readonly source: Uint8Array;
  /** VLAN identifier of an 802.1Q tag, 0 to 4095; absent without a tag. */
  readonly vlanId?: number;
  readonly etherType: number;
  /** Received ones may be padded to 46 bytes. */
  readonly payload: Uint8Array;
}

const HEADER_LENGTH = 14;
const TAG_LENGTH = 4;

/** Encodes a frame. Not padded: the driver does that. */
export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  const headerLength = HEADER_LENGTH + (frame.vlanId === undefined ? 0 : TAG_LENGTH);
  const bytes = new Uint8Array(headerLength + frame.payload.length);
  bytes.set(frame.destination, 0);
  bytes.set(frame.source, MAC_LENGTH);
  if (frame.vlanId !== undefined) {
    setUint16(bytes, 12, ETHERTYPE_VLAN);
    setUint16(bytes, 14, frame.vlanId);
  }
  setUint16(bytes, headerLength - 2, frame.etherType);
  bytes.set(frame.payload, headerLength);
  return bytes;
}

/** @returns undefined when the header is cut. The arrays are copies. */
export function decodeEthernet(bytes: Uint8Array): EthernetFrame | undefined {
  if (bytes.length < HEADER_LENGTH) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tagged = view.getUint16(12) === ETHERTYPE_VLAN;
  const headerLength = HEADER_LENGTH + (tagged ? TAG_LENGTH : 0);
  if (bytes.length < headerLength) return undefined;
  return {
    destination: bytes.slice(0, MAC_LENGTH),
    source: bytes.slice(MAC_LENGTH, 2 * MAC_LENGTH),
    ...(tagged ? { vlanId: view.getUint16(14) & 0xfff } : {}), // without priority and DEI
    etherType: view.getUint16(headerLength - 2),
    payload: bytes.slice(headerLength),
  };
}
