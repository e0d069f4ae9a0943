import { ARP_REPLY, ARP_REQUEST, decodeArp } from "../../lib/net/arp.ts";
import { decodeEthernet, ETHERTYPE_ARP } from "../../lib/net/ethernet.ts";
import { formatMac } from "../../lib/net/mac.ts";
import { bootTimeMs } from "../../lib/sys/clock.ts";
import { LinuxNetwork } from "../../lib/sys/network.ts";
import { PacketSocket } from "../../lib/sys/packet_socket.ts";

/** An ARP packet that an interface received, and its Ethernet frame's addresses. */
export interface ArpFrame {
  /** CLOCK_BOOTTIME when it was read from the socket. */
  readonly atMs: number;
  readonly operation: "request" | "reply" | number;
  readonly senderMac: string;
  readonly senderIp: string;
  readonly targetMac: string;
  readonly targetIp: string;
  /** Of the Ethernet frame. */
  readonly source: string;
  /** Of the Ethernet frame. */
  readonly destination: string;
  /** About the sender itself, asked by nobody (RFC 5227 section 3). */
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
  // Wakes the pending receive.
  const close = () => socket[Symbol.dispose]();
  signal.addEventListener("abort", close);
  try {
    while (!signal.aborted) {
      const received = await socket.receive(1000);
      if (received === undefined || received.outgoing) continue;
      const arp = read(received.frame);
      if (arp !== undefined) yield arp;
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

function read(frame: Uint8Array): ArpFrame | undefined {
  const ethernet = decodeEthernet(frame);
  const arp = ethernet && decodeArp(ethernet.payload);
  if (ethernet === undefined || arp === undefined) return undefined;
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
