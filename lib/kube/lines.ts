/** etcd takes objects of 1.5 MiB; in JSON they may be a few times that. */
const LONGEST_LINE = 16 << 20;

/**
 * Puts the chunks of a stream together to lines. Chunks may be cut anywhere, within a UTF-8
 * sequence too. The work is linear in the length of a line, however many chunks it came in.
 */
export class LineDecoder {
  readonly #longest: number;
  readonly #decoder = new TextDecoder();
  #parts: string[] = [];
  #length = 0;

  /** @param longest characters that a line may have */
  constructor(longest = LONGEST_LINE) {
    this.#longest = longest;
  }

  /**
   * @returns the lines that this chunk completes, without their newlines; blank ones left out.
   * @throws {RangeError} when a line goes on for longer than any object is
   */
  push(chunk: Uint8Array): string[] {
    const pieces = this.#decoder.decode(chunk, { stream: true }).split("\n");
    const rest = pieces.pop() ?? "";
    const lines: string[] = [];
    for (const piece of pieces) {
      const line = [...this.#parts, piece].join("").trim();
      this.#parts = [];
      if (line !== "") lines.push(line);
    }
    this.#length = pieces.length > 0 ? rest.length : this.#length + rest.length;
    if (this.#length > this.#longest) {
      throw new RangeError(`a line of more than ${this.#longest} characters`);
    }
    if (rest !== "") this.#parts.push(rest);
    return lines;
  }
}
