import { electionTimes } from "../../lib/agent/times.ts";
import { readLease } from "../../lib/election/lease_record.ts";
import type { Lease } from "../../lib/kube/types.ts";
import type { Beacon } from "../../lib/net/beacon.ts";
import { Checker } from "./checker.ts";
import type { FastPlan } from "./fast_schedule.ts";
import type { Node } from "./node.ts";
import { type Segment, SLOWEST_MS } from "./segment.ts";
import type { World } from "./world.ts";

/** A missed beacon, and one that a process may have had in its socket while it was late itself. */
const SILENT_INTERVALS = 2.4;
/** Questions begin at the second missed beacon; answers to earlier ones prove nothing. */
const UNANSWERED_INTERVALS = 1.4;
/** The fastest clock that is allowed for. */
const RATE = 1.011;
/** As docs/failover.md has it. */
const HOLD_OFF_MS = { shortest: 10_000, longest: 600_000 };
/** A beacon's way, and what timers are late. */
const TOLD_AFTER_MS = SLOWEST_MS + 4;

/** What one node could know of another. */
interface Signs {
  beaconMs: number;
  answerMs: number;
  /** The latest that it heard of, as the replay filter has it. */
  term: number;
  sequence: number;
  /** Terms in which it heard it as the holder. */
  readonly terms: Set<number>;
}

/** What a node holds, as the API server and the answers to it have it. */
interface Standing {
  term: number;
  /** resourceVersion of its last write that was stored. */
  version: number;
  /** When the last renewal was sent that was answered. */
  renewedAtMs: number;
  /** A standby that could neither hear nor ask it took its Lease. */
  replaced: boolean;
}

/**
 * In fast mode two nodes may have the VIP at once, but only as docs/failover.md says in "What it
 * trades": the holder is alive, a standby that heard it in its term gets neither its beacons nor
 * its ARP answers, and takes the Lease. Then the former holder lets go as soon as its watch or a
 * beacon tells it, and in any case within one lease duration of its last renewal, and what a
 * kernel may be late beyond that.
 */
export class FastChecker extends Checker {
  readonly #plan: FastPlan;
  readonly #segment: Segment;
  readonly #signs = new Map<string, Signs>();
  readonly #standings = new Map<Node, Standing>();
  /** "term name": whether this node had the right to take over from the holder of this term. */
  readonly #justified = new Map<string, boolean>();
  readonly #steals = new WeakMap<object, { term: number; atMs: number; holdOffMs: number }>();
  #term = 0;
  /** How often the VIP was at two places, and for how long in all. */
  overlaps = 0;
  overlapMs = 0;
  /** How often the Lease was taken because of the witness. */
  steals = 0;
  #overlapSinceMs: number | undefined;
  #goneAtMs: number | undefined;

