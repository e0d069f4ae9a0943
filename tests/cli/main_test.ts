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

/** Where nothing can be written. */
const full = () => {
  throw new Error("No space left on device");
};

Deno.test("runCli() fails where its answer cannot be written, and says so", async () => {
  const { code, err } = await cli(["config", "--schema"], {}, {}, { stdout: full });
  assert.equal(code, 1);
  assert.equal(err, "classvip: the answer cannot be written: No space left on device");
});

Deno.test("runCli() tells by its exit code what it can tell nobody", async () => {
  assert.equal((await cli(["confg"], {}, {}, { stdout: full, stderr: full })).code, 2);
  assert.equal((await cli(["version"], {}, {}, { stdout: full, stderr: full })).code, 1);
  assert.equal((await cli(["version"], {}, {}, { stderr: full })).code, 0);
});

Deno.test("runCli() shows what was typed, and lets no terminal obey it", async () => {
  const typed = "\x1b[31mred\nline\x07\x9b";
  for (
    const args of [
      [typed],
      [`--${typed}`],
      [`-${typed}`],
      ["config", typed],
      ["config", `--namespaces=${typed}`],
      ["config", `--pools=${typed}`],
      ["migrate", typed],
      ["classes", `--kubeconfig=/${typed}`],
      ["version", `--${typed}`],
    ]
  ) {
    const { code, out, err } = await cli(args, { [`CLASSVIP_${typed}`]: "a" });
    assert.equal(code, 2);
    assert.equal(out, "");
    // deno-lint-ignore no-control-regex -- these are looked for
    assert.doesNotMatch(err, /[\x00-\x09\x0b-\x1f\x7f-\x9f]|^line/m);
  }
  const { out } = await cli(["config", `--kubeconfig=/${typed}`]);
  assert.match(out, /kubeconfig +\/\\u001b\[31mred/);
});
