import type { Clock } from "../election/clock.ts";
import { Roster, STANDBY_BEACON_MS, StealDamper, Witness } from "../election/witness.ts";
import { arpRequestFrame } from "../net/arp.ts";
import { type Beacon, type BeaconCodec, ReplayFilter } from "../net/beacon.ts";
import { type IpAddress, parseIp } from "../net/ip.ts";
import { type Link, linkObstacle, type Network } from "../net/link.ts";
import { formatMac } from "../net/mac.ts";
import type { Logger } from "../observe/logger.ts";
import type { InstanceMetrics } from "../observe/metrics.ts";
import { type ClaimWatch, type FrameSource, takeIn } from "./claim_watch.ts";
import type { LinkWatch } from "./link_watch.ts";
import type { Task } from "./task.ts";

/** The election, as far as beacons speak of it. */
export interface BeaconElection {
  readonly term: number;
  readonly holder: string | undefined;
  declareDead(term: number, untilMs: number): void;
  declareAlive(term: number): void;
  contest(by: string): void;
}

export interface BeaconParts {
  readonly node: string;
  readonly priority: number;
  readonly codec: Pick<BeaconCodec, "encode" | "decode">;
  readonly intervalMs: number;
  /** Name of the interface of the VIPs. */
  readonly interface: string;
  readonly network: Network;
  /** Opens a source of the beacons that come in on an interface. */
  readonly openBeacons: (linkIndex: number) => FrameSource;
  readonly claims: Pick<ClaimWatch, "subscribe" | "look">;
  readonly links: Pick<LinkWatch, "subscribe">;
  readonly clock: Clock;
  readonly election: BeaconElection;
  /** What this node holds, and on which interface it is announced. */
  readonly vips: {
    readonly mayHold: boolean;
    /** Whether it may say so now: a process that stood still first proves its right anew. */
    readonly maySpeak: boolean;
    claims(): IteratorObject<{ readonly ip: IpAddress; readonly interface: string }>;
  };
  /** Whether this node would take over. */
  readonly stands: () => boolean;
  readonly metrics: Pick<InstanceMetrics, "beaconSent" | "beaconHeard" | "beaconRejected">;
  readonly logger: Logger;
}

const LOOK_MS = 200;
const RECEIVE_MS = 1000;

/**
 * The quicker witness of fast failover: says that this node holds, or stands by, and finds out
 * when the holder is gone. The Lease stays the judge: whoever is replaced, is replaced by a
 * compare-and-swap on it.
 */
export class Beacons implements Task {
  readonly name = "beacons";
  readonly #parts: BeaconParts;
  readonly #replays = new ReplayFilter();
  readonly #roster = new Roster();
  readonly #damper = new StealDamper();
  #witness: Witness;
  #sequence = 0;
  #stolenTerm: number | undefined;
  #failure = "";
  #wake = new AbortController();

  constructor(parts: BeaconParts) {
    this.#parts = parts;
    this.#witness = new Witness(parts.intervalMs);
  }

  /** The right to hold began: says so at once. */
  announce(): void {
    this.#wake.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, links, network } = this.#parts;
    while (!signal.aborted) {
      const link = this.#link(network.links());
      if (link === undefined) {
        await clock.until(clock.nowMs() + LOOK_MS, signal);
        continue;
      }
      // Whatever changes about the interface: what was heard on it, or not heard, proves nothing.
      this.#witness = new Witness(this.#parts.intervalMs);
      const changed = new AbortController();
      const before = describe(link);
      const unsubscribe = links.subscribe((seen) => {
        const now = this.#link(seen);
        if (now === undefined || describe(now) !== before) changed.abort();
      });
      try {
        await this.#session(link, AbortSignal.any([signal, changed.signal]));
      } finally {
        unsubscribe();
      }
    }
  }

