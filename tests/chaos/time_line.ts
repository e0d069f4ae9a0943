import type { Recording } from "./recording.ts";
import { seconds } from "./checker.ts";

/** Frames of one node that follow each other this closely are one line. */
const BURST_MS = 1000;

/** What happened between two times, a line for each event, oldest first. */
export function timeLine(recording: Recording, fromMs: number, toMs: number): string[] {
  const { startMs, faults, holdings, claims, sayings } = recording;
  const events: { atMs: number; text: string }[] = [];
  for (const { label, nodes, fromMs, toMs } of faults) {
    const what = `${label}${nodes.length > 0 ? `: ${nodes.join(", ")}` : ""}`;
    const lasts = toMs > fromMs ? `, for ${seconds(toMs - fromMs)}` : "";
    events.push({ atMs: fromMs, text: `FAULT  ${what}${lasts}` });
    if (toMs > fromMs) events.push({ atMs: toMs, text: `over   ${what}` });
  }
  for (const { ip, host, fromMs, toMs, open } of holdings) {
    events.push({ atMs: fromMs, text: `${host} HAS ${ip}` });
    if (!open) events.push({ atMs: toMs, text: `${host} has no longer ${ip}` });
  }
  const bursts = new Map<string, { atMs: number; lastMs: number; count: number; text: string }>();
  for (const { atMs, node, ip } of claims) {
    const text = `${node} announces ${ip}`;
    const burst = bursts.get(text);
    if (burst !== undefined && atMs - burst.lastMs < BURST_MS) {
      burst.lastMs = atMs;
      burst.count++;
    } else {
      if (burst !== undefined) events.push(frames(burst));
      bursts.set(text, { atMs, lastMs: atMs, count: 1, text });
    }
  }
  events.push(...[...bursts.values()].map(frames));
  for (const { atMs, node, text } of sayings) {
    events.push({ atMs, text: `${node} says: ${text}` });
  }
  return events.filter(({ atMs }) => fromMs <= atMs && atMs <= toMs)
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, text }) => `${((atMs - startMs) / 1000).toFixed(3).padStart(9)}  ${text}`);
}

function frames(burst: { atMs: number; lastMs: number; count: number; text: string }) {
  const { atMs, lastMs, count, text } = burst;
  return { atMs, text: `${text}, frames: ${count}, within ${seconds(lastMs - atMs)}` };
}
