/** How things stand at one look. Times in milliseconds. */
export interface YieldingInput {
  readonly nowMs: number;
  /** What is wrong with this node's API server; undefined: nothing. */
  readonly problem: string | undefined;
  /** Another node's API server is well. */
  readonly isOtherWell: boolean;
  /** This node has the VIP. */
  readonly holds: boolean;
  /** Another node holds the Lease. */
  readonly isHeldElsewhere: boolean;
}

/** Before a node that handed over in vain does so again; doubles each time. */
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 600_000;

/**
 * When the holder hands over because its API server is not well: only while another one is, and
 * only for so long as somebody may be expected to take over. When nobody did, it takes the VIP back
 * and waits before it tries again: a poor API server is better than none. Pure.
 */
export class Yielding {
  readonly #patienceMs: number;
  #sinceMs: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #notBeforeMs = -Infinity;

  /** @param patienceMs how long the VIP is left to others */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** @returns why this node must not hold at present; undefined: it may */
  judge(
    { nowMs, problem, isOtherWell, holds, isHeldElsewhere }: YieldingInput,
  ): string | undefined {
    if (problem === undefined) {
      this.#sinceMs = undefined;
      this.#forget();
      return undefined;
    }
    if (this.#sinceMs !== undefined) {
      if (isHeldElsewhere) this.#forget();
      else if (nowMs < this.#sinceMs + this.#patienceMs) return problem;
      else {
        this.#notBeforeMs = nowMs + this.#pauseMs;
        this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
      }
      this.#sinceMs = undefined;
      return undefined;
    }
    if (!holds || !isOtherWell || nowMs < this.#notBeforeMs) return undefined;
    this.#sinceMs = nowMs;
    return problem;
  }

  #forget(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#notBeforeMs = -Infinity;
  }
}
