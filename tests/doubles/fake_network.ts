import type { Clock } from "../../lib/election/clock.ts";
import { decodeArp } from "../../lib/net/arp.ts";
import { decodeEthernet, ETHERTYPE_IPV6 } from "../../lib/net/ethernet.ts";
import { type IpAddress, parseIp } from "../../lib/net/ip.ts";
import type { AddressChange, InterfaceAddress, Link, Network } from "../../lib/net/link.ts";
import { decodeDadSolicitation, decodeNa, NEIGHBOR_ADVERTISEMENT } from "../../lib/net/ndp.ts";

const FOREVER = 0xffffffff;

/** A frame that was sent, and when. */
export interface SentFrame {
  readonly atMs: number;
  readonly linkIndex: number;
  readonly vip: string;
  /** Of ARP; of IPv6 the ICMPv6 type. */
  readonly operation: number;
  readonly frame: Uint8Array;
}

/** A node's network: the kernel ends lifetimes by the clock, frames are kept. */
export class FakeNetwork implements Network {
  linkList: Link[];
  readonly frames: SentFrame[] = [];
  readonly changes: AddressChange[] = [];
  /** Next hops of its routes. */
  routers: string[] = [];
  /** Addresses that were asked for without a sender's (RFC 5227, RFC 4862). */
  readonly probed: string[] = [];
  /** What the kernel says to a change; undefined: done. */
  refuse: (change: AddressChange) => Error | undefined = () => undefined;
  /** The kernel does not answer at all. */
  silent = false;
  readonly #clock: Clock;
  #entries: (InterfaceAddress & { readonly endsMs: number })[] = [];

  constructor(clock: Clock, links: Link[] = [ethernet(1, "eth0")]) {
    this.#clock = clock;
    this.linkList = links;
  }

  links(): Link[] {
    this.#answer();
    return [...this.linkList];
  }

  addresses(exceptMark?: number): InterfaceAddress[] {
    this.#answer();
    const present = this.#present().filter(({ mark }) => mark !== exceptMark);
    return present.map(({ endsMs: _, ...address }) => address);
  }

  gateways(): IpAddress[] {
    this.#answer();
    return this.routers.map((text) => parseIp(text)!);
  }

  /** Texts of the addresses with this mark. */
  vips(mark: number): string[] {
    return this.#present().filter((entry) => entry.mark === mark).map(({ ip }) => ip.text).sort();
  }

  /** Puts an address there that is not the agent's doing. */
  add(linkIndex: number, cidr: string, extra: Partial<InterfaceAddress> = {}): void {
    const [text = "", length = "32"] = cidr.split("/");
    const { validSeconds = FOREVER } = extra;
    this.#entries.push({
      linkIndex,
      ip: parseIp(text)!,
      prefixLength: Number(length),
      mark: 0,
      preferredSeconds: FOREVER,
      validSeconds,
      ...extra,
      endsMs: validSeconds === FOREVER ? Infinity : this.#clock.nowMs() + validSeconds * 1000,
    });
  }

  apply(changes: readonly AddressChange[]): (Error | undefined)[] {
    this.#answer();
    return changes.map((change) => {
      this.changes.push(change);
      const refusal = this.refuse(change);
      if (refusal === undefined) this.#change(change);
      return refusal;
    });
  }

  send(linkIndex: number, frame: Uint8Array): void {
    this.#answer();
    if (!this.linkList.some(({ index }) => index === linkIndex)) throw new Error("ENODEV");
    const { probed, ...said } = read(frame);
    if (probed !== undefined) this.probed.push(probed);
    else this.frames.push({ atMs: this.#clock.nowMs(), linkIndex, frame, ...said });
  }

  [Symbol.dispose](): void {}

  #answer(): void {
    if (this.silent) throw new Error("the kernel does not answer");
  }

  #present() {
    this.#entries = this.#entries.filter(({ endsMs }) => this.#clock.nowMs() < endsMs);
    return this.#entries;
  }

  #change(change: AddressChange): void {
    const { ip, linkIndex } = change;
    const others = this.#present().filter((entry) =>
      entry.ip.text !== ip.text || entry.linkIndex !== linkIndex
    );
    this.#entries = others;
    if (change.kind === "remove") return;
    const { mark, validSeconds } = change;
    this.add(linkIndex, `${ip.text}/${ip.bytes.length * 8}`, {
      mark,
      validSeconds,
      preferredSeconds: 0,
    });
  }
}

export function ethernet(index: number, name: string, extra: Partial<Link> = {}): Link {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, index);
  return { index, name, mac, up: true, carrier: true, loopback: false, ipv6: true, ...extra };
}

function read(frame: Uint8Array): { probed?: string; vip: string; operation: number } {
  const ethernet = decodeEthernet(frame)!;
  if (ethernet.etherType === ETHERTYPE_IPV6) {
    const probed = decodeDadSolicitation(ethernet)?.text;
    const vip = probed ?? decodeNa(ethernet)!.target.text;
    return { ...probed !== undefined && { probed }, vip, operation: NEIGHBOR_ADVERTISEMENT };
  }
  const { senderIp, targetIp, operation } = decodeArp(ethernet.payload)!;
  const isProbe = senderIp.text === "0.0.0.0";
  return { ...isProbe && { probed: targetIp.text }, vip: senderIp.text, operation };
}
