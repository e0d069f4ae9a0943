import { ARP_REQUEST, decodeArp } from "../net/arp.ts";
import { decodeEthernet, ETHERTYPE_ARP } from "../net/ethernet.ts";
import { formatMac } from "../net/mac.ts";

/** Another machine's claim to an address. */
export interface AddressClaim {
  /** Canonical text of the address. */
  readonly vip: string;
  /** Hardware address of who claims it. */
  readonly mac: string;
}

/**
 * Reads a frame from the wire for a claim to one of our addresses: any ARP packet that carries it as
 * its sender's, from a hardware address that is not ours (RFC 5227, section 2.4). What is no such
 * packet, cut or forged nonsense, is nothing.
 *
 * @param ownMacs hardware addresses of this node's interfaces, as `formatMac()` writes them
 */
export function readClaim(
  frame: Uint8Array,
  isHeld: (vip: string) => boolean,
  ownMacs: ReadonlySet<string>,
): AddressClaim | undefined {
  const ethernet = decodeEthernet(frame);
  if (ethernet?.etherType !== ETHERTYPE_ARP) return undefined;
  const packet = decodeArp(ethernet.payload);
  if (packet === undefined || !isHeld(packet.senderIp.text)) return undefined;
  const mac = formatMac(packet.senderMac);
  return ownMacs.has(mac) ? undefined : { vip: packet.senderIp.text, mac };
}

/**
 * Reads a frame from the wire for another machine's probe of an address: whether somebody has it,
 * because it is about to use it itself (RFC 5227, section 2.1.1).
 *
 * @param ownMacs hardware addresses of this node's interfaces, as `formatMac()` writes them
 */
export function readProbe(
  frame: Uint8Array,
  isAsked: (vip: string) => boolean,
  ownMacs: ReadonlySet<string>,
): AddressClaim | undefined {
  const ethernet = decodeEthernet(frame);
  if (ethernet?.etherType !== ETHERTYPE_ARP) return undefined;
  const packet = decodeArp(ethernet.payload);
  if (packet?.operation !== ARP_REQUEST || packet.senderIp.text !== "0.0.0.0") return undefined;
  if (!isAsked(packet.targetIp.text)) return undefined;
  const mac = formatMac(packet.senderMac);
  return ownMacs.has(mac) ? undefined : { vip: packet.targetIp.text, mac };
}
