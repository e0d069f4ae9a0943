import { allScenarios } from "../scenarios/all.ts";
import { play } from "../scenarios/scenario.ts";
import { World } from "../scenarios/world.ts";
import { EmbeddedPlane } from "./embedded_plane.ts";
import { faultScenarios } from "./fault_scenarios.ts";

/** Where there is a real API server, what both can play is played there. */
const both = Deno.env.get("KUBEBUILDER_ASSETS") ? [] : allScenarios;

Deno.test("classvip run, with the lab's API server", async (t) => {
  await using world = await World.create((hostname) => EmbeddedPlane.start(hostname));
  await play(t, world, [...both, ...faultScenarios]);
});
