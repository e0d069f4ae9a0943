/** Everything that a command may touch outside of itself; `main.ts` wires it to Deno. */
export interface CliContext {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Prints a text and a line end. */
  stdout(text: string): void;
  stderr(text: string): void;
  /** Standard output is a terminal. */
  readonly isTerminal: boolean;
  /** @throws {Error} a sentence without its subject, the file: "does not exist" */
  readTextFile(path: string): Promise<string>;
  readStdin(): Promise<string>;
  hostname(): string;
}
