import type { Clock } from "../election/clock.ts";
import { arpProbeFrame } from "../net/arp.ts";
import type { IpAddress } from "../net/ip.ts";
import type { Network } from "../net/link.ts";
import type { Changes } from "../services/changes.ts";
import type { Claim } from "../services/decide.ts";
import { shows } from "../services/service_view.ts";
import type { ClaimWatch } from "./claim_watch.ts";

/**
 * How long an answer may take. RFC 5227 waits seconds, for hosts that just plug themselves in; a
 * neighbour that is there answers within a millisecond, and a new Service waits meanwhile.
 */
const WAIT_MS = 10;
/** For so long an answer counts; then it is asked again. */
const AGE_MS = 5000;

interface Inquiry {
  /** Keys of the Services that wait for it. */
  readonly services: Set<string>;
  /** Hardware address of who answered. */
  user?: string | undefined;
  /** When somebody answered, or had not; undefined as long as an answer may come. */
  endedMs?: number;
}

/**
 * Asks by ARP who has an address, before it is announced for the very first time. An address that
 * its Service shows in its status was announced before, by whichever node: a take-over asks nobody.
 */
export class AddressProbe implements Disposable {
  readonly #network: Network;
  readonly #claims: Pick<ClaimWatch, "subscribe" | "look">;
  readonly #clock: Clock;
  readonly #changed: (changes: Changes) => void;
  /** By address, in canonical text. */
  readonly #inquiries = new Map<string, Inquiry>();
  readonly #unsubscribe: () => void;
  #stop = new AbortController();

  /** @param parts.changed told what waits for an address whose inquiry ended */
  constructor(
    { network, claims, clock, changed }: {
      network: Network;
      claims: Pick<ClaimWatch, "subscribe" | "look">;
      clock: Clock;
      changed: (changes: Changes) => void;
    },
  ) {
    this.#network = network;
    this.#claims = claims;
    this.#clock = clock;
    this.#changed = changed;
    this.#unsubscribe = claims.subscribe({
      holds: (vip) => this.#isAsked(vip),
      claimed: ({ vip, mac }) => this.#end([vip], mac),
    });
  }

  /** Hardware address of who answered for it, a short while ago. */
  userOf({ text }: IpAddress): string | undefined {
    return this.#recent(text)?.user;
  }

  /**
   * @param has whether the node has the address already
   * @returns those that may be announced; the others are asked for, and have to wait
   */
  passed(claims: readonly Claim[], has: (vip: string) => boolean): readonly Claim[] {
    const asked: Claim[] = [];
    const passed = claims.filter((claim) => {
      const { ip: { text: vip, family }, service } = claim;
      if (has(vip) || shows(service, vip) || family !== 4) return true;
      const inquiry = this.#recent(vip);
      inquiry?.services.add(service.key);
      if (inquiry === undefined) asked.push(claim);
      return inquiry?.endedMs !== undefined && inquiry.user === undefined;
    });
    if (asked.length > 0) this.#ask(asked);
    return passed;
  }

  /** The right to hold ended: what was learned may not be true when it begins again. */
  end(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#inquiries.clear();
  }

  [Symbol.dispose](): void {
    this.end();
    this.#unsubscribe();
  }

  #recent(vip: string): Inquiry | undefined {
    const inquiry = this.#inquiries.get(vip);
    const endedMs = inquiry?.endedMs ?? Infinity;
    if (this.#clock.nowMs() - endedMs < AGE_MS) return inquiry;
    this.#inquiries.delete(vip);
    return undefined;
  }

  #isAsked(vip: string): boolean {
    const inquiry = this.#inquiries.get(vip);
    return inquiry !== undefined && inquiry.endedMs === undefined;
  }

  #ask(claims: readonly Claim[]): void {
    const links = new Map(this.#network.links().map((link) => [link.index, link]));
    for (const { ip, linkIndex, service } of claims) {
      this.#inquiries.set(ip.text, { services: new Set([service.key]) });
      const link = links.get(linkIndex);
      if (link !== undefined) this.#network.send(linkIndex, arpProbeFrame(link.mac, ip));
    }
    const { signal } = this.#stop;
    void this.#clock.until(this.#clock.nowMs() + WAIT_MS, signal).then(() => {
      if (signal.aborted) return;
      // An answer that came in time may not have been read in time.
      this.#claims.look();
      this.#end(claims.map(({ ip }) => ip.text).filter((vip) => this.#isAsked(vip)));
    });
  }

  #end(vips: readonly string[], user?: string): void {
    const keys = new Set<string>();
    for (const vip of vips) {
      const inquiry = this.#inquiries.get(vip)!;
      inquiry.endedMs = this.#clock.nowMs();
      inquiry.user = user;
      for (const key of inquiry.services) keys.add(key);
    }
    if (keys.size > 0) this.#changed({ keys, vips: new Set(vips) });
  }
}
