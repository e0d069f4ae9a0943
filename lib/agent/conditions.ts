/** What keeps a node from holding, by what it concerns ("link", "taint"); nothing: it may stand. */
export class Conditions {
  readonly #obstacles = new Map<string, string>();
  readonly #changed: (reason: string | undefined) => void;

  /** @param changed told when the node may no longer stand (why), or may again (undefined) */
  constructor(changed: (reason: string | undefined) => void) {
    this.#changed = changed;
  }

  /** Why the node does not stand, in words for people. */
  get reason(): string | undefined {
    return this.#obstacles.size === 0 ? undefined : [...this.#obstacles.values()].join("; ");
  }

  /** @param obstacle undefined: nothing is wrong with it any more */
  set(what: string, obstacle: string | undefined): void {
    const before = this.reason;
    if (obstacle === undefined) this.#obstacles.delete(what);
    else this.#obstacles.set(what, obstacle);
    if (this.reason !== before) this.#changed(this.reason);
  }
}
