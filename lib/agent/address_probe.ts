import type { Clock } from "../election/clock.ts";
import { arpProbeFrame } from "../net/arp.ts";
import type { IpAddress } from "../net/ip.ts";
import { dadSolicitationFrame } from "../net/ndp.ts";
import type { Network } from "../net/link.ts";
import type { Changes } from "../services/changes.ts";
import type { Claim } from "../services/decide.ts";
import { type ServiceView, shows } from "../services/service_view.ts";
import { ALL_GOES, type ClaimWatch } from "./claim_watch.ts";

/**
 * How long an answer may take. RFC 5227 and RFC 4862 wait seconds, for hosts that just plug
 * themselves in; a neighbour that is there answers within a millisecond, and a new Service waits
 * meanwhile.
 */
const WAIT_MS = 10;
/** For so long an answer counts; then it is asked again. */
const AGE_MS = 5000;
/** From an answer of somebody who is expected to let go to the next question. */
const AGAIN_MS = 100;

interface Inquiry {
  /** The Service that asked showed the address: its former holder may have it still. */
  readonly shown: boolean;
  readonly beganMs: number;
  /** Keys of the Services that wait for it. */
  readonly services: Set<string>;
  /** Hardware address of who answered. */
  user?: string | undefined;
  /** When somebody answered, or had not; undefined as long as an answer may come. */
  endedMs?: number;
  /** It was answered, and is to be asked again: after a rest, and then with the next look. */
  again?: "later" | "now" | undefined;
}

/**
 * Asks by ARP or NDP who has an address, before it is announced for the very first time. An address
 * that its Service shows in its status was announced before, by whichever node: a take-over asks
 * nobody.
 * Only of a Service that comes from another class the former class' holder may have it still: it is
 * asked until it has let go. Somebody who asks for the same address at the same time means to have
 * it as well (RFC 5227, section 2.1.1): it is asked for again, when one of the two has it.
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
      // Also when the answer is in, and the address not in place: nothing answers for it until then.
      probes: (vip) => this.#yields(this.#inquiries.get(vip)),
      probed: ({ vip }) => this.#askAgain(vip, this.#inquiries.get(vip)!),
    });
  }

  /** Hardware address of who answered for it, a short while ago. */
  userOf({ text }: IpAddress): string | undefined {
    return this.#recent(text)?.user;
  }

  /**
   * @param has whether the node has the address already
   * @param came whether the Service was not this instance's when the right to hold began
   * @returns those that may be announced; the others are asked for, and have to wait
   */
  passed(
    claims: readonly Claim[],
    has: (vip: string) => boolean,
    came: (service: ServiceView) => boolean,
  ): readonly Claim[] {
    if (this.#inquiries.size > 0) this.#claims.look();
    const asked: Claim[] = [];
    const passed = claims.filter((claim) => {
      const { ip: { text: vip }, service } = claim;
      if (has(vip)) {
        // The answer served its purpose; when the address is put up once more, it is an old one.
        this.#inquiries.delete(vip);
        return true;
      }
      const inquiry = this.#recent(vip);
      if (shows(service, vip) && !came(service) && !inquiry?.shown) return true;
      inquiry?.services.add(service.key);
      if (inquiry === undefined || inquiry.again === "now") asked.push(claim);
      return inquiry?.endedMs !== undefined && inquiry.user === undefined;
    });
    if (asked.length > 0) this.#ask(asked);
    return passed;
  }

  /** What was learned of these addresses is not so any more: they changed hands. */
  forget(vips: ReadonlySet<string> | undefined): void {
    for (const vip of vips ?? []) this.#inquiries.delete(vip);
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
    // Asked for each address in each look at all, and mostly there is none: no time is read for it.
    if (inquiry?.endedMs === undefined) return inquiry;
    if (this.#clock.nowMs() - inquiry.endedMs < AGE_MS) return inquiry;
    this.#inquiries.delete(vip);
    return undefined;
  }

  /** Not for ever: whoever asks without end must not keep the address from its Service. */
  #yields(inquiry: Inquiry | undefined): boolean {
    if (inquiry === undefined || inquiry.user !== undefined) return false;
    return this.#clock.nowMs() - inquiry.beganMs < AGE_MS;
  }

  #isAsked(vip: string): boolean {
    const inquiry = this.#inquiries.get(vip);
    return inquiry !== undefined && inquiry.endedMs === undefined &&
      inquiry.again === undefined;
  }

  #ask(claims: readonly Claim[]): void {
    const links = new Map(this.#network.links().map((link) => [link.index, link]));
    const beganMs = this.#clock.nowMs();
    const asked = new Map<string, Inquiry>();
    for (const claim of claims) {
      const { ip, linkIndex, service } = claim;
      const former = this.#inquiries.get(ip.text);
      const services = new Set([service.key]);
      const shown = shows(service, ip.text);
      asked.set(ip.text, { shown, beganMs, services, ...former, again: undefined });
      const link = links.get(linkIndex);
      const probe = ip.family === 4 ? arpProbeFrame : dadSolicitationFrame;
      if (link !== undefined) this.#network.send(linkIndex, probe(link.mac, ip));
    }
    for (const [vip, inquiry] of asked) this.#inquiries.set(vip, inquiry);
    this.#after(WAIT_MS, () => this.#settle(asked, ALL_GOES));
  }

  /** @param goes for so many more looks an answer that came in time may be behind other frames */
  #settle(asked: ReadonlyMap<string, Inquiry>, goes: number): void {
    // An answer that came in time may not have been read in time.
    if (!this.#claims.look() && goes > 0) {
      return this.#after(WAIT_MS, () => this.#settle(asked, goes - 1));
    }
    const unanswered = [...asked].filter(([vip, inquiry]) =>
      this.#inquiries.get(vip) === inquiry && this.#isAsked(vip)
    );
    this.#end(unanswered.map(([vip]) => vip));
  }

  #askAgain(vip: string, inquiry: Inquiry): void {
    if (inquiry.again === "later") return;
    inquiry.again = "later";
    delete inquiry.endedMs;
    this.#after(AGAIN_MS, () => {
      if (this.#inquiries.get(vip) !== inquiry) return;
      inquiry.again = "now";
      this.#changed({ keys: inquiry.services, vips: new Set([vip]) });
    });
  }

  #after(ms: number, act: () => void): void {
    const { signal } = this.#stop;
    void this.#clock.until(this.#clock.nowMs() + ms, signal).then(() => {
      if (!signal.aborted) act();
    });
  }

  #end(vips: readonly string[], user?: string): void {
    const keys = new Set<string>();
    for (const vip of vips) {
      const inquiry = this.#inquiries.get(vip)!;
      const nowMs = this.#clock.nowMs();
      if (user !== undefined && inquiry.shown && nowMs - inquiry.beganMs < AGE_MS) {
        this.#askAgain(vip, inquiry);
        continue;
      }
      inquiry.endedMs = nowMs;
      inquiry.user = user;
      for (const key of inquiry.services) keys.add(key);
    }
    if (keys.size > 0) this.#changed({ keys, vips: new Set(vips) });
  }
}
