/** The part of `ParseOptions` of `jsr:@std/cli@1/parse-args` that classvip may use. */
export interface ParseOptions {
  /** Everything after `--` goes to the property `--` as it is. */
  "--"?: boolean;
  alias?: Record<string, string | readonly string[]>;
  boolean?: boolean | string | readonly string[];
  default?: Record<string, unknown>;
  string?: string | readonly string[];
  collect?: string | readonly string[];
  negatable?: string | readonly string[];
  stopEarly?: boolean;
  /** Called for every argument that the other options do not name; `false` leaves it out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Positional arguments under `_`, flags under their names. */
export interface Args {
  _: (string | number)[];
  "--"?: string[];
  [flag: string]: unknown;
}

/** Parses an argument vector, for example `Deno.args`. */
export function parseArgs(args: readonly string[], options?: ParseOptions): Args;
