import { type Double, findDoubles, type Holding } from "../lab/holdings.ts";
import { CALM_GAP_BOUND_MS, GAP_BOUND_MS, LEASE_MS, OVERLAP_BOUND_MS } from "./bound.ts";
import type { Fault, Recording } from "./recording.ts";

/** A promise that was broken. */
export interface Violation {
  readonly kind: "double" | "claim" | "gap" | "leftover";
  readonly atMs: number;
  readonly text: string;
}

/** A time at which nobody had a VIP. */
export interface Gap {
  readonly ip: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The part of it for which the bound holds: some node could have taken the VIP. */
  readonly countedMs: number;
}

/** How far a frame's time may be off: its reader waits for the processor like everybody. */
const FRAME_SLACK_MS = 250;
/** While there is little to do; when even addresses are read late, so are frames. */
const CALM_FRAME_SLACK_MS = 80;
/** From when nodes don't hear each other to a take-over for that; the machine is busy. */
const SILENCE_MS = 3000;

/** Everything in a recording that must not be, by time. */
export function violations(recording: Recording): Violation[] {
  return [
    ...doubles(recording),
    ...emptyClaims(recording),
    ...longGaps(recording),
    ...leftovers(recording),
  ].sort((a, b) => a.atMs - b.atMs);
}

function doubles(recording: Recording): Violation[] {
  return findDoubles(recording.holdings).flatMap((double): Violation[] => {
    const { ip, holders: [a, b], fromMs, toMs } = double;
    const allowedMs = allowedOverlapMs(recording, double);
    if (toMs - fromMs < allowedMs) return [];
    return [{
      kind: "double",
      atMs: fromMs,
      text: `${ip} was on ${a.host} ${a.interface} and on ${b.host} ${b.interface} ` +
        `for ${(toMs - fromMs).toFixed(1)} ms at least` +
        (allowedMs > 0 ? ` (bound ${seconds(allowedMs)})` : ""),
    }];
  });
}

/** What fast mode trades: docs/failover.md. */
function allowedOverlapMs({ fast, faults }: Recording, { holders, fromMs, toMs }: Double): number {
  const [former, next] = [...holders].sort((a, b) => a.fromMs - b.fromMs) as [Holding, Holding];
  // The silence comes first, then the write, then the address.
  const during = faults.filter((fault) => fault.fromMs <= toMs && fault.toMs > fromMs - SILENCE_MS);
  const concerns = ({ nodes }: Fault, host: string) => nodes.length === 0 || nodes.includes(host);
  const separated = during.some((fault) =>
    fault.separates && (concerns(fault, former.host) || concerns(fault, next.host))
  );
  if (!fast || !separated) return 0;
  const late = during.some((fault) => fault.delays && concerns(fault, former.host));
  return late ? LEASE_MS : OVERLAP_BOUND_MS;
}

function longGaps(recording: Recording): Violation[] {
  return gaps(recording).flatMap(({ ip, fromMs, toMs, countedMs }): Violation[] => {
    const calm = recording.faults.some((fault) =>
      fault.calm && fault.fromMs <= fromMs && fromMs < fault.fromMs + CALM_GAP_BOUND_MS
    );
    const [forMs, boundMs] = calm ? [toMs - fromMs, CALM_GAP_BOUND_MS] : [countedMs, GAP_BOUND_MS];
    // At both ends an address may have been there unseen.
    if (forMs - 2 * recording.longestPauseMs <= boundMs) return [];
    return [{
      kind: "gap",
      atMs: toMs,
      text: `${ip} was on no node for ${seconds(forMs)} although one could have it ` +
        `(bound ${seconds(boundMs)})`,
    }];
  });
}

/** Frames for an address that the node does not have. */
function emptyClaims({ claims, holdings, faults, longestPauseMs }: Recording): Violation[] {
  const untrue = claims.filter(({ atMs, node, ip }) => {
    const calm = faults.some((fault) =>
      fault.calm && fault.fromMs <= atMs && atMs < fault.fromMs + CALM_GAP_BOUND_MS
    );
    const slackMs = (calm ? CALM_FRAME_SLACK_MS : FRAME_SLACK_MS) + longestPauseMs;
    const held = holdings.some((holding) =>
      holding.host === node && holding.ip === ip && holding.fromMs - slackMs <= atMs &&
      (holding.open || atMs <= holding.toMs + slackMs)
    );
    // An agent can't know that a hand took it. It puts it back with its next renewal.
    const flushed = faults.some((fault) =>
      fault.flushed === ip && fault.nodes.includes(node) && fault.fromMs <= atMs &&
      atMs <= fault.toMs + LEASE_MS
    );
    return !held && !flushed;
  });
  return untrue.map(({ atMs, node, ip }) => ({
    kind: "claim",
    atMs,
    text: `${node} announced ${ip} without having it`,
  }));
}

/** The times at which nobody had a VIP, and how much of each counts. */
export function gaps(recording: Recording): Gap[] {
  const { vips, holdings, startMs, stopMs } = recording;
  return vips.flatMap((ip) => {
    const found: Gap[] = [];
    const add = (fromMs: number, toMs: number) => {
      if (toMs > fromMs) {
        found.push({ ip, fromMs, toMs, countedMs: longestCounted(recording, fromMs, toMs) });
      }
    };
    let heldUntilMs = startMs;
    const held = holdings.filter((holding) => holding.ip === ip)
      .sort((a, b) => a.fromMs - b.fromMs);
    for (const { fromMs, toMs, open } of held) {
      add(heldUntilMs, Math.min(fromMs, stopMs));
      heldUntilMs = Math.max(heldUntilMs, open ? Infinity : toMs);
    }
    add(heldUntilMs, stopMs);
    return found;
  });
}

/** The longest stretch in which a node could have taken a VIP and nothing set it back. */
function longestCounted({ nodes, faults }: Recording, fromMs: number, toMs: number): number {
  const changes = faults.flatMap((fault) => [
    { atMs: fault.fromMs, restarts: fault.disables || fault.setback },
    { atMs: fault.toMs, restarts: fault.setback },
  ]).filter(({ atMs }) => fromMs < atMs && atMs < toMs).sort((a, b) => a.atMs - b.atMs);
  let countingFromMs = candidateAt(nodes, faults, fromMs) ? fromMs : undefined;
  let longestMs = 0;
  const count = (atMs: number) => {
    if (countingFromMs !== undefined) longestMs = Math.max(longestMs, atMs - countingFromMs);
  };
  for (const { atMs, restarts } of changes) {
    count(atMs);
    if (!candidateAt(nodes, faults, atMs)) countingFromMs = undefined;
    else if (restarts) countingFromMs = atMs;
    else countingFromMs ??= atMs;
  }
  count(toMs);
  return longestMs;
}

/** Whether a node is live, connected and not stopped. */
function candidateAt(nodes: readonly string[], faults: readonly Fault[], atMs: number): boolean {
  return nodes.some((node) =>
    !faults.some((fault) =>
      fault.disables && (fault.nodes.length === 0 || fault.nodes.includes(node)) &&
      fault.fromMs <= atMs && atMs < fault.toMs
    )
  );
}

/** Whoever ends on request leaves nothing, from that moment on. */
function leftovers({ holdings, endedMs, leftovers }: Recording): Violation[] {
  const addresses = holdings.filter(({ open, toMs }) => open || toMs > endedMs)
    .map(({ ip, host }) => `${ip} was on ${host} after all agents had ended`);
  return [...addresses, ...leftovers].map((text) => ({ kind: "leftover", atMs: endedMs, text }));
}

/** For example "1.25 s". */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
