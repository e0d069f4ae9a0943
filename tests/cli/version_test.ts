import assert from "node:assert/strict";
import { cli } from "./cli_helper.ts";

Deno.test("printVersion() prints the version of deno.json", async () => {
  const manifest = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const { code, out } = await cli(["version"]);
  assert.equal(code, 0);
  assert.ok(out.startsWith(`classvip ${manifest.version} (deno ${Deno.version.deno}`));
});
