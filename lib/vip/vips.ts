import { fnv1a } from "../hash.ts";
import type { Clock } from "../election/clock.ts";
import { gratuitousArpFrames } from "../net/arp.ts";
import { equal } from "../net/bytes.ts";
import { type IpAddress, parseIp } from "../net/ip.ts";
import { unsolicitedNaFrame } from "../net/ndp.ts";
import type { AddressChange, InterfaceAddress, Link, Network } from "../net/link.ts";
import { AnnouncementQueue, type AnnouncementSchedule } from "./schedule.ts";

/** An address to hold, and for whom. */
export interface VipClaim<Owner> {
  readonly ip: IpAddress;
  readonly linkIndex: number;
  readonly interface: string;
  readonly owner: Owner;
}

/** What happens to VIPs, for logs, metrics and Events. */
export interface VipObserver<Owner> {
  claimed(claim: VipClaim<Owner>): void;
  dropped(claim: VipClaim<Owner> | undefined, vip: string, reason: string): void;
  /** A claim, a refresh or a frame failed; it is tried again. */
  vipFailed(vip: string, what: string, error: Error): void;
  sent(frames: number): void;
  /** The fence was reached before anybody else withdrew. */
  fenced(): void;
}

/**
 * Kept by the address's text alone, and read from it when it is needed: the bytes of ten thousand
 * addresses take megabytes.
 */
interface Held<Owner> extends Omit<VipClaim<Owner>, "ip"> {
  /** The interface that has the address. */
  readonly homeIndex: number;
  /** Of its interface, as the frames say it. */
  readonly mac: Uint8Array;
}

/** An address and the interface that has it. */
type Place = Pick<VipClaim<unknown>, "ip" | "linkIndex">;

/**
 * Addresses put up, or announced, in one go: the event loop stays free for renewals. The kernel takes
 * the longer for an address the more the interface has: for ten thousand it needs seconds.
 */
const AT_ONCE = 500;
/** But no longer than this, in steps of so many: a renewal takes several turns of the event loop. */
const LONGEST_TURN_MS = 50;
const STEP = 100;
const PAUSE_BETWEEN_MS = 5;

/**
 * Puts VIPs on interfaces, announces them and takes them away. Every address has a kernel lifetime
 * that ends before the right to hold does, so that it vanishes also when this process cannot act.
 */
export class Vips<Owner> {
  readonly name = "vips";
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #mark: number;
  readonly #lifetimeMarginMs: number;
  readonly #observer: VipObserver<Owner>;
  readonly #homeOf: (interfaceName: string) => number | undefined;
  readonly #queue: AnnouncementQueue<string>;
  readonly #held = new Map<string, Held<Owner>>();
  /** Addresses with this instance's mark that an earlier run left: by text, the interface's index. */
  readonly #leftovers = new Map<string, number>();
  /** When the last of them is to be gone. */
  #leftUntilMs = -Infinity;
  /** Wanted, and not put up yet. */
  #waiting: VipClaim<Owner>[] = [];
  #allUp = () => {};
  #untilMs = -Infinity;
  /** Until then the kernel keeps the addresses that were set: the right lasts up to a second more. */
  #keptUntilMs = -Infinity;
  #wake = new AbortController();
  #lastProgressMs: number;

  constructor(parts: {
    network: Network;
    clock: Clock;
    /** Tells this instance's addresses from all others: see `instanceMark()`. */
    mark: number;
    /** How long before the right to hold kernel lifetimes must end. Default: 0. */
    lifetimeMarginMs?: number;
    schedule: AnnouncementSchedule;
    observer: VipObserver<Owner>;
    /**
     * Index of another interface that IPv4 addresses are put on which are announced on the named
     * one; undefined: they are put there.
     */
    homeOf?: (interfaceName: string) => number | undefined;
  }) {
    this.#network = parts.network;
    this.#clock = parts.clock;
    this.#mark = parts.mark;
    this.#lifetimeMarginMs = parts.lifetimeMarginMs ?? 0;
    this.#observer = parts.observer;
    this.#homeOf = parts.homeOf ?? (() => undefined);
    this.#queue = new AnnouncementQueue(parts.schedule);
    this.#lastProgressMs = parts.clock.nowMs();
  }

  get lastProgressMs(): number {
    return this.#lastProgressMs;
  }

  /** How many VIPs are on this node's interfaces by this instance. */
  get size(): number {
    return this.#held.size;
  }

  /** @param vip canonical text */
  holds(vip: string): boolean {
    return this.#held.has(vip);
  }

