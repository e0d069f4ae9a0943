interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Simulated time: what is planned happens in the order of its time, and nothing else takes time. */
export class Timeline {
  #nowMs = 0;
  #order = 0;
  /** A binary heap, the earliest first. */
  readonly #heap: Entry[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Things planned for one instant happen in the order in which they were planned. */
  at(atMs: number, run: () => void): void {
    const entry = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, run };
    const heap = this.#heap;
    let i = heap.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!precedes(entry, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  after(ms: number, run: () => void): void {
    this.at(this.#nowMs + ms, run);
  }

  /** Lets the next thing happen. @returns false when there is none */
  step(): boolean {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined) return false;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    this.#nowMs = first.atMs;
    first.run();
    return true;
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && precedes(heap[child + 1]!, heap[child]!)) child++;
      if (!precedes(heap[child]!, entry)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = entry;
  }
}

function precedes(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
