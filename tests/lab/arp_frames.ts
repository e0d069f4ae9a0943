import { ARP_REPLY, ARP_REQUEST, decodeArp } from "../../lib/net/arp.ts";
import {
  decodeEthernet,
  type EthernetFrame,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
} from "../../lib/net/ethernet.ts";
import { formatMac } from "../../lib/net/mac.ts";
import { decodeNa } from "../../lib/net/ndp.ts";
import { bootTimeMs } from "../../lib/sys/clock.ts";
import { LinuxNetwork } from "../../lib/sys/network.ts";
import { NEIGHBOR_DISCOVERY } from "../../lib/sys/packet_filter.ts";
import { PacketSocket } from "../../lib/sys/packet_socket.ts";

/**
 * An ARP packet or a Neighbor Advertisement that an interface received, and its Ethernet frame's
 * addresses. An advertisement's target is sender and target.
 */
export interface ArpFrame {
  /** CLOCK_BOOTTIME when it was read from the socket. */
  readonly atMs: number;
  readonly operation: "request" | "reply" | "advertisement" | number;
  readonly senderMac: string;
  readonly senderIp: string;
  readonly targetMac: string;
  readonly targetIp: string;
  /** Of the Ethernet frame. */
  readonly source: string;
  /** Of the Ethernet frame. */
  readonly destination: string;
  /** About the sender itself, asked by nobody (RFC 5227, section 3; RFC 4861, 7.2.6). */
  readonly gratuitous: boolean;
}

const OPERATIONS: Record<number, "request" | "reply"> = {
  [ARP_REQUEST]: "request",
  [ARP_REPLY]: "reply",
};

/**
 * The ARP frames that an interface of this network namespace receives, from the first `next()` on,
 * until the signal aborts.
 */
export async function* receiveArp(name: string, signal: AbortSignal): AsyncGenerator<ArpFrame> {
  using socket = PacketSocket.open({ etherType: ETHERTYPE_ARP, linkIndex: linkIndex(name) });
  yield* receive(socket, readArp, signal);
}

/** As {@linkcode receiveArp}, the Neighbor Advertisements. */
export async function* receiveNa(name: string, signal: AbortSignal): AsyncGenerator<ArpFrame> {
  using socket = PacketSocket.open({
    etherType: ETHERTYPE_IPV6,
    filter: NEIGHBOR_DISCOVERY,
    linkIndex: linkIndex(name),
  });
  yield* receive(socket, readNa, signal);
}

async function* receive(
  socket: PacketSocket,
  read: (frame: EthernetFrame) => ArpFrame | undefined,
  signal: AbortSignal,
): AsyncGenerator<ArpFrame> {
  // Wakes the pending receive.
  const close = () => socket[Symbol.dispose]();
  signal.addEventListener("abort", close);
  try {
    while (!signal.aborted) {
      const received = await socket.receive(1000);
      if (received === undefined || received.outgoing) continue;
      const ethernet = decodeEthernet(received.frame);
      const frame = ethernet && read(ethernet);
      if (frame !== undefined) yield frame;
    }
  } finally {
    signal.removeEventListener("abort", close);
  }
}

function linkIndex(name: string): number {
  using network = new LinuxNetwork();
  const link = network.links().find((link) => link.name === name);
  if (link === undefined) throw new Error(`No interface "${name}"`);
  return link.index;
}

function readNa(ethernet: EthernetFrame): ArpFrame | undefined {
  const na = decodeNa(ethernet);
  if (na === undefined) return undefined;
  const mac = formatMac(na.targetMac ?? ethernet.source);
  return {
    atMs: bootTimeMs(),
    operation: "advertisement",
    senderMac: mac,
    senderIp: na.target.text,
    targetMac: mac,
    targetIp: na.target.text,
    source: formatMac(ethernet.source),
    destination: formatMac(ethernet.destination),
    gratuitous: !na.solicited,
  };
}

function readArp(ethernet: EthernetFrame): ArpFrame | undefined {
  const arp = decodeArp(ethernet.payload);
  if (arp === undefined) return undefined;
  return {
    atMs: bootTimeMs(),
    operation: OPERATIONS[arp.operation] ?? arp.operation,
    senderMac: formatMac(arp.senderMac),
    senderIp: arp.senderIp.text,
    targetMac: formatMac(arp.targetMac),
    targetIp: arp.targetIp.text,
    source: formatMac(ethernet.source),
    destination: formatMac(ethernet.destination),
    gratuitous: arp.senderIp.text === arp.targetIp.text,
  };
}
