/** Numbers from 0 to 1 that a seed determines (Mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)]!;
  }

  /** @param weigh how often an item is picked, compared with the others */
  weighted<T>(items: readonly T[], weigh: (item: T) => number): T {
    let at = this.next() * items.reduce((sum, item) => sum + weigh(item), 0);
    return items.find((item) => (at -= weigh(item)) < 0) ?? items.at(-1)!;
  }
}
