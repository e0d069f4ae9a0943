/** How many of the last items an error shows. */
const SHOWN_ITEMS = 5;

interface Waiter<T> {
  predicate: (item: T) => boolean;
  found: (item: T) => void;
  failed: (error: Error) => void;
}

/** Everything that a child process reported so far, in order, and a way to wait for what comes. */
export class Feed<T> {
  readonly items: T[] = [];
  readonly #waiters = new Set<Waiter<T>>();
  readonly #listeners: ((item: T) => void)[] = [];
  #end: Error | undefined;

  push(item: T): void {
    this.items.push(item);
    for (const listener of this.#listeners) listener(item);
    for (const waiter of this.#waiters) {
      if (waiter.predicate(item)) waiter.found(item);
    }
  }

  /** Calls the listener with every item, those that came already and those to come. */
  forEach(listener: (item: T) => void): void {
    this.items.forEach(listener);
    this.#listeners.push(listener);
  }

  /** Nothing more will come: whoever waits fails with this reason. */
  end(reason: string): void {
    this.#end = new Error(reason);
    for (const waiter of this.#waiters) waiter.failed(this.#end);
  }

  /**
   * @param from index of the first item to look at; those that came already count.
   * @returns the first item that fits, as soon as it is there.
   * @throws {Error} when none came within `deadlineMs`, or none can come any more.
   */
  waitFor(predicate: (item: T) => boolean, deadlineMs: number, from = 0): Promise<T> {
    const found = this.items.slice(from).find(predicate);
    if (found !== undefined) return Promise.resolve(found);
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter: Waiter<T> = { predicate, found: resolve, failed: reject };
    const timer = setTimeout(() => reject(this.#nothing(deadlineMs, from)), deadlineMs);
    this.#waiters.add(waiter);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  #nothing(deadlineMs: number, from: number): Error {
    const last = this.items.slice(from).slice(-SHOWN_ITEMS).map((item) => JSON.stringify(item));
    return new Error(
      `Nothing that fits within ${deadlineMs} ms; the last of ${this.items.length - from} were:\n` +
        (last.join("\n") || "(none)"),
    );
  }
}
