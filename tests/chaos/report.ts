import { gaps, seconds, type Violation } from "./checker.ts";
import { GAP_BOUND_MS } from "./bound.ts";
import { findDoubles } from "../lab/holdings.ts";
import type { Recording } from "./recording.ts";
import { timeLine } from "./time_line.ts";

/** How much of what came before the first violation is shown. */
const BEFORE_MS = 15_000;
const AFTER_MS = 1000;

/** What a run showed, in lines for people. */
export function reportLines(
  recording: Recording,
  violations: readonly Violation[],
): string[] {
  const { faults, holdings, claims, fast, longestPauseMs } = recording;
  const longestMs = Math.max(0, ...gaps(recording).map(({ countedMs }) => countedMs));
  const overlapMs = Math.max(0, ...findDoubles(holdings).map(({ fromMs, toMs }) => toMs - fromMs));
  const summary = `faults: ${faults.length} · claims of a VIP: ${holdings.length} · ` +
    `frames: ${claims.length} · longest gap that counts: ${seconds(longestMs)} ` +
    `(bound ${seconds(GAP_BOUND_MS)}) · longest time between two looks: ` +
    `${longestPauseMs.toFixed(0)} ms` +
    (fast ? ` · longest time at two places: ${seconds(overlapMs)}` : "");
  const [first] = violations;
  if (first === undefined) return [summary, "All promises were kept."];
  return [
    `Before the first broken promise:`,
    ...timeLine(recording, first.atMs - BEFORE_MS, first.atMs + AFTER_MS),
    "",
    summary,
    `Broken promises: ${violations.length}`,
    ...violations.map(({ atMs, text }) => `  ${seconds(atMs - recording.startMs)}: ${text}`),
  ];
}
