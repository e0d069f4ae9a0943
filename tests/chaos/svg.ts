import { gaps, seconds, type Violation } from "./checker.ts";
import type { Fault, Recording } from "./recording.ts";

const LEFT = 90;
const RIGHT = 40;
const TOP = 70;
const PX_PER_SECOND = 26;
const NARROWEST = 900;
/** Of a fault's row and of a VIP's row in a lane. */
const FAULT_ROW = 15;
const VIP_ROW = 20;
const LANE_PAD = 8;
const LANE_GAP = 8;
/** About the width of a letter, to keep labels apart. */
const LETTER = 5.6;
const COLORS = ["#1565c0", "#2e7d32", "#6a1b9a", "#ef6c00", "#00838f"];

interface Lane {
  readonly name: string;
  readonly faults: readonly (readonly Fault[])[];
  readonly vips: boolean;
  readonly y: number;
  readonly height: number;
}

/** The run as a picture: time to the right, a lane for each node and one for what they share. */
export function drawRun(recording: Recording, violations: readonly Violation[]): string {
  const { seed, vips, startMs, endedMs, claims, holdings } = recording;
  const spanMs = endedMs - startMs;
  const plot = Math.max(NARROWEST, (spanMs / 1000) * PX_PER_SECOND);
  const x = (atMs: number) => LEFT + Math.min(1, Math.max(0, (atMs - startMs) / spanMs)) * plot;
  const lanes = placeLanes(recording, (fault) => [x(fault.fromMs), x(fault.toMs)]);
  const bottom = lanes.at(-1)!.y + lanes.at(-1)!.height;
  const parts: string[] = [];
  for (const { y, height } of lanes) {
    parts.push(
      `<rect x="${LEFT}" y="${y}" width="${round(plot)}" height="${height}" class="lane"/>`,
    );
  }
  for (let second = 0; second <= spanMs / 1000; second += 5) {
    const at = round(x(startMs + second * 1000));
    parts.push(
      `<line x1="${at}" x2="${at}" y1="${TOP - 6}" y2="${bottom}" class="grid"/>`,
      `<text x="${at}" y="${TOP - 12}" class="tick">${second} s</text>`,
    );
  }
  for (const lane of lanes) parts.push(...drawLane(lane, x));
  for (const [row, ip] of vips.entries()) {
    const color = COLORS[row % COLORS.length]!;
    for (const lane of lanes.filter(({ vips }) => vips)) {
      const y = lane.y + lane.faults.length * FAULT_ROW + LANE_PAD / 2 + row * VIP_ROW;
      for (const { host, fromMs, toMs, open, ...rest } of holdings) {
        if (rest.ip !== ip || host !== lane.name) continue;
        const end = x(open ? endedMs : toMs);
        const width = Math.max(1, end - x(fromMs));
        parts.push(
          `<rect x="${round(x(fromMs))}" y="${y + 2}" width="${round(width)}" height="10" ` +
            `fill="${color}"><title>${host} has ${ip} for ${seconds(toMs - fromMs)}</title></rect>`,
        );
      }
      const ticks = claims.filter((claim) => claim.ip === ip && claim.node === lane.name)
        .map(({ atMs }) => `M${round(x(atMs))} ${y + 13}v5`);
      parts.push(`<path d="${ticks.join("")}" stroke="${color}"/>`);
    }
  }
  for (const { ip, fromMs, toMs, countedMs } of gaps(recording)) {
    const y = bottom + LANE_GAP + vips.indexOf(ip) * VIP_ROW / 2;
    const width = Math.max(1, x(toMs) - x(fromMs));
    parts.push(
      `<rect x="${round(x(fromMs))}" y="${y}" width="${round(width)}" height="6" class="gap">` +
        `<title>${ip} gone for ${seconds(toMs - fromMs)}, ${
          seconds(countedMs)
        } count</title></rect>`,
    );
  }
  parts.push(`<text x="${LEFT - 10}" y="${bottom + LANE_GAP + 11}" class="name">nobody</text>`);
  for (const { atMs, text } of violations) {
    const at = round(x(atMs));
    parts.push(
      `<line x1="${at}" x2="${at}" y1="${TOP - 6}" y2="${bottom}" class="violation">` +
        `<title>${escape(text)}</title></line>`,
    );
  }
  const width = LEFT + plot + RIGHT;
  const below = bottom + LANE_GAP + vips.length * VIP_ROW / 2 + 20;
  const height = below + violations.length * 18;
  const said = violations.map(({ atMs, text }, i) =>
    `<text x="${LEFT}" y="${below + i * 18}" class="broken">` +
    `${seconds(atMs - startMs)}: ${escape(text)}</text>`
  );
  const legend = vips.map((ip, i) => `<tspan fill="${COLORS[i % COLORS.length]}">■</tspan> ${ip}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${
    round(width)
  }" height="${height}" viewBox="0 0 ${round(width)} ${height}">
<style>
text { font: 12px sans-serif; fill: #222 }
.title { font-size: 17px; font-weight: bold }
.tick { font-size: 11px; fill: #666; text-anchor: middle }
.lane { fill: #f6f6f6 }
.name { text-anchor: end; font-weight: bold }
.grid { stroke: #ddd }
.fault { fill: #c62828; fill-opacity: 0.22 }
.soft { fill: #f9a825; fill-opacity: 0.35 }
.label { font-size: 10px; fill: #7f1d1d }
.gap { fill: #424242 }
.violation { stroke: #d50000; stroke-width: 2; stroke-dasharray: 5 3 }
.broken { fill: #d50000 }
</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="24" class="title">Chaos, seed ${seed}: ${
    violations.length === 0 ? "all promises kept" : `broken promises: ${violations.length}`
  }</text>
<text x="16" y="44">bar: has the VIP ${
    legend.join(" ")
  } · tick below it: gratuitous frame · red: fault that takes the node out · yellow: other fault · black: on no node</text>
${[...parts, ...said].join("\n")}
</svg>
`;
}

function placeLanes(
  { nodes, vips, faults }: Recording,
  extent: (fault: Fault) => [from: number, to: number],
): Lane[] {
  let y = TOP;
  return ["all", ...nodes].map((name, i) => {
    const own = faults.filter((fault) =>
      i === 0 ? fault.nodes.length === 0 : fault.nodes.includes(name)
    );
    const rows = pack(own, extent);
    const height = Math.max(1, rows.length) * FAULT_ROW + LANE_PAD +
      (i === 0 ? 0 : vips.length * VIP_ROW);
    const lane = { name, faults: rows, vips: i > 0, y, height };
    y += height + LANE_GAP;
    return lane;
  });
}

/** Puts what would overlap, label included, into rows of its own. */
function pack(
  faults: readonly Fault[],
  extent: (fault: Fault) => [from: number, to: number],
): Fault[][] {
  const rows: { end: number; faults: Fault[] }[] = [];
  for (const fault of faults.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const [from, to] = extent(fault);
    const end = Math.max(to, from + fault.label.length * LETTER) + 4;
    const row = rows.find((row) => row.end <= from);
    if (row === undefined) rows.push({ end, faults: [fault] });
    else {
      row.end = end;
      row.faults.push(fault);
    }
  }
  return rows.map(({ faults }) => faults);
}

function drawLane({ name, faults, y, height }: Lane, x: (atMs: number) => number): string[] {
  const parts = [
    `<text x="${LEFT - 10}" y="${y + height / 2 + 4}" class="name">${escape(name)}</text>`,
  ];
  for (const [i, row] of faults.entries()) {
    const top = y + 2 + i * FAULT_ROW;
    for (const { label, fromMs, toMs, disables } of row) {
      const width = Math.max(2, x(toMs) - x(fromMs));
      parts.push(
        `<rect x="${round(x(fromMs))}" y="${top}" width="${round(width)}" height="${
          FAULT_ROW - 2
        }" class="${disables ? "fault" : "soft"}"/>`,
        `<text x="${round(x(fromMs) + 2)}" y="${top + 10}" class="label">${escape(label)}</text>`,
      );
    }
  }
  return parts;
}

function round(value: number): string {
  return value.toFixed(1);
}

function escape(text: string): string {
  return text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]!);
}
