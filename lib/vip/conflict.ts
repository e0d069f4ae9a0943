import { ARP_REQUEST, decodeArp } from "../net/arp.ts";
import {
  decodeEthernet,
  type EthernetFrame,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
} from "../net/ethernet.ts";
import type { IpAddress } from "../net/ip.ts";
import { formatMac } from "../net/mac.ts";
import { decodeDadSolicitation, decodeNa } from "../net/ndp.ts";

/** Another machine's claim to an address. */
export interface AddressClaim {
  /** Canonical text of the address. */
  readonly vip: string;
  /** Hardware address of who claims it. */
  readonly mac: string;
}

/**
 * Reads a frame from the wire for a claim to one of our addresses: any ARP packet that carries it as
 * its sender's (RFC 5227, section 2.4), any Neighbor Advertisement of it (RFC 4862, section 5.4.4),
 * with a hardware address that is not ours. What is no such packet, cut or forged nonsense, is
 * nothing.
 *
 * @param ownMacs hardware addresses of this node's interfaces, as `formatMac()` writes them
 */
export function readClaim(
  frame: Uint8Array,
  isHeld: (vip: string) => boolean,
  ownMacs: ReadonlySet<string>,
): AddressClaim | undefined {
  const ethernet = decodeEthernet(frame);
  const said = ethernet && SAYS[ethernet.etherType]?.(ethernet);
  if (said === undefined || !isHeld(said.ip.text)) return undefined;
  const mac = formatMac(said.mac);
  return ownMacs.has(mac) ? undefined : { vip: said.ip.text, mac };
}

/** Which hardware address a frame says that an address has, by EtherType. */
const SAYS: Readonly<
  Record<number, (frame: EthernetFrame) => { ip: IpAddress; mac: Uint8Array } | undefined>
> = {
  [ETHERTYPE_ARP]({ payload }) {
    const packet = decodeArp(payload);
    return packet && { ip: packet.senderIp, mac: packet.senderMac };
  },
  [ETHERTYPE_IPV6](frame) {
    const na = decodeNa(frame);
    return na && { ip: na.target, mac: na.targetMac ?? frame.source };
  },
};

/**
 * Reads a frame from the wire for another machine's probe of an address: whether somebody has it,
 * because it is about to use it itself (RFC 5227, section 2.1.1; RFC 4862, section 5.4.3).
 *
 * @param ownMacs hardware addresses of this node's interfaces, as `formatMac()` writes them
 */
export function readProbe(
  frame: Uint8Array,
  isAsked: (vip: string) => boolean,
  ownMacs: ReadonlySet<string>,
): AddressClaim | undefined {
  const ethernet = decodeEthernet(frame);
  const probe = ethernet && PROBES[ethernet.etherType]?.(ethernet);
  if (probe === undefined || !isAsked(probe.ip.text)) return undefined;
  const mac = formatMac(probe.mac);
  return ownMacs.has(mac) ? undefined : { vip: probe.ip.text, mac };
}

/** Which address a frame asks for without a sender's, and for which hardware address, by EtherType. */
const PROBES: typeof SAYS = {
  [ETHERTYPE_ARP]({ payload }) {
    const packet = decodeArp(payload);
    if (packet?.operation !== ARP_REQUEST || packet.senderIp.text !== "0.0.0.0") return undefined;
    return { ip: packet.targetIp, mac: packet.senderMac };
  },
  [ETHERTYPE_IPV6](frame) {
    const ip = decodeDadSolicitation(frame);
    return ip && { ip, mac: frame.source };
  },
};
