import assert from "node:assert/strict";
import { parseOptions } from "./options.ts";

Deno.test("parseOptions() reads what is given and draws the seed", () => {
  const given = ["--seconds=30", "--seed=4294967295", "--nodes=4", "--real", "--fast"];
  assert.deepEqual(parseOptions(given, () => 0), {
    seconds: 30,
    seed: 4294967295,
    nodes: 4,
    real: true,
    fast: true,
  });
  const drawn = { seconds: 120, seed: 0, nodes: 3, real: false, fast: false };
  assert.deepEqual(parseOptions([], () => 0), drawn);
  assert.equal(parseOptions(["--seed=5"], () => 0).nodes, 5);
});

Deno.test("parseOptions() refuses what it does not know", () => {
  for (
    const arg of ["--nodes=2", "--nodes=6", "--seconds=5", "--seed=-1", "--seed=4294967296", "x"]
  ) {
    assert.throws(() => parseOptions([arg], () => 0), new RegExp(`"${arg}" is none of`));
  }
});
