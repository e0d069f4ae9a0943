/** What a row of samples comes to. */
export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** Fewer samples than this have no 99th percentile of their own: their maximum stands in. */
export const SAMPLES_FOR_P99 = 100;

/** @throws {RangeError} when there is no sample. */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new RangeError("There is no sample");
  const sorted = samples.toSorted((a, b) => a - b);
  const count = sorted.length;
  const middle = count >> 1;
  return {
    count,
    min: sorted[0]!,
    median: count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2,
    // The nearest rank: a value that was measured, never one between two of them.
    p99: sorted[Math.ceil(count * 0.99) - 1]!,
    max: sorted[count - 1]!,
  };
}
