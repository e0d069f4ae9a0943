import assert from "node:assert/strict";
import { type ClassMutation, playClassMoves } from "./class_moves.ts";
import { derive, seeded } from "./random.ts";

const SEED = Number(Deno.env.get("SIMULATION_SEED") ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = 1000;

Deno.test("Services that change their classes: never two holders, and somebody in the end", async () => {
  console.log(`seed ${SEED}`);
  let moves = 0;
  for (let n = 0; n < RUNS; n++) {
    const found = await playClassMoves(seeded(derive(SEED, n)));
    assert.equal(found.double ?? found.missing, undefined, `seed ${SEED}, run ${n}`);
    moves += found.moves;
  }
  assert.ok(moves > 2 * RUNS, `addresses moved only ${moves} times`);
});

const MUTANTS: Record<string, ClassMutation> = {
  "waits for nobody": { waitsForNobody: true },
  "says that it carried out what it only saw": { saysTooEarly: true },
  "believes what is ahead of its own view": { trustsTheFuture: true },
  "takes over on an older view than its predecessor's": { takesOverBlindly: true },
  "does not mind what it missed": { ignoresGaps: true },
};

for (const [what, mutation] of Object.entries(MUTANTS)) {
  Deno.test(`an agent that ${what} is found`, async () => {
    for (let n = 0; n < 20 * RUNS; n++) {
      if ((await playClassMoves(seeded(derive(SEED, n)), mutation)).double !== undefined) return;
    }
    assert.fail(`not found, seed ${SEED}`);
  });
}
