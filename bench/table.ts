import {
  type Bound,
  type Check,
  format,
  type Measurement,
  ratio,
  type Unit,
  verdict,
} from "./result.ts";
import { SAMPLES_FOR_P99, summarize } from "./statistics.ts";

const HEAD = ["part", "measured", "of", "n", "median", "p99 (max)", "bound", "", "× classvip"];
/** Columns of figures stand at the right. */
const FIGURES = new Set([3, 4, 5, 8]);

/** The measurements as lines of text. A maximum in place of a 99th percentile is in brackets. */
export function table(measurements: readonly Measurement[]): string[] {
  const rows = measurements.map((measurement) => {
    const { part, what, subject, unit, samples, bound } = measurement;
    const { count, median, p99 } = summarize(samples);
    const tail = format(p99, unit);
    return [
      part,
      what,
      subject,
      String(count),
      format(median, unit),
      count >= SAMPLES_FOR_P99 ? tail : `(${tail})`,
      describe(bound, unit),
      verdict(measurement),
      ratio(measurement, measurements)?.toFixed(2) ?? "",
    ];
  });
  return align([HEAD, ...rows]);
}

/** The checks as lines of text. */
export function checkLines(checks: readonly Check[]): string[] {
  return align(
    checks.map(({ part, what, ok, detail }) => [ok ? "ok" : "FAIL", part, what, detail]),
  );
}

function describe(bound: Bound | undefined, unit: Unit): string {
  if (bound === undefined) return "";
  const limits = [];
  if (bound.median !== undefined) limits.push(`median ≤ ${format(bound.median, unit)}`);
  if (bound.p99 !== undefined) limits.push(`p99 ≤ ${format(bound.p99, unit)}`);
  return limits.join(", ");
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, i) => Math.max(cell.length, widest[i] ?? 0)),
    [],
  );
  return rows.map((row) =>
    row.map((cell, i) =>
      FIGURES.has(i) && row.length === HEAD.length
        ? cell.padStart(widths[i]!)
        : cell.padEnd(widths[i]!)
    ).join("  ").trimEnd()
  );
}
