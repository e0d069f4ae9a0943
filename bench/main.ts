/**
 * Measures what classvip does on the wire, what it takes, and how peers do in the same lab.
 *
 *     deno task bench [part…] [--rounds=N] [--short]
 *
 * Prints a table, writes dist/bench.json and dist/bench-<part>.svg. Uses the compiled program
 * (CLASSVIP_BINARY, else dist/classvip) and kube-apiserver (KUBEBUILDER_ASSETS) where they are
 * there. Ends with exit code 1 when a count or an order is not as it must be: a time that is over
 * its bound is shown as MISS, since it depends on the machine too.
 *
 * @module
 */

import { enterLab } from "../tests/lab/enter.ts";
import { Ground } from "./ground.ts";
import { type Options, parseOptions } from "./options.ts";
import { allParts } from "./parts/all.ts";
import type { Check, Measurement } from "./result.ts";
import { summarize } from "./statistics.ts";
import { stripPlot } from "./svg.ts";
import { checkLines, table } from "./table.ts";

const DIST = new URL("../dist/", import.meta.url).pathname;
const BINARY = "CLASSVIP_BINARY";

/** The compiled program is used where it is there: by the agents, which look at the environment. */
async function chooseProgram(): Promise<void> {
  if (Deno.env.get(BINARY)) return;
  const path = `${DIST}classvip`;
  const { isFile } = await Deno.stat(path).catch(() => ({ isFile: false }));
  if (isFile) Deno.env.set(BINARY, path);
}

/** @returns the exit code. */
async function bench({ parts, rounds, short }: Options): Promise<number> {
  // For the tasks' own downloads. An agent that loads the system's authorities takes 10 MB more.
  Deno.env.delete("DENO_TLS_CA_STORE");
  await using ground = await Ground.create(Deno.env.get("KUBEBUILDER_ASSETS"));
  const program = Deno.env.get(BINARY) ??
    '"deno run" (no compiled program: "deno task build" makes dist/classvip)';
  console.log(`classvip: ${program}\nAPI server: ${ground.apiServer}`);
  const measurements: Measurement[] = [];
  const checks: Check[] = [];
  const notes: string[] = [];
  for (const part of allParts.filter(({ name }) => parts.includes(name))) {
    const count = rounds ?? (short && part.rounds.short || part.rounds.normal);
    console.log(`… ${part.name}, rounds: ${count}`);
    try {
      const result = await part.measure(ground, count);
      measurements.push(...result.measurements);
      checks.push(...result.checks);
      notes.push(...result.notes ?? []);
      await plot(part.name, result.measurements);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      checks.push({ part: part.name, what: "measured to the end", ok: false, detail });
    }
  }
  console.log(`\n${table(measurements).join("\n")}\n\n${checkLines(checks).join("\n")}\n`);
  for (const note of notes) console.log(note);
  const report = {
    date: new Date().toISOString(),
    machine: {
      processors: navigator.hardwareConcurrency,
      memoryMb: Math.round(Deno.systemMemoryInfo().total / 1e6),
      kernel: Deno.osRelease(),
      loadAverage: Deno.loadavg(),
    },
    program,
    apiServer: ground.apiServer,
    measurements: measurements.map((one) => ({ ...one, summary: summarize(one.samples) })),
    checks,
    notes,
  };
  await Deno.writeTextFile(`${DIST}bench.json`, JSON.stringify(report, null, 2) + "\n");
  return checks.every(({ ok }) => ok) ? 0 : 1;
}

/** One file for each unit of a part. */
async function plot(part: string, measurements: readonly Measurement[]): Promise<void> {
  const byUnit = Map.groupBy(measurements, ({ unit }) => unit);
  for (const [unit, group] of byUnit) {
    const suffix = byUnit.size === 1 ? "" : `-${unit.replace("/", "-per-")}`;
    await Deno.writeTextFile(`${DIST}bench-${part}${suffix}.svg`, stripPlot(part, group));
  }
}

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(
      args,
      allParts.map(({ name }) => name),
      allParts.filter(({ rounds }) => rounds.short > 0).map(({ name }) => name),
    );
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(error.message);
    return 2;
  }
  await Deno.mkdir(DIST, { recursive: true });
  await chooseProgram();
  return await enterLab() ?? await bench(options);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
