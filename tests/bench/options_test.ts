import assert from "node:assert/strict";
import { parseOptions } from "../../bench/options.ts";

const known = ["handover", "crash", "load"];

Deno.test("parseOptions() takes all parts where none is named", () => {
  assert.deepEqual(parseOptions([], known), { parts: known, rounds: undefined, short: false });
});

Deno.test("parseOptions() keeps the order in which parts run", () => {
  assert.deepEqual(parseOptions(["load", "--rounds=7", "handover", "--short"], known), {
    parts: ["handover", "load"],
    rounds: 7,
    short: true,
  });
});

Deno.test("parseOptions() names what it does not know", () => {
  for (const arg of ["hand", "--rounds=0", "--rounds=x", "--fast"]) {
    assert.throws(() => parseOptions([arg], known), (error: Error) => error.message.includes(arg));
  }
});

Deno.test("parseOptions() leaves out of --short what takes too long, unless it is named", () => {
  const known = ["create", "scale"];
  assert.deepEqual(parseOptions(["--short"], known, ["create"]).parts, ["create"]);
  assert.deepEqual(parseOptions([], known, ["create"]).parts, known);
  assert.deepEqual(parseOptions(["--short", "scale"], known, ["create"]).parts, ["scale"]);
});
