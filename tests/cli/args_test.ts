import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCommandLine } from "../../lib/cli/args.ts";
import { describeProblem } from "../../lib/config/errors.ts";

function flagsOf(...args: string[]): [string, string | undefined][] {
  return parseCommandLine(args).flags.map(({ flag, value }) => [flag, value]);
}

Deno.test("parseCommandLine() knows the commands", () => {
  const cases: [string[], string][] = [
    [[], "run"],
    [["run"], "run"],
    [["manager", "--interface=eth0"], "run"],
    [["--interface", "eth0", "config"], "config"],
    [["--alsoClassless", "release"], "release"],
    [["classes"], "classes"],
    [["version"], "version"],
    [["--version"], "version"],
    [["help"], "help"],
    [["run", "--help"], "help"],
    [["-h"], "help"],
    [["-v"], "version"],
    [["-V", "--colour"], "version"],
  ];
  for (const [args, command] of cases) {
    const line = parseCommandLine(args);
    assert.equal(line.command, command, args.join(" "));
    assert.deepEqual(line.problems, []);
  }
});

Deno.test("parseCommandLine() takes flags as they were written", () => {
  assert.deepEqual(flagsOf("--leaseName=a", "--leaseDuration", "5", "--leaseName=b"), [
    ["leaseName", "a"],
    ["leaseDuration", "5"],
    ["leaseName", "b"],
  ]);
  assert.deepEqual(flagsOf("--loadBalancerClass=01", "--leaseName=a=b"), [
    ["loadBalancerClass", "01"],
    ["leaseName", "a=b"],
  ]);
});

Deno.test("parseCommandLine() tells a missing value from an empty one", () => {
  assert.deepEqual(flagsOf("--leaseName"), [["leaseName", undefined]]);
  assert.deepEqual(flagsOf("--leaseName="), [["leaseName", ""]]);
  assert.deepEqual(flagsOf("--leaseName", "--interface=a"), [
    ["leaseName", undefined],
    ["interface", "a"],
  ]);
});

Deno.test("parseCommandLine() lets a boolean flag stand alone", () => {
  assert.deepEqual(flagsOf("--alsoClassless"), [["alsoClassless", "true"]]);
  assert.deepEqual(flagsOf("--alsoClassless=maybe"), [["alsoClassless", "maybe"]]);
  assert.deepEqual(flagsOf("--arp", "--services"), [["arp", "true"], ["services", "true"]]);
});

Deno.test("parseCommandLine() keeps flags that nobody knows", () => {
  assert.deepEqual(flagsOf("--toString=1", "--__proto__=2"), [["toString", "1"], [
    "__proto__",
    "2",
  ]]);
});

Deno.test("parseCommandLine() reports a wrong command and words too many", () => {
  const { problems } = parseCommandLine(["relase", "a", "--", "b"]);
  assert.deepEqual(problems.map(describeProblem).map((p) => p.split(";")[0]), [
    'command = "relase" (command line): no such command',
    'command = "a" (command line): a word too many',
    'command = "b" (command line): a word too many',
  ]);
  assert.equal(problems[0]?.right, "release");
});

Deno.test("parseCommandLine() wants two dashes", () => {
  const { problems, flags } = parseCommandLine(["-leaseName=a", "-colour", "--leaseDuration=5"]);
  assert.deepEqual(problems.map(({ source, right }) => [source, right]), [
    ["flag -leaseName", "--leaseName"],
    ["flag -colour", "one of those that `classvip help` lists"],
  ]);
  assert.deepEqual(flags.map(({ flag }) => flag), ["leaseDuration"]);
});

Deno.test("parseCommandLine() takes --output for config and classes alone", () => {
  assert.equal(parseCommandLine(["config", "--output=json"]).output, "json");
  assert.equal(parseCommandLine(["classes", "--output=json"]).output, "json");
  assert.equal(parseCommandLine(["config", "--output=xml"]).problems.length, 1);
  assert.equal(parseCommandLine(["config", "--output"]).problems.length, 1);
  assert.deepEqual(flagsOf("run", "--output=json"), [["output", "json"]]);
});

Deno.test("parseCommandLine() takes flags of its own that need no value for what they say", () => {
  const cases: [string[], command: string, schema: boolean][] = [
    [["config", "--schema"], "config", true],
    [["config", "--schema=true"], "config", true],
    [["config", "--schema=false"], "config", false],
    [["config", "--schema", "--schema"], "config", true],
    [["config", "--help=false"], "config", false],
    [["--help=0", "--version"], "version", false],
    [["help", "--help=no"], "help", false],
  ];
  for (const [args, command, schema] of cases) {
    const line = parseCommandLine(args);
    assert.deepEqual([line.command, line.schema, line.problems], [command, schema, []]);
    assert.deepEqual(line.flags, []);
  }
});

Deno.test("parseCommandLine() never throws", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.string().map((s) => `--${s}`))), (args) => {
      parseCommandLine(args);
    }),
  );
});
