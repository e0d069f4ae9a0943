import { format, type Measurement, type Unit } from "./result.ts";
import { summarize } from "./statistics.ts";

const WIDTH = 960;
const LABEL_WIDTH = 380;
const RIGHT = 110;
const TOP = 64;
const ROW = 44;
const BOTTOM = 44;
const PLOT = WIDTH - LABEL_WIDTH - RIGHT;
/** From here on a linear axis would press the small ones into one spot. */
const LOG_FROM_RATIO = 20;
/** Dots of one row are spread over this height, so that equal ones stay apart. */
const SPREAD = 16;

/** Where values stand on the axis. */
export interface Scale {
  readonly log: boolean;
  readonly ticks: readonly number[];
  /** @returns 0 at the left end, 1 at the right. */
  place(value: number): number;
}

/** An axis that all values fit on: linear from 0, or logarithmic when they are far apart. */
export function scaleFor(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const max = positive.length > 0 ? Math.max(...positive) : 1;
  const min = Math.min(...positive, max);
  if (max / min >= LOG_FROM_RATIO) {
    const from = Math.floor(Math.log10(min));
    const to = Math.ceil(Math.log10(max));
    const ticks = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
    const place = (value: number) =>
      value <= 0 ? 0 : Math.max(0, (Math.log10(value) - from) / (to - from));
    return { log: true, ticks, place };
  }
  const step = niceStep(max / 5);
  const end = Math.ceil(max / step) * step;
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step);
  return { log: false, ticks, place: (value) => Math.max(0, value / end) };
}

/**
 * A strip plot: one row for each measurement, a dot for each sample, a bar at the median, a dashed
 * line at the bound.
 *
 * @param measurements of one unit, at least one
 */
export function stripPlot(title: string, measurements: readonly Measurement[]): string {
  const { unit } = measurements[0]!;
  const bounds = measurements.flatMap(({ bound }) => Object.values(bound ?? {}));
  const scale = scaleFor([...measurements.flatMap(({ samples }) => samples), ...bounds]);
  const height = TOP + measurements.length * ROW + BOTTOM;
  const x = (value: number) => (LABEL_WIDTH + scale.place(value) * PLOT).toFixed(1);
  const axisY = height - BOTTOM;
  const ticks = scale.ticks.map((tick) =>
    `<line x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 6}" y2="${axisY}" class="grid"/>` +
    `<text x="${x(tick)}" y="${axisY + 18}" class="tick">${shown(tick, unit)}</text>`
  );
  const rows = measurements.map((measurement, i) => row(measurement, TOP + i * ROW + ROW / 2, x));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<style>
text { font: 13px sans-serif; fill: #222 }
.title { font-size: 17px; font-weight: bold }
.hint, .tick { font-size: 11px; fill: #666 }
.tick { text-anchor: middle }
.label { text-anchor: end }
.grid { stroke: #e3e3e3 }
.own { fill: #1565c0 }
.peer { fill: #8d6e63 }
.median { stroke: #111; stroke-width: 3 }
.of { font-size: 9px; fill: #c62828; text-anchor: middle }
.bound { stroke: #c62828; stroke-width: 2; stroke-dasharray: 4 3 }
</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="26" class="title">${escape(title)}</text>
<text x="16" y="44" class="hint">${hint(scale)}</text>
${[...ticks, ...rows].join("\n")}
</svg>
`;
}

function row(
  { what, subject, unit, samples, bound }: Measurement,
  y: number,
  x: (value: number) => string,
): string {
  const { median } = summarize(samples);
  const kind = subject === "classvip" ? "own" : "peer";
  const dots = samples.map((value, i) => {
    // Spread by the golden ratio: even, and the same in every run.
    const offset = ((i * 0.618034) % 1 - 0.5) * SPREAD;
    return `<circle cx="${x(value)}" cy="${(y + offset).toFixed(1)}" r="3" class="${kind}" ` +
      `fill-opacity="0.45"/>`;
  });
  const bar = (value: number, name: string, half: number) =>
    `<line x1="${x(value)}" x2="${x(value)}" y1="${y - half}" y2="${y + half}" class="${name}"/>`;
  const label = subject === "classvip" ? what : `${what}, ${subject}`;
  return [
    `<text x="${LABEL_WIDTH - 14}" y="${y + 4}" class="label">${escape(label)}</text>`,
    ...dots,
    bar(median, "median", 12),
    ...Object.entries(bound ?? {}).map(([of, value]) =>
      bar(value, "bound", 14) + `<text x="${x(value)}" y="${y - 16}" class="of">${of}</text>`
    ),
    `<text x="${WIDTH - RIGHT + 14}" y="${y + 4}">${format(median, unit)}</text>`,
  ].join("");
}

function hint({ log }: Scale): string {
  return `dot: one round · black: median, in figures at the right · red: bounds${
    log ? " · logarithmic axis" : ""
  }`;
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= atLeast)!;
}

/** A tick's text, without the decimals that it does not have. */
function shown(tick: number, unit: Unit): string {
  const [value, name] = unit === "ms" && tick >= 1000 ? [tick / 1000, "s"] : [tick, unit];
  return `${Number(value.toPrecision(3))} ${name}`;
}

function escape(text: string): string {
  return text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]!);
}
