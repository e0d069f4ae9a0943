import assert from "node:assert/strict";
import { classvipCommand } from "../lab/agent.ts";

Deno.test("run survives SIGHUP while it reads its settings for the first time", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/settings.yaml`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  const [command, ...args] = await classvipCommand();
  const child = new Deno.Command(command!, {
    args: [...args, "run", `--config=${path}`],
    stderr: "piped",
    stdout: "null",
  }).spawn();
  // Opens as soon as there is a reader.
  const pipe = await Deno.open(path, { write: true });
  child.kill("SIGHUP");
  await pipe.write(new TextEncoder().encode("instances: 7\n"));
  pipe.close();
  const { code, signal, stderr } = await child.output();
  assert.deepEqual([code, signal], [2, null], new TextDecoder().decode(stderr));
  await Deno.remove(dir, { recursive: true });
});
