import assert from "node:assert/strict";
import { helpText } from "../../lib/cli/help.ts";
import { commandNames } from "../../lib/cli/args.ts";
import { envNameOf, settingNames } from "../../lib/config/settings.ts";
import { cli } from "./cli_helper.ts";

Deno.test("helpText() names every command, flag and variable within 100 columns", () => {
  const lines = helpText().split("\n");
  for (const line of lines) assert.ok(line.length <= 100, line);
  for (const name of commandNames) assert.ok(lines.some((line) => line.startsWith(`  ${name} `)));
  for (const name of settingNames) {
    assert.ok(
      lines.some((line) => line.startsWith(`  --${name}`) && line.endsWith(envNameOf(name))),
    );
  }
});

Deno.test("help() prints it", async () => {
  const { code, out } = await cli(["--help"]);
  assert.equal(code, 0);
  assert.equal(out, helpText());
});
