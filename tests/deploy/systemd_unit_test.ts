import assert from "node:assert/strict";
import { run } from "../lab/command.ts";

const UNIT = "deploy/systemd/classvip.service";
const PROGRAM = "/usr/local/bin/classvip";
const HIGHEST_EXPOSURE = 2.5;

const isMissing = await run(["systemd-analyze", "--version"]).then(() => false, () => true);
const why = isMissing ? " (skipped: there is no systemd-analyze)" : "";

/** The unit as it is, but for a program that this machine has. */
async function analyze(...args: string[]): Promise<{ code: number; said: string }> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/classvip.service`;
    const unit = await Deno.readTextFile(UNIT);
    await Deno.writeTextFile(path, unit.replaceAll(PROGRAM, "/bin/true"));
    const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
      args: [...args, path],
    }).output();
    const decoder = new TextDecoder();
    return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: `classvip.service is what systemd-analyze verify finds nothing wrong with${why}`,
  ignore: isMissing,
  fn: async () => assert.deepEqual(await analyze("verify"), { code: 0, said: "" }),
});

Deno.test({
  name: `classvip.service is little exposed, by systemd-analyze security${why}`,
  ignore: isMissing,
  fn: async () => {
    const { said } = await analyze("security", "--offline=true");
    const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
    assert.ok(exposure <= HIGHEST_EXPOSURE, said);
  },
});
