import type { Ground } from "../ground.ts";
import type { PartResult } from "../result.ts";

/** One of the things that are measured. */
export interface Part {
  readonly name: string;
  /** `short` 0: it takes too long for CI, and is left out there unless it is named. */
  readonly rounds: { readonly normal: number; readonly short: number };
  measure(ground: Ground, rounds: number): Promise<PartResult>;
}
