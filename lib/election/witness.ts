/** What a standby knows of the holder from its beacons. */
export interface HolderSign {
  readonly node: string;
  readonly term: number;
  /** Hardware address, as text, that beacons come from and ARP answers must come from. */
  readonly mac: string;
  /** An address that the holder answers for, as text; undefined: none, so nothing is to be lost. */
  readonly vip: string | undefined;
}

/** What the Lease says. */
export interface LeaseSight {
  readonly holder: string | undefined;
  readonly term: number;
}

/** What a standby has to do, and when to ask again. */
export type Verdict =
  | { readonly kind: "wait"; readonly untilMs: number }
  /** To ask who has `vip`; only an answer of `mac` counts. */
  | { readonly kind: "probe"; readonly vip: string; readonly mac: string; readonly untilMs: number }
  /** The same: what answers before it was replaced is alive. */
  | {
    readonly kind: "dead";
    readonly term: number;
    readonly vip: string;
    readonly untilMs: number;
  };

/** A missed beacon is one that did not come within half an interval after its time. */
const SILENCE_INTERVALS = 3.5;
const PROBE_AFTER_INTERVALS = 2;
/** From one standby to the next in rank: the first one's write is seen by then. */
const RANK_INTERVALS = 2;
const PROBE_EVERY_MS = 15;
/** One lost answer proves nothing. */
const LEAST_PROBES = 3;

/**
 * Watches one holder by its beacons, without I/O. It finds a holder dead that it has heard in the
 * term of the Lease, of which it then missed three beacons in a row, and whose kernel does not
 * answer for its address either. Looking on must have gone well all that time: after a pause of
 * this process the silence is counted anew.
 */
export class Witness {
  readonly #intervalMs: number;
  #heard: HolderSign & { atMs: number } | undefined;
  /** The last sign of life, or when looking began anew. */
  #signMs = -Infinity;
  #probes = 0;
  /** When `judge()` wanted to be asked again. */
  #expectedMs = Infinity;

  /** @param intervalMs from one beacon to the next */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** A beacon of a holder came: authenticated, and not heard before. */
  heard(sign: HolderSign, nowMs: number): void {
    const known = this.#heard;
    const recent = known && nowMs - known.atMs < SILENCE_INTERVALS * this.#intervalMs;
    // One that was replaced and does not know it yet.
    if (recent && sign.term < known.term) return;
    this.#heard = { ...sign, atMs: nowMs };
    this.#alive(nowMs);
  }

  /**
   * An ARP packet came that says where the address is.
   *
   * @returns the term whose holder lives, if it says so
   */
  answered(vip: string, mac: string, nowMs: number): number | undefined {
    if (this.#heard?.vip !== vip || this.#heard.mac !== mac) return undefined;
    this.#alive(nowMs);
    return this.#heard.term;
  }

  /** More came in than could be read: a sign of life may be among it. */
  distracted(nowMs: number): void {
    this.#alive(nowMs);
  }

  /** The question was sent. */
  probed(): void {
    this.#probes++;
  }

  /** @param rank how many other standbys come first */
  judge(lease: LeaseSight, rank: number, nowMs: number): Verdict {
    const [heard, interval] = [this.#heard, this.#intervalMs];
    if (nowMs > this.#expectedMs + interval) this.#alive(nowMs);
    const watched = heard !== undefined && heard.term === lease.term && heard.node === lease.holder;
    if (!watched || heard.vip === undefined) return this.#wait(nowMs + interval);
    const probeAtMs = this.#signMs + PROBE_AFTER_INTERVALS * interval;
    if (nowMs < probeAtMs) return this.#wait(probeAtMs);
    const deadAtMs = this.#signMs + (SILENCE_INTERVALS + rank * RANK_INTERVALS) * interval;
    const nextMs = nowMs + PROBE_EVERY_MS;
    const asked = this.#probes >= LEAST_PROBES;
    const dead = asked && nowMs >= deadAtMs;
    const untilMs = asked && !dead ? Math.min(nextMs, deadAtMs) : nextMs;
    this.#expectedMs = untilMs;
    if (dead) return { kind: "dead", term: heard.term, vip: heard.vip, untilMs };
    return { kind: "probe", vip: heard.vip, mac: heard.mac, untilMs };
  }

  #alive(nowMs: number): void {
    this.#signMs = nowMs;
    this.#probes = 0;
  }

  #wait(untilMs: number): Verdict {
    this.#expectedMs = untilMs;
    return { kind: "wait", untilMs };
  }
}

/** From one beacon of a standby to the next. */
export const STANDBY_BEACON_MS = 500;
/** Two in a row may get lost. */
const STANDBY_LIVES_MS = 3.5 * STANDBY_BEACON_MS;

/** Which standbys are there, and in which order they take over. */
export class Roster {
  readonly #seen = new Map<string, { priority: number; atMs: number }>();

  /** A beacon of a standby came. */
  heard({ node, priority }: { node: string; priority: number }, nowMs: number): void {
    this.#seen.set(node, { priority, atMs: nowMs });
  }

  /** It holds now, or did; it is no standby. */
  remove(node: string): void {
    this.#seen.delete(node);
  }

  /** How many live standbys come before this one: by priority, then by name. */
  rank(own: { node: string; priority: number }, nowMs: number): number {
    let rank = 0;
    for (const [node, { priority, atMs }] of this.#seen) {
      if (nowMs - atMs > STANDBY_LIVES_MS) this.#seen.delete(node);
      else if (priority !== own.priority) rank += priority > own.priority ? 1 : 0;
      else if (node < own.node) rank++;
    }
    return rank;
  }
}

const SHORTEST_HOLD_OFF_MS = 10_000;
const LONGEST_HOLD_OFF_MS = 600_000;
const FORGET_MS = 3_600_000;

/** Lets few steals happen in a row, so that a network that is cut in one direction moves VIPs once. */
export class StealDamper {
  #lastMs = -Infinity;
  #holdOffMs = 0;

  /** Before this time the Lease alone decides. */
  get allowedAtMs(): number {
    return this.#lastMs + this.#holdOffMs;
  }

  stolen(nowMs: number): void {
    const quiet = nowMs - this.#lastMs > FORGET_MS;
    this.#holdOffMs = quiet || this.#holdOffMs === 0
      ? SHORTEST_HOLD_OFF_MS
      : Math.min(2 * this.#holdOffMs, LONGEST_HOLD_OFF_MS);
    this.#lastMs = nowMs;
  }
}
