import { between, pick, type Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

/** A node's end of the segment. */
export interface Port {
  /**
   * @param sign it is the first copy of what its sender sent: nobody repeats or replays it
   * @returns whether the machine was awake to hear it
   */
  arrived(frame: Uint8Array, from: number, sign: boolean): boolean;
}

/** What becomes of frames from one node to another, for a while. */
export interface SegmentTrouble {
  readonly strikes: (from: number, to: number) => boolean;
  /** The part that gets lost. */
  readonly loss?: number;
  /** Delays by up to this much; frames then overtake each other. */
  readonly delayMs?: number;
  /** The part that comes twice. */
  readonly repeats?: number;
}

const FASTEST_MS = 0.05;
export const SLOWEST_MS = 1;
/** What somebody who listens in at a node can play again to it. */
const RECORDED = 200;
/** Stands for nobody, as the sender of a frame. */
const NOBODY = -1;

/** The layer-2 segment of the nodes: frames are late, get lost or come twice, one way or both. */
export class Segment {
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #ports: readonly Port[];
  /** What arrived at each node, the latest last. */
  readonly #recorded: readonly Uint8Array[][];
  #troubles: (SegmentTrouble & { readonly untilMs: number })[] = [];
  readonly #troubledUntilMs = new Map<string, number>();

  constructor(timeline: Timeline, random: Random, ports: readonly Port[]) {
    this.#timeline = timeline;
    this.#random = random;
    this.#ports = ports;
    this.#recorded = ports.map(() => []);
  }

  trouble(forMs: number, trouble: SegmentTrouble): void {
    const untilMs = this.#timeline.nowMs + forMs;
    this.#troubles.push({ ...trouble, untilMs });
    this.#ports.forEach((_, from) =>
      this.#ports.forEach((_, to) => {
        if (!trouble.strikes(from, to)) return;
        const key = `${from} ${to}`;
        const former = this.#troubledUntilMs.get(key) ?? 0;
        this.#troubledUntilMs.set(key, Math.max(former, untilMs));
      })
    );
  }

  /** Since when all that one node sends reaches the other soon, if it does. */
  clearSinceMs(from: number, to: number): number {
    return this.#troubledUntilMs.get(`${from} ${to}`) ?? 0;
  }

  /** To all other nodes. */
  broadcast(frame: Uint8Array, from: number): void {
    for (let to = 0; to < this.#ports.length; to++) if (to !== from) this.unicast(frame, from, to);
  }

  unicast(frame: Uint8Array, from: number, to: number): void {
    const [random, nowMs] = [this.#random, this.#timeline.nowMs];
    this.#troubles = this.#troubles.filter(({ untilMs }) => nowMs < untilMs);
    let [delayMs, again] = [between(random, FASTEST_MS, SLOWEST_MS), false];
    for (const { strikes, loss = 0, delayMs: most = 0, repeats = 0 } of this.#troubles) {
      if (!strikes(from, to)) continue;
      if (random() < loss) return;
      delayMs += random() * most;
      again ||= random() < repeats;
    }
    const port = this.#ports[to]!;
    this.#timeline.after(delayMs, () => {
      const recorded = this.#recorded[to]!;
      if (port.arrived(frame, from, true)) recorded.push(frame);
      if (recorded.length > RECORDED) recorded.shift();
    });
    if (again) {
      this.#timeline.after(delayMs * (1 + random()), () => port.arrived(frame, from, false));
    }
  }

  /** Somebody plays a frame to each node: one that it has had before, or one of theirs. */
  replay(random: Random, forged: () => Uint8Array): void {
    this.#ports.forEach((port, i) => {
      const recorded = this.#recorded[i]!;
      const again = recorded.length > 0 && random() < 0.9;
      port.arrived(again ? pick(random, recorded) : forged(), NOBODY, false);
    });
  }
}
