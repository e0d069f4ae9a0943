import { summarize } from "./statistics.ts";

export type Unit = "ms" | "MB" | "1/s" | "%";

/** The most that a figure may be; what is not named has no bound. */
export interface Bound {
  readonly median?: number;
  /** With few samples it bounds the maximum. */
  readonly p99?: number;
}

/** One thing that was measured, on one program. */
export interface Measurement {
  readonly part: string;
  readonly what: string;
  /** "classvip", or a peer and its settings. */
  readonly subject: string;
  readonly unit: Unit;
  readonly samples: readonly number[];
  readonly bound?: Bound;
}

/** Something that is so or not: a count, or an order. Decides the exit code. */
export interface Check {
  readonly part: string;
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** What a part found out. */
export interface PartResult {
  readonly measurements: readonly Measurement[];
  readonly checks: readonly Check[];
  /** What a reader should know besides. */
  readonly notes?: readonly string[];
}

export type Verdict = "ok" | "MISS" | "";

/** @returns "" where there is no bound. */
export function verdict({ samples, bound }: Pick<Measurement, "samples" | "bound">): Verdict {
  if (bound === undefined) return "";
  const { median, p99 } = summarize(samples);
  const kept = median <= (bound.median ?? Infinity) && p99 <= (bound.p99 ?? Infinity);
  return kept ? "ok" : "MISS";
}

/** How many times classvip's median this one is; undefined where there is nothing to compare. */
export function ratio(
  measurement: Measurement,
  all: readonly Measurement[],
): number | undefined {
  const own = all.find(({ part, what, subject }) =>
    subject === "classvip" && part === measurement.part && what === measurement.what
  );
  if (own === undefined || own === measurement) return undefined;
  return summarize(measurement.samples).median / summarize(own.samples).median;
}

/** A value with its unit, as short as its size allows. */
export function format(value: number, unit: Unit): string {
  if (unit === "1/s") return `${value.toFixed(2)}/s`;
  if (unit === "ms" && Math.abs(value) >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return `${value.toFixed(Math.abs(value) < 100 ? 1 : 0)} ${unit}`;
}
