/**
 * Random faults on three to five nodes, and a proof that every promise was kept meanwhile.
 *
 *     deno task chaos [--seconds=120] [--seed=N] [--nodes=3..5] [--real] [--fast]
 *
 * Prints the seed; the same one plans the same faults. Draws the run to dist/chaos.svg (with --fast,
 * where agents have fast failover, to dist/chaos-fast.svg). Ends with exit code 1 when a promise was broken, and shows what happened before. Uses the compiled program
 * (CLASSVIP_BINARY) where it is named, and with --real a kube-apiserver (KUBEBUILDER_ASSETS).
 *
 * @module
 */

import { enterLab } from "../lab/enter.ts";
import { violations } from "./checker.ts";
import { type Options, parseOptions } from "./options.ts";
import { reportLines } from "./report.ts";
import { play } from "./run.ts";
import { drawRun } from "./svg.ts";

const DIST = new URL("../../dist/", import.meta.url).pathname;
const ASSETS = "KUBEBUILDER_ASSETS";

/** @returns the exit code. */
async function chaos({ seconds, seed, nodes, real, fast }: Options): Promise<number> {
  const assets = real ? Deno.env.get(ASSETS) : undefined;
  console.log(
    `Chaos: --seed=${seed} --nodes=${nodes} --seconds=${seconds}${real ? " --real" : ""}` +
      `${fast ? " --fast" : ""}, with ` +
      (assets ? "kube-apiserver" : "the lab's own API server"),
  );
  const recording = await play({ seed, nodes, durationMs: seconds * 1000, assets, fast });
  const broken = violations(recording);
  for (const line of reportLines(recording, broken)) console.log(line);
  await Deno.mkdir(DIST, { recursive: true });
  await Deno.writeTextFile(`${DIST}chaos${fast ? "-fast" : ""}.svg`, drawRun(recording, broken));
  return broken.length === 0 ? 0 : 1;
}

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args, Math.random);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(error.message);
    return 2;
  }
  if (options.real && !Deno.env.get(ASSETS)) {
    console.error(`--real needs ${ASSETS}, a folder with etcd and kube-apiserver`);
    return 2;
  }
  try {
    return await enterLab() ?? await chaos(options);
  } catch (error) {
    console.error(`The run came to no end: ${error instanceof Error ? error.stack : error}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
