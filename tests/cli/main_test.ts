import assert from "node:assert/strict";
import { cli } from "./cli_helper.ts";

Deno.test("runCli() reports wrong settings one a line, with exit code 2", async () => {
  const { code, out, err } = await cli(["config", "--leaseDuration=1s", "--nope=1", "extra"]);
  assert.equal(code, 2);
  assert.equal(out, "");
  const lines = err.split("\n");
  assert.equal(lines[0], "classvip: 3 wrong settings");
  assert.equal(lines.length, 4);
  assert.doesNotMatch(err, /\bat .*\.ts/);
});

Deno.test("runCli() checks the settings beside an unknown command too", async () => {
  const { code, err } = await cli(["confg", "--leaseDuration=1s"]);
  assert.equal(code, 2);
  assert.match(err, /2 wrong settings/);
});

Deno.test("runCli() takes nothing beside version and help", async () => {
  for (const args of [["version", "--foo"], ["version", "extra"], ["help", "frobnicate"]]) {
    const { code, out, err } = await cli(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(out, "");
    assert.match(err, /1 wrong setting\n/);
  }
  assert.equal((await cli(["run", "--foo", "--help"])).code, 0);
});

Deno.test("runCli() points to help where no flag is like the one given", async () => {
  const { err } = await cli(["config", "--quux", "--bar", "-x"], { CLASSVIP_QUUX: "1" });
  assert.equal(err.match(/right would be: one of those that `classvip help` lists/g)?.length, 4);
});
