/** What the command line asks for. */
export interface Options {
  /** Names of parts, in the order in which they run. */
  readonly parts: readonly string[];
  /** undefined: as many as each part has by default. */
  readonly rounds: number | undefined;
  /** For CI: few rounds. */
  readonly short: boolean;
}

/**
 * Reads `[part…] [--rounds=N] [--short]`.
 *
 * @param known the parts that there are; all are run where none is named
 * @param inShort those of them that are run with --short where none is named
 * @throws {TypeError} that says what is wrong
 */
export function parseOptions(
  args: readonly string[],
  known: readonly string[],
  inShort: readonly string[] = known,
): Options {
  const named = new Set<string>();
  let rounds: number | undefined;
  let short = false;
  for (const arg of args) {
    const count = /^--rounds=([1-9]\d*)$/.exec(arg)?.[1];
    if (count !== undefined) rounds = Number(count);
    else if (arg === "--short") short = true;
    else if (known.includes(arg)) named.add(arg);
    else {
      throw new TypeError(
        `"${arg}" is neither a part (${known.join(", ")}) nor --rounds=<number> or --short`,
      );
    }
  }
  const parts = named.size === 0
    ? (short ? inShort : known)
    : known.filter((name) => named.has(name));
  return { parts, rounds, short };
}
