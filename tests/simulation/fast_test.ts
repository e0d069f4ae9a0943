import assert from "node:assert/strict";
import { FAST_MUTANTS } from "./fast_mutants.ts";
import { asymmetricPartition, randomFastSchedule } from "./fast_schedule.ts";
import { explain, search } from "./search.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./world.ts";

/** More than these: SIMULATION_FAST_SCHEDULES. The same again: SIMULATION_SEED. */
const schedules = Number(Deno.env.get("SIMULATION_FAST_SCHEDULES") ?? 2000);
const seed = Number(Deno.env.get("SIMULATION_SEED") ?? Math.floor(Math.random() * 2 ** 31));
const PARTITIONS = 200;

Deno.test("in fast mode two have the VIP only as docs/failover.md says, and no longer", async () => {
  console.log(`SIMULATION_SEED=${seed} SIMULATION_FAST_SCHEDULES=${schedules}`);
  const found = await search({ seed, schedules, make: randomFastSchedule });
  const { failing, played, elections, steals, overlaps, overlapMs, simulatedMs } = found;
  if (failing !== undefined) {
    assert.fail(`schedule ${played} of seed ${seed}:\n${await explain(await shrink(failing))}`);
  }
  console.log(
    `${
      (simulatedMs / 3.6e6).toFixed(1)
    } hours, ${elections} elections, ${steals} by the witness, ` +
      `the VIP at two places ${overlaps} times for ${
        Math.round(overlapMs / overlaps)
      } ms on average`,
  );
  // Simulations in which nothing is traded would prove nothing of what that costs.
  assert.ok(elections > 2 * played, `${elections} elections`);
  assert.ok(steals > played / 2, `${steals} times by the witness`);
  assert.ok(overlaps > played / 10, `${overlaps} times at two places`);
});

Deno.test("in fast mode an asymmetric partition moves the VIP once and does not flap", async () => {
  const found = await search({ seed, schedules: PARTITIONS, make: asymmetricPartition });
  const { failing, violation, played, elections } = found;
  if (failing !== undefined) assert.fail(`${violation!.what}\n${await explain(failing)}`);
  // Each says that it may not move twice.
  assert.ok(elections > 1.3 * played, `${elections} elections`);
});

Deno.test("simulate() plays a schedule in fast mode the same way each time", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const schedule = randomFastSchedule(seed, 0.01);
    assert.deepEqual(await simulate(schedule), await simulate(schedule));
  }
});

for (const [name, mutation] of Object.entries(FAST_MUTANTS)) {
  Deno.test(`search() finds the agent in fast mode ${name}`, async () => {
    // As many as the true agent withstands; most are found within ten.
    const { violation } = await search({
      seed: 1,
      schedules: 2000,
      mutation,
      make: randomFastSchedule,
    });
    assert.ok(violation !== undefined);
  });
}
