import { play } from "../scenarios/scenario.ts";
import { World } from "../scenarios/world.ts";
import { imageScenarios } from "./image_scenarios.ts";
import { EmbeddedPlane } from "./embedded_plane.ts";
import { systemdScenarios } from "./systemd_scenarios.ts";
import { systemdUnitScenarios } from "./systemd_unit_scenarios.ts";

const BINARY = Deno.env.get("CLASSVIP_BINARY");
const why = BINARY ? "" : " (skipped: CLASSVIP_BINARY names no compiled program)";

Deno.test({
  name: `classvip run, as systemd and containers run it${why}`,
  ignore: !BINARY,
  fn: async (t) => {
    await using world = await World.create((hostname) => EmbeddedPlane.start(hostname));
    await play(t, world, [...systemdScenarios, ...systemdUnitScenarios, ...imageScenarios]);
  },
});
