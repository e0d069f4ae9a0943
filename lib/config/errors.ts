/** One wrong setting: what was given, where, and what would be right. */
export interface ConfigProblem {
  /** The setting's name, or the name that nobody knows. */
  readonly setting: string;
  /** The value as given, with secrets hidden; undefined where there is none to show. */
  readonly value: string | undefined;
  /** `flag --x`, `env X`, `file path:line`, `default`. */
  readonly source: string;
  readonly problem: string;
  /** What would be right. */
  readonly right: string;
}

/** Every wrong setting of one start, all at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    // What stands at the top of a file is found wrong once for each instance.
    const byText = new Map(problems.map((problem) => [describeProblem(problem), problem]));
    super([...byText.keys()].join("\n"));
    this.problems = [...byText.values()];
  }
}

/** A value or an explanation is cut there: what was given may be a file of something else. */
const LONGEST_TEXT = 500;

/** @returns the problem as one line for people. */
export function describeProblem({ setting, value, source, problem, right }: ConfigProblem): string {
  const given = value === undefined ? setting : `${setting} = ${JSON.stringify(cut(value))}`;
  return `${given} (${source}): ${cut(problem)}; right would be: ${right}`;
}

function cut(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
}

/** @returns the value as it may be shown: without the credentials of a URL. */
export function hideSecrets(value: string): string {
  return value.replace(/\/\/[^/@\s]*@/, "//(hidden)@");
}
