import { runCli } from "./lib/cli/main.ts";
import { readAll, readTextFile } from "./lib/read_file.ts";

if (import.meta.main) {
  const code = await runCli({
    args: Deno.args,
    env: Deno.env.toObject(),
    stdout: (text) => console.log(text),
    stderr: (text) => console.error(text),
    isTerminal: Deno.stdout.isTerminal(),
    readTextFile,
    readStdin: async () => new TextDecoder().decode(await readAll(Deno.stdin.readable)),
    hostname: () => Deno.hostname(),
  });
  Deno.exit(code);
}
