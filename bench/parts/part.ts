import type { Ground } from "../ground.ts";
import type { PartResult } from "../result.ts";

/** One of the things that are measured. */
export interface Part {
  readonly name: string;
  readonly rounds: { readonly normal: number; readonly short: number };
  measure(ground: Ground, rounds: number): Promise<PartResult>;
}
