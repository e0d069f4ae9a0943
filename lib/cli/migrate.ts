import type { CommandLine } from "./args.ts";
import type { CliContext } from "./context.ts";
export function migrate(_context: CliContext, _line: CommandLine): Promise<number> {
  return Promise.resolve(1);
}
