/**
 * Shows classvip at work within half a minute: three nodes, two classes, a handover and a crash.
 *
 *     deno task demo [--stay]
 *
 * Ends with exit code 0 when all was as it must be, else 1. With --stay it goes on until Ctrl-C.
 *
 * @module
 */

import { play } from "./demo/scenario.ts";
import { openScreen } from "./demo/screen.ts";
import { trafficLine } from "./demo/view.ts";
import { NOTE, World } from "./demo/world.ts";
import { enterLab } from "./enter.ts";

/** 128 + SIGINT, as shells have it. */
const INTERRUPTED = 130;

/** Resolves at Ctrl-C, or when the process is asked to end. */
function interruption(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGINT", resolve);
  Deno.addSignalListener("SIGTERM", resolve);
  return promise;
}

/** @returns the exit code. */
async function demonstrate(stay: boolean): Promise<number> {
  const interrupted = interruption().then(() => INTERRUPTED);
  console.log(`Making three nodes, a client and an API server. ${NOTE}\n`);
  await using world = await World.create();
  const screen = openScreen(() => world.state());
  const playing = play(world, (step) => screen.stepEnded(step)).then(() => 0, () => 1);
  const code = await Promise.race([playing, interrupted]);
  if (stay && code !== INTERRUPTED) {
    screen.say(`Staying until Ctrl-C. A shell on node-1: ${world.lab.nodes[0]!.shellCommand}`);
    await interrupted;
  }
  screen[Symbol.dispose]();
  if (code === INTERRUPTED) return code;
  if (world.traffic !== undefined) console.log(`\n${trafficLine(world.traffic.summary())}`);
  if (code === 0) {
    console.log("All was as it must be.");
  } else {
    const failed = world.steps.find(({ ok }) => ok === false);
    console.log(`\n${world.agentLogs()}\n`);
    console.log(`Not all was as it must be: "${failed?.title}": ${failed?.outcome}`);
  }
  return code;
}

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--stay");
  if (unknown !== undefined) {
    console.error(`Unknown option "${unknown}"; there is --stay`);
    return 2;
  }
  try {
    return await enterLab() ?? await demonstrate(args.includes("--stay"));
  } catch (error) {
    console.error(`The demo can't run: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
