/** As many as anybody reads; beyond them the oldest may be said again. */
const MOST = 100;

/**
 * Tells what was said before, until all is well again. Of several API servers each may fail in words
 * of its own, one after another and over and over.
 */
export class Once {
  readonly #said = new Set<string>();

  /** @returns whether nobody said it since {@linkcode Once.forget} */
  isNews(text: string): boolean {
    if (this.#said.has(text)) return false;
    this.#said.add(text);
    const [oldest] = this.#said;
    if (this.#said.size > MOST) this.#said.delete(oldest!);
    return true;
  }

  forget(): void {
    this.#said.clear();
  }
}