  /** As {@linkcode holds}, those of an earlier run included. @param vip canonical text */
  has(vip: string): boolean {
    return this.#held.has(vip) || this.#leftovers.has(vip);
  }

  /** Canonical texts of all addresses of this instance, those of an earlier run included. */
  get addresses(): string[] {
    return [...this.#held.keys(), ...this.#leftovers.keys()];
  }

  /** What is held. */
  *claims(): Generator<VipClaim<Owner>> {
    for (const [vip, held] of this.#held) yield claimOf(vip, held);
  }

  /** The interfaces on which something is announced: names by index. */
  get interfaces(): ReadonlyMap<number, string> {
    const used = new Map<number, string>();
    for (const { linkIndex, interface: name } of this.#held.values()) used.set(linkIndex, name);
    return used;
  }

  /** @param vip canonical text */
  owner(vip: string): Owner | undefined {
    return this.#held.get(vip)?.owner;
  }

  /** Whether an address may be on an interface and be announced at this instant. */
  get mayHold(): boolean {
    return this.#clock.nowMs() < this.#untilMs;
  }

  /**
   * Whether this node may say at this instant that it has its addresses. A process that stood still
   * may still have the right to hold, but no more the addresses: somebody who got no answer may have
   * taken the Lease before its end (fast failover).
   */
  get maySpeak(): boolean {
    return this.mayHold && this.#clock.nowMs() < this.#keptUntilMs;
  }

  /** Takes stock of what an earlier run left on the interfaces. @returns the addresses */
  adoptLeftovers(): string[] {
    for (const { ip, linkIndex, validSeconds } of this.#marked()) {
      this.#leftovers.set(ip.text, linkIndex);
      // Its lifetime stands still while the machine is suspended; the right that it stands for does not.
      const endMs = this.#clock.nowMs() + (validSeconds + 1) * 1000;
      this.#leftUntilMs = Math.max(this.#leftUntilMs, endMs);
    }
    return [...this.#leftovers.keys()];
  }

  /** The right to hold begins, or is extended: all addresses get new kernel lifetimes. */
  granted(untilMs: number): void {
    this.#untilMs = untilMs;
    this.#keptUntilMs = untilMs;
    const all = this.addresses;
    this.#set(all.length, (i) => this.#placeOf(all[i]!)!).forEach((error, i) => {
      if (error) this.#observer.vipFailed(all[i]!, "refresh", error);
    });
    this.#wake.abort();
  }

  /** Whether some of what was claimed is still to be put up. */
  get isPuttingUp(): boolean {
    return this.#waiting.length > 0;
  }

  /**
   * Puts addresses on their interfaces and announces them. What is held as asked is left alone. Of
   * thousands the first are put up at once, the others by `run()`, unless they are dropped or there
   * is another call before: it says all that is still wanted.
   *
   * @param allUp called when others were put up, and none is left
   */
  claim(claims: readonly VipClaim<Owner>[], allUp: () => void = () => {}): void {
    this.#waiting = [];
    if (!this.maySpeak) return;
    const links = this.#links();
    this.#waiting = claims.filter((claim) => {
      const held = this.#held.get(claim.ip.text);
      if (held?.linkIndex !== claim.linkIndex) return true;
      if (held.homeIndex !== this.#homeIndex(claim, links)) return true;
      // An interface whose MAC address changed: neighbours must learn the new one.
      const mac = links.get(claim.linkIndex)?.mac;
      if (mac !== undefined && !equal(mac, held.mac)) return true;
      if (held.owner !== claim.owner) {
        this.#held.set(claim.ip.text, { ...held, owner: claim.owner });
      }
      return false;
    });
    if (this.#waiting.length === 0) return;
    this.#allUp = allUp;
    this.#putUp(links);
    this.#wake.abort();
  }

  #links(): Map<number, Link> {
    return new Map(this.#network.links().map((link) => [link.index, link]));
  }

  #homeIndex(
    { ip, interface: name, linkIndex }: VipClaim<Owner>,
    links: ReadonlyMap<number, Link>,
  ): number {
    // The kernel answers neighbour solicitations only for addresses of the very interface.
    const home = ip.family === 4 ? this.#homeOf(name) : undefined;
    return home !== undefined && links.has(home) ? home : linkIndex;
  }

  /** What waits goes on waiting while too little is left of the right: `granted()` wakes it. */
  get #mayPutUp(): boolean {
    return this.isPuttingUp && this.maySpeak && this.#lifetimeSeconds(this.#clock.nowMs()) >= 1;
  }

