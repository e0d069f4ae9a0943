import { type Check, format } from "./result.ts";
import type { Move } from "./rounds.ts";

type Subject = Pick<Check, "part" | "what">;

/** Of two nodes that have the address one after another, no two have it at the same time. */
export function neverTwo({ part, what }: Subject, moves: readonly Move[]): Check {
  const doubles = moves.filter(({ twoOwners }) => twoOwners).length;
  return {
    part,
    what: `${what}: never two owners`,
    ok: doubles === 0,
    detail: `${doubles} of ${moves.length} had two`,
  };
}

/** What a crashed holder leaves is gone by itself, and before the next holder has the address. */
export function goneBefore({ part, what }: Subject, moves: readonly Move[]): Check {
  const stayed = moves.filter(({ goneMs }) => goneMs === undefined).length;
  const doubles = moves.filter(({ twoOwners }) => twoOwners).length;
  return {
    part,
    what: `${what}: the old address is gone before the next one appears`,
    ok: stayed === 0 && doubles === 0,
    detail: `${stayed} of ${moves.length} stayed, ${doubles} overlapped`,
  };
}

/** Samples of one thing, measured in the same run, in milliseconds. */
interface Sampled {
  readonly name: string;
  readonly samples: readonly number[];
}

/**
 * A ratio depends far less on the machine than either of its times. A busy machine makes a round
 * longer and none shorter, so the quickest ones are compared.
 *
 * @param most how many times the peer's quickest round may be classvip's
 */
export function atMost(
  { part, what }: Subject,
  own: readonly number[],
  most: number,
  peer: Sampled,
): Check {
  const [ours, theirs] = [Math.min(...own), Math.min(...peer.samples)];
  return {
    part,
    what: `${what}: at most ${most} × ${peer.name}`,
    ok: ours <= most * theirs,
    detail: `${format(ours, "ms")} : ${format(theirs, "ms")} = ${(ours / theirs).toFixed(2)}`,
  };
}
