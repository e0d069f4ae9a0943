/**
 * Puts the chunks of a stream together to lines. Chunks may be cut anywhere, within a UTF-8
 * sequence too. The work is linear in the length of a line, however many chunks it came in.
 */
export class LineDecoder {
  readonly #decoder = new TextDecoder();
  #parts: string[] = [];

  /** @returns the lines that this chunk completes, without their newlines; blank ones left out. */
  push(chunk: Uint8Array): string[] {
    const pieces = this.#decoder.decode(chunk, { stream: true }).split("\n");
    const rest = pieces.pop() ?? "";
    const lines: string[] = [];
    for (const piece of pieces) {
      const line = [...this.#parts, piece].join("").trim();
      this.#parts = [];
      if (line !== "") lines.push(line);
    }
    if (rest !== "") this.#parts.push(rest);
    return lines;
  }
}
