import assert from "node:assert/strict";
import { classvipCommand } from "../lab/agent.ts";

const FULL = "No space left on device";

/** A redirection of sh(1), for a command line of classvip. */
const cases: [args: string, redirection: string, code: number, err: RegExp][] = [
  ["config --schema", "| head -1", 0, /^$/],
  ["help", "| true", 0, /^$/],
  ["config", "<&- >&-", 0, /^$/],
  ["version", "<&- >&- 2>&-", 0, /^$/],
  ["config", ">/dev/full", 1, new RegExp(`^classvip: the answer cannot be written: ${FULL}.*\n$`)],
  ["config", ">/dev/full 2>/dev/full", 1, /^$/],
  ["confg", "2>/dev/full", 2, /^$/],
  ["migrate -", "<&-", 2, /"-" .*is empty/],
  ["migrate -", "</dev/null", 2, /"-" .*is empty/],
];

for (const [args, redirection, wanted, says] of cases) {
  Deno.test(`classvip ${args} ${redirection}`, async () => {
    const command = await classvipCommand();
    const { code, stderr } = await new Deno.Command("bash", {
      args: ["-o", "pipefail", "-c", `"$@" ${args} ${redirection}`, "bash", ...command],
      stdin: "null",
      env: { PATH: Deno.env.get("PATH")!, HOME: Deno.env.get("HOME")!, LC_ALL: "C" },
      clearEnv: true,
    }).output();
    const err = new TextDecoder().decode(stderr);
    assert.equal(code, wanted, err);
    assert.match(err, says);
  });
}
