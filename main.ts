import { runCli } from "./lib/cli/main.ts";

if (import.meta.main) {
  const code = await runCli({
    args: Deno.args,
    env: Deno.env.toObject(),
    stdout: (text) => console.log(text),
    stderr: (text) => console.error(text),
    isTerminal: Deno.stdout.isTerminal(),
    readTextFile: (path) => Deno.readTextFile(path),
    hostname: () => Deno.hostname(),
  });
  Deno.exit(code);
}