  /** Puts up the next that wait. */
  #putUp(links: ReadonlyMap<number, Link>): void {
    const endMs = this.#clock.nowMs() + LONGEST_TURN_MS;
    for (let n = 0; n < AT_ONCE && this.#mayPutUp; n += STEP) {
      this.#putUpSome(this.#waiting.splice(0, STEP), links);
      if (this.#clock.nowMs() >= endMs) break;
    }
  }

  #putUpSome(wanted: readonly VipClaim<Owner>[], links: ReadonlyMap<number, Link>): void {
    const places = wanted.map((claim) => ({
      ip: claim.ip,
      linkIndex: this.#homeIndex(claim, links),
    }));
    const moved = places.filter(({ ip, linkIndex }) => {
      const elsewhere = this.#placeOf(ip.text);
      return elsewhere !== undefined && elsewhere.linkIndex !== linkIndex;
    });
    this.drop(moved.map(({ ip }) => ({ vip: ip.text, reason: "it moves to another interface" })));
    const results = this.#set(places.length, (i) => places[i]!);
    wanted.forEach((claim, i) => {
      const error = results[i];
      const link = links.get(claim.linkIndex);
      if (error !== undefined || link === undefined) {
        const gone = new Error(`interface ${claim.interface} is gone`);
        this.#observer.vipFailed(claim.ip.text, "claim", error ?? gone);
        return;
      }
      this.#hold(claim, places[i]!.linkIndex, link);
    });
  }

  /** Takes addresses from their interfaces. What cannot be removed stays known, and is reported. */
  drop(drops: readonly { vip: string; reason: string }[]): void {
    if (drops.length === 0) return;
    if (this.#waiting.length > 0) {
      const dropped = new Set(drops.map(({ vip }) => vip));
      this.#waiting = this.#waiting.filter(({ ip }) => !dropped.has(ip.text));
    }
    const known = drops.flatMap(({ vip, reason }) => {
      const held = this.#held.get(vip);
      const place = this.#placeOf(vip);
      return place === undefined ? [] : [{ vip, reason, held, place }];
    });
    const results = this.#network.apply(known.map(({ place }) => this.#removal(place)));
    known.forEach(({ vip, reason, held }, i) => {
      const error = results[i];
      this.#queue.stop(vip);
      if (error !== undefined) {
        this.#observer.vipFailed(vip, "removal", error);
        return;
      }
      this.#held.delete(vip);
      this.#leftovers.delete(vip);
      this.#observer.dropped(held && claimOf(vip, held), vip, reason);
    });
  }

  /** Takes away every address. @returns whether reading the interfaces confirmed that none is left */
  withdraw(reason: string): boolean {
    this.#untilMs = -Infinity;
    this.#waiting = [];
    try {
      this.drop(this.addresses.map((vip) => ({ vip, reason })));
      if (this.#marked().length > 0) {
        // Found only by reading: a removal that failed, or an address that somebody moved.
        this.#network.apply(this.#marked().map((address) => this.#removal(address)));
      }
      const stuck = this.#marked();
      for (const { ip } of stuck) {
        this.#observer.vipFailed(ip.text, "removal", new Error("it is still on the interface"));
      }
      if (stuck.length > 0) return false;
    } catch (error) {
      this.#observer.vipFailed(this.addresses.join(", "), "removal", error as Error);
      return false;
    }
    this.#held.clear();
    this.#leftovers.clear();
    return true;
  }

  /** Sends what is due, and withdraws at the fence if nobody did before. */
  async run(signal: AbortSignal): Promise<void> {
    const abort = () => this.#wake.abort();
    signal.addEventListener("abort", abort, { once: true });
    while (!signal.aborted) {
      const nowMs = this.#clock.nowMs();
      this.#lastProgressMs = nowMs;
      this.#wake = new AbortController();
      this.#fence(nowMs);
      if (this.isPuttingUp) {
        this.#putUp(this.#links());
        if (!this.isPuttingUp) this.#allUp();
      }
      // What is not there yet comes before what is announced once more.
      const goesOn = this.#mayPutUp;
      const due = this.#queue.take(nowMs, goesOn ? 0 : AT_ONCE);
      for (const vip of due) this.#announce(vip);
      const isBusy = due.length === AT_ONCE || goesOn;
      // A busy machine is asked for less.
      const tookMs = this.#clock.nowMs() - nowMs;
      const pauseMs = isBusy ? Math.max(PAUSE_BETWEEN_MS, tookMs / 16) : 0;
      const fenceMs = nowMs < this.#untilMs ? this.#untilMs : Infinity;
      const dueMs = goesOn ? nowMs : this.#queue.nextAtMs;
      const nextMs = Math.min(Math.max(dueMs, nowMs + tookMs + pauseMs), fenceMs);
      await this.#clock.until(Math.min(nextMs, nowMs + 1000), this.#wake.signal);
    }
    signal.removeEventListener("abort", abort);
  }

  #fence(nowMs: number): void {
    if (nowMs < this.#untilMs) return;
    const reached = this.#untilMs !== -Infinity;
    const leftForLong = nowMs >= this.#leftUntilMs;
    // What a withdrawal could not remove is tried again in each round.
    const addresses = reached || leftForLong ? this.addresses.length : this.#held.size;
    if (addresses === 0) return;
    if (reached) this.#observer.fenced();
    this.withdraw("the Lease could not be renewed in time");
  }

  #placeOf(vip: string): Place | undefined {
    const linkIndex = this.#held.get(vip)?.homeIndex ?? this.#leftovers.get(vip);
    return linkIndex === undefined ? undefined : { ip: parseIp(vip)!, linkIndex };
  }

  #hold(claim: VipClaim<Owner>, homeIndex: number, link: Link): void {
    const { ip: { text: vip }, linkIndex, interface: name, owner } = claim;
    this.#leftovers.delete(vip);
    this.#held.set(vip, { linkIndex, interface: name, owner, homeIndex, mac: link.mac });
    this.#announce(vip);
    this.#queue.start(vip, this.#clock.nowMs());
    this.#observer.claimed(claim);
  }

  #announce(vip: string): void {
    const held = this.#held.get(vip);
    if (held === undefined) return;
    try {
      for (const frame of announcingFrames(parseIp(vip)!, held.mac)) {
        // The right may have ended since the announcement was planned, or since the last frame.
        if (!this.maySpeak) return;
        this.#network.send(held.linkIndex, frame);
        this.#observer.sent(1);
      }
    } catch (error) {
      this.#observer.vipFailed(vip, "announcement", error as Error);
    }
  }

  /**
   * In steps, each with what is left of the right when it begins. What is made for one is collected
   * before the next: all of ten thousand would last so long that it were taken for what stays.
   */
  #set(count: number, placeOf: (i: number) => Place): (Error | undefined)[] {
    const results: (Error | undefined)[] = [];
    let failure: Error | undefined;
    while (results.length < count && failure === undefined) {
      const nowMs = this.#clock.nowMs();
      const validSeconds = this.#lifetimeSeconds(nowMs);
      if (validSeconds < 1) {
        failure = new Error("less than a second is left of the right to hold");
        break;
      }
      this.#keptUntilMs = Math.min(this.#keptUntilMs, nowMs + validSeconds * 1000);
      const changes: AddressChange[] = [];
      for (let i = results.length; i < Math.min(results.length + STEP, count); i++) {
        changes.push({ kind: "set", ...placeOf(i), mark: this.#mark, validSeconds });
      }
      try {
        results.push(...this.#network.apply(changes));
      } catch (error) {
        // The kernel did not answer: tried again with the next renewal or claim.
        failure = error as Error;
      }
    }
    while (results.length < count) results.push(failure);
    return results;
  }

  /** Whole seconds, rounded down: the kernel may be late, and still be in time. */
  #lifetimeSeconds(nowMs: number): number {
    return Math.floor((this.#untilMs - this.#lifetimeMarginMs - nowMs) / 1000);
  }

  #marked(): InterfaceAddress[] {
    return this.#network.addresses().filter(({ mark }) => mark === this.#mark);
  }

  #removal({ ip, linkIndex }: Place): AddressChange {
    return { kind: "remove", ip, linkIndex, mark: this.#mark };
  }
}

/** Made anew each time: those of ten thousand VIPs would take megabytes. */
function announcingFrames(ip: IpAddress, mac: Uint8Array): readonly Uint8Array[] {
  if (ip.family === 6) return [unsolicitedNaFrame(mac, ip)];
  const { request, reply } = gratuitousArpFrames(mac, ip);
  return [request, reply];
}

function claimOf<Owner>(vip: string, held: Held<Owner>): VipClaim<Owner> {
  const { linkIndex, interface: name, owner } = held;
  return { ip: parseIp(vip)!, linkIndex, interface: name, owner };
}

/**
 * The mark of an instance's addresses: FNV-1a of its Lease, never 0. It stays with the address in
 * the kernel, so that a later run knows its own addresses from those of every other instance.
 */
export function instanceMark(leaseNamespace: string, leaseName: string): number {
  return fnv1a(`${leaseNamespace}/${leaseName}`) || 1;
}
