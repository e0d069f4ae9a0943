import type { CliContext } from "../../lib/cli/context.ts";
import { runCli } from "../../lib/cli/main.ts";

/** Runs the command line. @returns its exit code and what it printed. */
export async function cli(
  args: string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
  more: Partial<CliContext> = {},
): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli({
    args,
    env,
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    isTerminal: false,
    readTextFile: (path) =>
      path in files ? Promise.resolve(files[path]!) : Promise.reject(new Error("does not exist")),
    readStdin: () => Promise.resolve(files["-"] ?? ""),
    hostname: () => "n1",
    ...more,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}