  constructor(world: World, plan: FastPlan, segment: Segment) {
    super(world);
    this.#plan = plan;
    this.#segment = segment;
    world.server.onChange((by) => this.#applied(by, world.server.lease));
  }

  /** A beacon reached a machine. @returns whether it is newer than all of its node before */
  beaconArrived(beacon: Beacon, from: Node, at: Node): boolean {
    const signs = this.#signsOf(from, at);
    if (beacon.sequence <= signs.sequence && beacon.term <= signs.term) return false;
    signs.sequence = beacon.sequence;
    signs.term = beacon.term;
    if (beacon.kind !== "holder") return true;
    signs.beaconMs = this.nowMs;
    signs.terms.add(beacon.term);
    return true;
  }

  /** An ARP answer reached the machine that asked. */
  answerArrived(from: Node, at: Node): void {
    this.#signsOf(from, at).answerMs = this.nowMs;
  }

  /** A process read a beacon: the holder of an earlier term withdraws now. */
  beaconRead(beacon: Beacon, at: Node): void {
    const { term } = this.#standingOf(at);
    if (beacon.kind !== "holder" || beacon.term <= term || !at.agent?.elector.mayHold()) return;
    const process = at.process!;
    this.world.timeline.after(0.01, () => {
      if (!process.alive || process.stopped || !at.present) return;
      if (this.#standingOf(at).term === term) {
        this.violated(`${at.name} has the VIP after a beacon of term ${beacon.term}`);
      }
    });
  }

  /** A process took in what its watch showed. */
  watchRead(lease: Lease | undefined, at: Node): void {
    if (lease === undefined || !at.present) return;
    const { holder, term } = readLease(lease);
    const older = versionOf(lease) <= this.#standingOf(at).version;
    if (older || holder === undefined || holder === at.identity) return;
    this.violated(`${at.name} has the VIP after its watch showed term ${term}`);
  }

  /** A write is sent. */
  writes(lease: Lease, by: Node): void {
    const before = this.world.server.lease;
    if (before === undefined) return;
    const { term, holder } = readLease(before);
    if (readLease(lease).term <= term) return;
    const former = this.world.nodes.find((node) =>
      node !== by && node.identity === holder && this.#standingOf(node).term === term
    );
    if (former === undefined) return;
    const { intervalMs } = this.#plan;
    const { beaconMs, answerMs, terms } = this.#signsOf(former, by);
    const silent = this.nowMs - beaconMs > SILENT_INTERVALS * intervalMs / RATE &&
      this.nowMs - answerMs > UNANSWERED_INTERVALS * intervalMs / RATE;
    this.#justified.set(`${term} ${by.name}`, terms.has(term) && silent);
  }

  /** A write was answered. */
  answered(node: Node, sentAtMs: number): void {
    const standing = this.#standingOf(node);
    standing.renewedAtMs = Math.max(standing.renewedAtMs, sentAtMs);
  }

  /** The witness found the holder of this term dead. */
  declaresDead(node: Node, term: number): void {
    const process = node.process!;
    const last = this.#steals.get(process);
    if (last?.term === term) return;
    this.steals++;
    this.world.note(node.name, `finds the holder of term ${term} dead`);
    if (last !== undefined && this.nowMs - last.atMs < last.holdOffMs / RATE) {
      this.violated(`${node.name} takes the Lease again within its hold-off`);
    }
    const holdOffMs = last === undefined
      ? HOLD_OFF_MS.shortest
      : Math.min(2 * last.holdOffMs, HOLD_OFF_MS.longest);
    this.#steals.set(process, { term, atMs: this.nowMs, holdOffMs });
  }

  override addressSet(node: Node, seconds: number, appeared: boolean): void {
    super.addressSet(node, seconds, appeared);
    if (!appeared) return;
    this.#count();
    for (const other of this.world.nodes) {
      if (other === node || !other.present) continue;
      if (this.replaced(other)) this.#mustHear(other, node, TOLD_AFTER_MS);
      // It did not hold yet when the other's first beacon came.
      else if (this.replaced(node)) {
        this.#mustHear(node, other, TOLD_AFTER_MS + RATE * this.#plan.intervalMs);
      }
    }
  }

  override addressVanished(node: Node, how: string, excused: boolean): void {
    super.addressVanished(node, how, excused);
    this.#count();
    const { replaced, renewedAtMs } = this.#standingOf(node);
    const { leaseDurationMs, renewIntervalMs } = this.world.schedule;
    const { lifetimeRoomMs } = electionTimes(leaseDurationMs, renewIntervalMs);
    const lateMs = this.nowMs - renewedAtMs - leaseDurationMs - lifetimeRoomMs;
    if (replaced && !excused && !node.machine.asleep && lateMs >= 0) {
      this.violated(`${node.name} had the VIP for longer than a Lease after its last renewal`);
    }
  }

  /** At the end: what the schedule lets happen at most. */
  override finished(): void {
    const { mostElections = Infinity } = this.#plan;
    if (this.elections > mostElections) this.violated(`the VIP moved ${this.elections - 1} times`);
  }

  /** Somebody took its Lease, rightfully as this mode has it. */
  protected override replaced(node: Node): boolean {
    return this.#standingOf(node).replaced;
  }

  /** The Lease changed at the API server. @param by "node.run", or somebody's hand */
  #applied(by: string, lease: Lease | undefined): void {
    if (lease === undefined) return;
    const { holder, incarnation, term, handedOverFor } = readLease(lease);
    const termBefore = this.#term;
    this.#term = term;
    const { nodes } = this.world;
    const writer = nodes.find(({ name }) => by.startsWith(`${name}.`));
    const isHandover = writer !== undefined && handedOverFor !== undefined;
    const node = isHandover
      ? nodes.find((node) => node.identity === holder && node.incarnation === incarnation)
      : writer;
    if (node === undefined || holder !== node.identity) return;
    this.#standingOf(node).version = versionOf(lease);
    // After a Lease was deleted by hand, terms may begin anew.
    if (term === termBefore) return;
    // Its right counts from its offer, which was before.
    if (isHandover) this.answered(node, this.nowMs);
    const justified = this.#justified.get(`${termBefore} ${node.name}`) ?? false;
    for (const [former, standing] of this.#standings) {
      if (former !== node && standing.term === termBefore) standing.replaced ||= justified;
    }
    const standing = this.#standingOf(node);
    standing.term = term;
    standing.replaced = false;
  }

