import type { Plane } from "./plane.ts";
import { Stage } from "./stage.ts";
import type { World } from "./world.ts";

/** One story, told once for every API server that it can be played on. */
export interface Scenario<P extends Plane = Plane> {
  readonly name: string;
  /** Why it can't be played here; undefined when it can. */
  readonly skip?: () => Promise<string | undefined>;
  run(stage: Stage<P>): Promise<void>;
}

/** Part of a name: only scenarios with it are played. For work on one of them. */
const ONLY = Deno.env.get("CLASSVIP_SCENARIO") ?? "";
/** How much of each agent's log a failure shows. */
const SHOWN_LINES = 25;

/** Plays the scenarios one after another, each as a step of the test. */
export async function play<P extends Plane>(
  t: Deno.TestContext,
  world: World<P>,
  scenarios: readonly Scenario<P>[],
): Promise<void> {
  for (const [index, scenario] of scenarios.entries()) {
    if (!scenario.name.includes(ONLY)) continue;
    const reason = await scenario.skip?.();
    await t.step({
      name: reason === undefined ? scenario.name : `${scenario.name} (skipped: ${reason})`,
      ignore: reason !== undefined,
      // The world goes on meanwhile; the test around the steps checks that all of it is closed.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        await using stage = await Stage.create(world, `s${index + 1}`);
        try {
          await scenario.run(stage);
          await stage.close();
        } catch (error) {
          for (const { text, pid } of stage.agents) {
            console.error(
              `agent ${pid}:\n${text.trimEnd().split("\n").slice(-SHOWN_LINES).join("\n")}`,
            );
          }
          throw error;
        }
      },
    });
  }
}
