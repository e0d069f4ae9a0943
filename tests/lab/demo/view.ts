import type { TrafficSummary } from "../traffic.ts";

/** One class: who holds it, which VIPs are where. */
export interface ClassRow {
  /** The class, or what stands in its place for Services without one. */
  readonly name: string;
  /** The node that its Lease names. */
  readonly holder: string | undefined;
  readonly services: readonly ServiceRow[];
}

export interface ServiceRow {
  /** `namespace/name`. */
  readonly name: string;
  readonly vip: string;
  /** The nodes that have the address on an interface: one, if all is well. */
  readonly nodes: readonly string[];
  /** The address in the Service's status. */
  readonly status: string | undefined;
}

/** A step of the demo. Times in milliseconds since the demo's start. */
export interface Step {
  readonly atMs: number;
  readonly title: string;
  /** What came of it, once it is over. */
  outcome?: string;
  /** Undefined while it goes on. */
  ok?: boolean;
}

/** All that is on the screen. */
export interface DemoState {
  readonly classes: readonly ClassRow[];
  /** What the client heard last, oldest first, one line each. */
  readonly frames: readonly string[];
  readonly traffic: TrafficSummary | undefined;
  readonly steps: readonly Step[];
}

const MARKS = { running: "…", ok: "✓", failed: "✗" };
const COLUMNS = [14, 10, 20, 13, 20, 0];
const HEADINGS = ["CLASS", "HOLDER", "SERVICE", "VIP", "ON", "STATUS"];

/** Homes the cursor, clears to the right of each line and below the last one (ECMA-48). */
const HOME = "\x1b[H";
const CLEAR_RIGHT = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/** The table of classes, Services and VIPs. */
export function tableLines(classes: readonly ClassRow[]): string[] {
  const rows = classes.flatMap(({ name, holder, services }) =>
    services.map((service, index) =>
      cells([
        index === 0 ? name : "",
        index === 0 ? holder ?? "–" : "",
        service.name,
        service.vip,
        service.nodes.join(", ") || "–",
        service.status ?? "–",
      ])
    )
  );
  return [cells(HEADINGS), ...rows];
}

/** A line with the step's start and title, and one with its outcome below. */
export function stepLines({ atMs, title, outcome, ok }: Step): string[] {
  const mark = MARKS[ok === undefined ? "running" : ok ? "ok" : "failed"];
  const head = `${seconds(atMs).padStart(8)} ${mark} `;
  const lines = [head + title];
  if (outcome !== undefined) lines.push(" ".repeat(head.length) + outcome);
  return lines;
}

/** `812 connections, 3 failed, longest gap 0.08 s (node-1 400, node-2 409)` */
export function trafficLine({ attempts, failures, longestGapMs, answers }: TrafficSummary): string {
  const nodes = Object.entries(answers).sort().map(([node, count]) => `${node} ${count}`);
  return `${attempts} connections, ${failures} failed, longest gap ${seconds(longestGapMs)}` +
    (nodes.length === 0 ? "" : ` (${nodes.join(", ")})`);
}

/** Everything, top to bottom, no line longer than `columns`. */
export function screenLines(state: DemoState, columns: number): string[] {
  return [
    ...tableLines(state.classes),
    "",
    `Client's TCP traffic: ${state.traffic === undefined ? "–" : trafficLine(state.traffic)}`,
    "",
    "ARP frames that the client heard last:",
    ...state.frames.map((frame) => `  ${frame}`),
    "",
    ...state.steps.flatMap(stepLines),
  ].map((line) => line.slice(0, columns));
}

/**
 * The screen as text for a terminal: drawn over the one before without flicker. Where the rows are
 * too few, the upper ones go, as they would scroll away.
 */
export function drawing(
  state: DemoState,
  { columns, rows }: { columns: number; rows: number },
): string {
  const lines = screenLines(state, columns).slice(-rows);
  return HOME + lines.map((line) => `${line}${CLEAR_RIGHT}\r\n`).join("") + CLEAR_BELOW;
}

/** Milliseconds as seconds: `0.08 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function cells(texts: readonly string[]): string {
  return texts.map((text, index) => text.padEnd(COLUMNS[index] ?? 0)).join(" ").trimEnd();
}