  /** Where nothing is in the way of the new holder's beacons, the former one lets go at once. */
  #mustHear(former: Node, holder: Node, afterMs: number): void {
    const { nodes, timeline } = this.world;
    const sinceMs = this.nowMs;
    const { term } = this.#standingOf(former);
    const [from, to] = [nodes.indexOf(holder), nodes.indexOf(former)];
    const processes = [former.process, holder.process];
    if (!former.agent?.elector.mayHold()) return;
    // Terms began anew with a Lease that somebody deleted: its beacons are not to be told from old ones.
    if (this.#signsOf(holder, former).term >= this.#standingOf(holder).term) return;
    timeline.after(afterMs, () => {
      const undisturbed = processes.every((process) => process?.ranSince(sinceMs)) &&
        former.process === processes[0] && holder.process === processes[1] &&
        this.#segment.clearSinceMs(from, to) <= sinceMs;
      if (!undisturbed || !former.present || !holder.present) return;
      if (this.#standingOf(former).term === term) {
        this.violated(`${former.name} has the VIP although it can hear ${holder.name}`);
      }
    });
  }

  #count(): void {
    const { mostGapMs = Infinity } = this.#plan;
    const there = this.world.nodes.filter(({ present }) => present).length;
    if (there > 1 && this.#overlapSinceMs === undefined) {
      this.overlaps++;
      this.#overlapSinceMs = this.nowMs;
    } else if (there <= 1 && this.#overlapSinceMs !== undefined) {
      this.overlapMs += this.nowMs - this.#overlapSinceMs;
      this.#overlapSinceMs = undefined;
    }
    if (there > 0) {
      const gapMs = this.nowMs - (this.#goneAtMs ?? this.nowMs);
      this.#goneAtMs = undefined;
      if (gapMs > mostGapMs) this.violated(`nobody had the VIP for ${Math.round(gapMs)} ms`);
    } else this.#goneAtMs = this.nowMs;
  }

  #signsOf(from: Node, at: Node): Signs {
    const key = `${from.name} ${at.name}`;
    let signs = this.#signs.get(key);
    if (signs === undefined) {
      signs = {
        beaconMs: -Infinity,
        answerMs: -Infinity,
        term: -1,
        sequence: -1,
        terms: new Set(),
      };
      this.#signs.set(key, signs);
    }
    return signs;
  }

  #standingOf(node: Node): Standing {
    let standing = this.#standings.get(node);
    if (standing === undefined) {
      standing = { term: -1, version: -1, renewedAtMs: -Infinity, replaced: false };
      this.#standings.set(node, standing);
    }
    return standing;
  }
}

function versionOf({ metadata }: Lease): number {
  return Number(metadata?.resourceVersion);
}
