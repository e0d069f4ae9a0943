import type { Clock } from "../election/clock.ts";
import { arpRequestFrame } from "../net/arp.ts";
import { type IpAddress, parseIp } from "../net/ip.ts";
import type { Network } from "../net/link.ts";
import type { Claim } from "../services/decide.ts";
import type { ClaimWatch } from "./claim_watch.ts";

/**
 * How long an answer may take. RFC 5227 waits seconds, for hosts that just plug themselves in; a
 * neighbour that is there answers within a millisecond, and a new Service waits meanwhile.
 */
const WAIT_MS = 10;
/** For so long an answer counts; then it is asked again. */
const AGE_MS = 5000;

type Verdict = { readonly user: string | undefined; readonly atMs: number } | "asked";

/**
 * Asks by ARP who has an address, before it is announced for the very first time. An address that
 * its Service shows in its status was announced before, by whichever node: a take-over asks nobody.
 */
export class AddressProbe implements Disposable {
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #verdicts = new Map<string, Verdict>();
  readonly #unsubscribe: () => void;
  #stop = new AbortController();

  constructor(
    { network, claims, clock, changed }: {
      network: Network;
      claims: Pick<ClaimWatch, "subscribe">;
      clock: Clock;
      changed: () => void;
    },
  ) {
    this.#network = network;
    this.#clock = clock;
    this.#changed = changed;
    this.#unsubscribe = claims.subscribe({
      holds: (vip) => this.#verdicts.get(vip) === "asked",
      claimed: ({ vip, mac }) => {
        this.#verdicts.set(vip, { user: mac, atMs: clock.nowMs() });
        changed();
      },
    });
  }

  /** Hardware address of who answered for it, a short while ago. */
  userOf({ text }: IpAddress): string | undefined {
    const verdict = this.#fresh(text);
    return verdict === "asked" ? undefined : verdict?.user;
  }

  /** @returns those that may be announced; the others are asked for, and have to wait */
  passed(claims: readonly Claim[], held: ReadonlySet<string>): readonly Claim[] {
    const asked: Claim[] = [];
    const passed = claims.filter((claim) => {
      const vip = claim.ip.text;
      const known = held.has(vip) || claim.service.ingress.some(({ ip }) => ip === vip);
      if (known || claim.ip.family !== 4) return true;
      const verdict = this.#fresh(vip);
      if (verdict === undefined) asked.push(claim);
      return verdict !== undefined && verdict !== "asked" && verdict.user === undefined;
    });
    if (asked.length > 0) this.#ask(asked);
    return passed;
  }

  /** The right to hold ended: what was learned may not be true when it begins again. */
  end(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#verdicts.clear();
  }

  [Symbol.dispose](): void {
    this.end();
    this.#unsubscribe();
  }

  #fresh(vip: string): Verdict | undefined {
    const verdict = this.#verdicts.get(vip);
    if (verdict === undefined || verdict === "asked") return verdict;
    if (this.#clock.nowMs() - verdict.atMs < AGE_MS) return verdict;
    this.#verdicts.delete(vip);
    return undefined;
  }

  #ask(claims: readonly Claim[]): void {
    const links = new Map(this.#network.links().map((link) => [link.index, link]));
    for (const { ip, linkIndex } of claims) {
      this.#verdicts.set(ip.text, "asked");
      const link = links.get(linkIndex);
      if (link === undefined) continue;
      // Without a sender's address nobody learns anything from it (RFC 5227, section 1.1).
      const probe = { senderMac: link.mac, senderIp: NOBODY, targetIp: ip };
      this.#network.send(linkIndex, arpRequestFrame(probe));
    }
    const { signal } = this.#stop;
    void this.#clock.until(this.#clock.nowMs() + WAIT_MS, signal).then(() => {
      if (signal.aborted) return;
      for (const { ip: { text } } of claims) {
        if (this.#verdicts.get(text) !== "asked") continue;
        this.#verdicts.set(text, { user: undefined, atMs: this.#clock.nowMs() });
      }
      this.#changed();
    });
  }
}

const NOBODY = parseIp("0.0.0.0")!;
