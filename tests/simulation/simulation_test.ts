import assert from "node:assert/strict";
import { randomSchedule } from "./schedule.ts";
import { explain, search } from "./search.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./world.ts";

/** More than these: SIMULATION_SCHEDULES. The same again: SIMULATION_SEED. */
const schedules = Number(Deno.env.get("SIMULATION_SCHEDULES") ?? 10_000);
const seed = Number(Deno.env.get("SIMULATION_SEED") ?? Math.floor(Math.random() * 2 ** 31));

Deno.test("the agents never have the VIP at two places, whatever happens", async () => {
  console.log(`SIMULATION_SEED=${seed} SIMULATION_SCHEDULES=${schedules}`);
  const { failing, played, elections, frames, simulatedMs } = await search({ seed, schedules });
  if (failing !== undefined) {
    assert.fail(`schedule ${played} of seed ${seed}:\n${await explain(await shrink(failing))}`);
  }
  console.log(`${Math.round(simulatedMs / 3.6e6)} hours, ${elections} elections, ${frames} frames`);
  // Simulations in which nobody holds would prove nothing.
  assert.ok(elections > 2 * played, `${elections} elections`);
  assert.ok(frames > 20 * played, `${frames} frames`);
});

Deno.test("simulate() plays a schedule the same way each time", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const schedule = randomSchedule(seed, 0.01);
    assert.deepEqual(await simulate(schedule), await simulate(schedule));
  }
});
