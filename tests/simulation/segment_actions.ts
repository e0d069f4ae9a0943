import { blankBeacon } from "./beacon_frames.ts";
import type { FastNet } from "./fast_net.ts";
import type { Node } from "./node.ts";
import { derive, seeded } from "./random.ts";
import type { Action } from "./schedule.ts";

export const SEGMENT_KINDS = [
  // Of the segment, for `ms`: a node's frames reach nobody, nobody's reach it, or both.
  "mute",
  "deaf",
  "isolated",
  // Two halves, or any ways between two nodes at random, most of them in one direction only.
  "parted",
  "cut ways",
  "lost frames",
  "late frames",
  "repeated frames",
  // Somebody plays what a node has had before, and what nobody sent.
  "replay",
] as const;
export type SegmentKind = typeof SEGMENT_KINDS[number];

/** From one frame that somebody plays again to the next. */
const REPLAY_EVERY_MS = 100;

export function isSegmentKind(kind: Action["kind"]): kind is SegmentKind {
  return SEGMENT_KINDS.includes(kind as SegmentKind);
}

/** Makes something happen on the segment. */
export function disturb(
  { segment, plan, world }: FastNet,
  { kind, ms, amount }: Action & { kind: SegmentKind },
  node: Node,
): void {
  const at = world.nodes.indexOf(node);
  const size = Math.abs(amount);
  const everywhere = () => true;
  const [loss, repeats] = [size, size];
  switch (kind) {
    case "mute":
      return segment.trouble(ms, { loss: 1, strikes: (from) => from === at });
    case "deaf":
      return segment.trouble(ms, { loss: 1, strikes: (_, to) => to === at });
    case "isolated":
      return segment.trouble(ms, { loss: 1, strikes: (from, to) => from === at || to === at });
    case "parted": {
      const inOne = (node: number) => node === at || derive(size * 1e9, node) % 2 === 0;
      return segment.trouble(ms, { loss: 1, strikes: (from, to) => inOne(from) !== inOne(to) });
    }
    case "cut ways": {
      const cut = (from: number, to: number) => derive(size * 1e9, 8 * from + to) % 2 === 0;
      return segment.trouble(ms, { loss: 1, strikes: cut });
    }
    case "lost frames":
      return segment.trouble(ms, { loss, strikes: everywhere });
    case "late frames":
      return segment.trouble(ms, { delayMs: 6 * size * plan.intervalMs, strikes: everywhere });
    case "repeated frames":
      return segment.trouble(ms, { repeats, strikes: everywhere });
    case "replay":
      return replay(world, segment, ms);
  }
}

function replay({ timeline, schedule }: FastNet["world"], segment: FastNet["segment"], ms: number) {
  const random = seeded(derive(schedule.seed, 2));
  const untilMs = timeline.nowMs + ms;
  const play = () => {
    if (timeline.nowMs >= untilMs) return;
    segment.replay(random, blankBeacon);
    timeline.after(REPLAY_EVERY_MS * random(), play);
  };
  play();
}