  #link(links: readonly Link[]): Link | undefined {
    const { interface: name } = this.#parts;
    if (linkObstacle(name, links) !== undefined) return undefined;
    return links.find((link) => link.name === name);
  }

  async #session(link: Link, signal: AbortSignal): Promise<void> {
    const { claims, openBeacons, clock, election } = this.#parts;
    using stack = new DisposableStack();
    let source: FrameSource;
    try {
      source = stack.use(openBeacons(link.index));
    } catch (error) {
      this.#failed(error);
      await clock.until(clock.nowMs() + LOOK_MS, signal);
      return;
    }
    stack.defer(claims.subscribe({
      holds: (vip) => vip === this.#probing,
      claimed: ({ vip, mac }) => {
        const term = this.#witness.answered(vip, mac, clock.nowMs());
        if (term !== undefined) election.declareAlive(term);
      },
    }));
    const close = () => source[Symbol.dispose]();
    signal.addEventListener("abort", close, { once: true });
    await Promise.all([
      this.#receive(source, signal),
      this.#send(link, signal),
      this.#look(link, source, signal),
    ]);
  }

  /** The address that the holder is asked for at present. */
  #probing: string | undefined;

  async #receive(source: FrameSource, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const received = await source.receive(RECEIVE_MS);
      if (received !== undefined && !signal.aborted) this.#take(received.frame);
    }
  }

  #take(frame: Uint8Array): void {
    const { metrics, clock, codec, election, vips, node } = this.#parts;
    const beacon = codec.decode(frame);
    if (typeof beacon === "string") return metrics.beaconRejected(beacon);
    // A loop in the network brings one's own back.
    if (beacon.node === node || !this.#replays.accepts(beacon)) {
      return metrics.beaconRejected("replayed");
    }
    metrics.beaconHeard();
    const nowMs = clock.nowMs();
    if (beacon.kind === "standby") return this.#roster.heard(beacon, nowMs);
    this.#roster.remove(beacon.node);
    this.#witness.heard({
      node: beacon.node,
      term: beacon.term,
      mac: formatMac(beacon.mac),
      vip: beacon.vip?.text,
    }, nowMs);
    // A write that was to take its Lease may have failed meanwhile: there is no second one.
    election.declareAlive(beacon.term);
    if (vips.mayHold && beacon.term > election.term) {
      election.contest(`${beacon.node} holds the Lease in term ${beacon.term}`);
    }
  }

  async #send(link: Link, signal: AbortSignal): Promise<void> {
    const { clock, intervalMs } = this.#parts;
    const wake = () => this.#wake.abort();
    signal.addEventListener("abort", wake, { once: true });
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const nowMs = clock.nowMs();
      const pauseMs = this.#parts.vips.mayHold ? intervalMs : STANDBY_BEACON_MS;
      this.#say(link, nowMs);
      await clock.until(nowMs + pauseMs, this.#wake.signal);
    }
    signal.removeEventListener("abort", wake);
  }

  #say(link: Link, nowMs: number): void {
    const { codec, election, node, priority, vips, stands, network, metrics } = this.#parts;
    const holds = vips.mayHold;
    if (holds ? !vips.maySpeak : !stands()) return;
    const probe = vips.claims().find((claim) =>
      claim.ip.family === 4 && claim.interface === link.name
    );
    this.#sequence = Math.max(this.#sequence + 1, Math.floor(nowMs * 1000));
    const beacon: Beacon = {
      kind: holds ? "holder" : "standby",
      node,
      priority,
      term: election.term,
      sequence: this.#sequence,
      mac: link.mac,
      vip: holds ? probe?.ip : undefined,
    };
    const frame = codec.encode(beacon);
    // Again: the right may have ended just now.
    if (holds && !vips.maySpeak) return;
    this.#try(() => {
      network.send(link.index, frame);
      metrics.beaconSent();
    });
  }

  /** Looks after the holder while this node stands by. */
  async #look(link: Link, source: FrameSource, signal: AbortSignal): Promise<void> {
    const { clock, election, node, priority, vips, stands, intervalMs, logger } = this.#parts;
    while (!signal.aborted) {
      const isUpToDate = this.#catchUp(source);
      const nowMs = clock.nowMs();
      if (!isUpToDate) this.#witness.distracted(nowMs);
      const idle = vips.mayHold || !stands() || nowMs < this.#allowedAtMs;
      const rank = this.#roster.rank({ node, priority }, nowMs);
      const verdict = this.#witness.judge(election, rank, nowMs);
      this.#probing = verdict.kind === "wait" || idle ? undefined : verdict.vip;
      if (this.#probing !== undefined) this.#ask(link, this.#probing);
      if (verdict.kind === "dead" && !idle) {
        if (this.#stolenTerm !== verdict.term) {
          logger.warn("the holder is silent and does not answer, takes the Lease", {
            holder: election.holder ?? "",
            term: verdict.term,
          });
          this.#damper.stolen(nowMs);
        }
        this.#stolenTerm = verdict.term;
        // A pause of this process, or of looking on, lets the verdict lapse.
        election.declareDead(verdict.term, nowMs + 2 * intervalMs);
      }
      await clock.until(verdict.untilMs, signal);
    }
  }

  /**
   * A sign of life may be here and not be read yet: whoever waits for frames waits for the processor
   * too, and not for as long as this one did.
   *
   * @returns whether all was read that is here
   */
  #catchUp(source: FrameSource): boolean {
    const readsClaims = this.#parts.claims.look();
    return takeIn(source, (frame) => this.#take(frame)) && readsClaims;
  }

  /** A steal that was begun goes on; the next one waits. */
  get #allowedAtMs(): number {
    return this.#stolenTerm === this.#parts.election.term ? -Infinity : this.#damper.allowedAtMs;
  }

  #ask(link: Link, vip: string): void {
    const { network } = this.#parts;
    this.#try(() => {
      // With sender address 0 (RFC 5227, section 1.1) Linux answers only for addresses of the very
      // interface.
      const own = network.addresses().find(({ linkIndex, ip, prefixLength }) =>
        linkIndex === link.index && ip.family === 4 && prefixLength < 32
      );
      if (own === undefined) {
        throw new Error(
          `interface ${link.name} has no IPv4 address of its own to ask the holder from`,
        );
      }
      const targetIp = parseIp(vip)!;
      network.send(
        link.index,
        arpRequestFrame({ senderMac: link.mac, senderIp: own.ip, targetIp }),
      );
      this.#witness.probed();
    });
  }

  #try(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { message } = error as Error;
    if (message === this.#failure) return;
    this.#failure = message;
    this.#parts.logger.warn("fast failover does not work at present", { error });
  }
}

function describe({ index, mac }: Link): string {
  return `${index} ${formatMac(mac)}`;
}
