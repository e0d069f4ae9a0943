import { alignColumns, wrap } from "../../../lib/cli/text.ts";
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
  /** What to know of the demo. */
  readonly note: string;
  readonly classes: readonly ClassRow[];
  /** What the client heard last, oldest first, one line each. */
  readonly frames: readonly string[];
  readonly traffic: TrafficSummary | undefined;
  readonly steps: readonly Step[];
}

const MARKS = { running: "…", ok: "✓", failed: "✗" };
const HEADINGS = ["CLASS", "HOLDER", "SERVICE", "VIP", "ON", "STATUS"];

/** Of the frames however many steps there are; and the lines around them. */
const MIN_FRAMES = 2;
const FRAMES_FRAME = 2;

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** Homes the cursor, clears to the right of each line and below the last one (ECMA-48). */
const HOME = "\x1b[H";
const CLEAR_RIGHT = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/** The table of classes, Services and VIPs. */
export function tableLines(classes: readonly ClassRow[]): string[] {
  const rows = classes.flatMap(({ name, holder, services }) =>
    services.map((service, index) => [
      index === 0 ? name : "",
      index === 0 ? holder ?? "–" : "",
      service.name,
      service.vip,
      service.nodes.join(", ") || "–",
      service.status ?? "–",
    ])
  );
  return alignColumns([HEADINGS, ...rows]);
}

/** A line with the step's start and title, and its outcome below. */
export function stepLines({ atMs, title, outcome, ok }: Step, columns = Infinity): string[] {
  const mark = MARKS[ok === undefined ? "running" : ok ? "ok" : "failed"];
  const head = `${seconds(atMs).padStart(8)} ${mark} `;
  const below = " ".repeat(head.length);
  const texts = [title, ...outcome === undefined ? [] : [outcome]];
  return texts.flatMap((text) => wrap(text, columns - head.length))
    .map((line, index) => (index === 0 ? head : below) + line);
}

/** `812 connections, 3 failed, longest gap 0.08 s (node-1 400, node-2 409)` */
export function trafficLine({ attempts, failures, longestGapMs, answers }: TrafficSummary): string {
  const nodes = Object.entries(answers).sort().map(([node, count]) => `${node} ${count}`);
  return `${attempts} connections, ${failures} failed, longest gap ${seconds(longestGapMs)}` +
    (nodes.length === 0 ? "" : ` (${nodes.join(", ")})`);
}

/**
 * Everything, top to bottom, no line longer than `columns`. Where the rows are too few, early steps
 * and frames go: the table stays.
 */
export function screenLines(state: DemoState, { columns, rows }: ScreenSize): string[] {
  const traffic = state.traffic === undefined ? "–" : trafficLine(state.traffic);
  const head = [
    ...tableLines(state.classes),
    "",
    ...wrap(state.note, columns),
    ...wrap(`Client's TCP traffic: ${traffic}`, columns),
    "",
  ];
  const steps = state.steps.flatMap((step) => stepLines(step, columns));
  const room = rows - head.length - FRAMES_FRAME - steps.length;
  const frames = state.frames.slice(-Math.max(MIN_FRAMES, room));
  const middle = [
    "ARP frames that the client heard last:",
    ...frames.map((frame) => `  ${frame}`),
    "",
  ];
  const left = rows - head.length - middle.length;
  return [...head, ...middle, ...(left > 0 ? steps.slice(-left) : [])]
    .slice(0, Math.max(0, rows)).map((line) => line.slice(0, columns));
}

/** Some terminals, such as serial ones, say 0 for what they don't know: then the usual size. */
export function terminalSize({ columns, rows }: ScreenSize): ScreenSize {
  return { columns: columns || 80, rows: rows || 24 };
}

/** The screen as text for a terminal: drawn over the one before without flicker. */
export function drawing(state: DemoState, size: ScreenSize): string {
  const lines = screenLines(state, size);
  return HOME + lines.map((line) => `${line}${CLEAR_RIGHT}\r\n`).join("") + CLEAR_BELOW;
}

/** Milliseconds as seconds: `0.08 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
