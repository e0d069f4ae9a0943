import { allScenarios } from "../scenarios/all.ts";
import { play } from "../scenarios/scenario.ts";
import { World } from "../scenarios/world.ts";
import { EmbeddedPlane } from "./embedded_plane.ts";
import { faultScenarios } from "./fault_scenarios.ts";

Deno.test("classvip run, with the lab's API server", async (t) => {
  await using world = await World.create((hostname) => EmbeddedPlane.start(hostname));
  await play(t, world, [...allScenarios, ...faultScenarios]);
});
