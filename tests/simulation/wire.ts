import { between, type Random } from "./random.ts";

/** What becomes of the messages between a node and the API server. */
export type Trouble =
  | "slow requests"
  | "slow answers"
  | "lost requests"
  | "lost answers"
  | "repeated requests"
  | "errors"
  | "late watch";

/** How long a trouble lasts, how much it adds to delays at most, and how often it strikes. */
interface Extent {
  readonly untilMs: number;
  readonly delayMs: number;
  readonly chance: number;
}

const FASTEST_MS = 1;
const USUAL_MS = 12;

/** A node's way to the API server. */
export class Wire {
  readonly #random: Random;
  readonly #nowMs: () => number;
  readonly #troubles = new Map<Trouble, Extent>();

  constructor(random: Random, nowMs: () => number) {
    this.#random = random;
    this.#nowMs = nowMs;
  }

  trouble(kind: Trouble, forMs: number, extent: { delayMs?: number; chance?: number }): void {
    const { delayMs = 0, chance = 0 } = extent;
    this.#troubles.set(kind, { untilMs: this.#nowMs() + forMs, delayMs, chance });
  }

  toServerMs(): number {
    return this.#delayMs("slow requests");
  }

  toClientMs(): number {
    return this.#delayMs("slow answers");
  }

  watchMs(): number {
    return this.#delayMs("late watch");
  }

  /** Whether a trouble that strikes at random strikes this time. */
  strikes(kind: Trouble): boolean {
    const trouble = this.#present(kind);
    return trouble !== undefined && this.#random() < trouble.chance;
  }

  /** When a request that is repeated comes the second time. */
  repeatedAfterMs(): number {
    return this.#random() * (this.#present("repeated requests")?.delayMs ?? 0);
  }

  #delayMs(kind: Trouble): number {
    const usualMs = between(this.#random, FASTEST_MS, USUAL_MS);
    // Rather long than short.
    return usualMs + Math.sqrt(this.#random()) * (this.#present(kind)?.delayMs ?? 0);
  }

  #present(kind: Trouble): Extent | undefined {
    const trouble = this.#troubles.get(kind);
    return trouble !== undefined && this.#nowMs() < trouble.untilMs ? trouble : undefined;
  }
}
