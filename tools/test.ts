/**
 * Runs the tests and ends with one line for all of them: `N passed, N failed, N skipped`.
 *
 *     deno task test [-- [--only=unit|lab|cluster] [file or folder…] [part of a name] [option of deno test…]]
 *
 * Unit tests run as they are. Lab tests (`*_lab_test.ts`) and cluster tests (`tests/cluster/`) run
 * in namespaces of their own, without a way out. CLASSVIP_BINARY names a compiled classvip for
 * them to run. CI_REQUIRE_ALL=1 makes a lab or cluster test that is skipped a failure.
 *
 * @module
 */

import { dependencyFlags } from "./jsr.ts";
import { addTally, type Tally, tallyJunit } from "./junit.ts";
import { inNamespaces, whyNoNamespaces } from "./namespaces.ts";

const KINDS = ["unit", "lab", "cluster"] as const;
type Kind = typeof KINDS[number];

/** After that something hangs: the tests of a kind are ended and have failed. */
const MINUTES = { unit: 20, lab: 45, cluster: 45 } as const;

/** What the command line asks for. */
export interface Request {
  kinds: readonly Kind[];
  /** Files and folders; empty means all. */
  paths: string[];
  /** Options for `deno test`. */
  options: string[];
}

/** Sorts arguments: paths under tests/ are files to run, other words filter by name. */
export function parseRequest(args: readonly string[]): Request {
  const request: Request = { kinds: KINDS, paths: [], options: [] };
  for (const arg of args) {
    if (arg === "--") continue;
    const only = KINDS.find((kind) => arg === `--only=${kind}`);
    if (only !== undefined) request.kinds = [only];
    else if (arg.startsWith("-")) request.options.push(arg);
    else if (/^(\.\/)?tests(\/|$)/.test(arg)) request.paths.push(arg.replace(/^\.\//, ""));
    else request.options.push(`--filter=${arg}`);
  }
  return request;
}

/** The kind of a test file, by its path from the root of the project. */
export function kindOf(path: string): Kind {
  if (path.startsWith("tests/cluster/")) return "cluster";
  return path.endsWith("_lab_test.ts") ? "lab" : "unit";
}

/** Options that switch the sanitizers on: since Deno 2.8 they are off by default. */
export function sanitizerOptions(version: string): string[] {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || minor >= 8 ? ["--sanitize-ops", "--sanitize-resources"] : [];
}

async function* testFiles(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* testFiles(path);
    else if (entry.name.endsWith("_test.ts")) yield path;
  }
}

async function deno(
  args: string[],
  options: { wrap?: (command: string[]) => string[]; signal?: AbortSignal } = {},
): Promise<boolean> {
  const { wrap = (command) => command, ...rest } = options;
  const [command, ...wrapped] = wrap([Deno.execPath(), ...args]);
  return (await new Deno.Command(command!, { args: wrapped, ...rest }).spawn().status).success;
}

/** Why this kind of test can't run here, or undefined when it can. */
async function whyNot(kind: Kind): Promise<string | undefined> {
  if (kind === "unit") return undefined;
  if (kind === "cluster" && !Deno.env.get("KUBEBUILDER_ASSETS")) {
    return "KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver; setup-envtest " +
      'gets them: export KUBEBUILDER_ASSETS="$(setup-envtest use -p path)"';
  }
  return await whyNoNamespaces();
}

/** Tests declared in files that can't be run here. */
async function countDeclared(files: string[]): Promise<number> {
  let count = 0;
  for (const file of files) {
    const text = await Deno.readTextFile(file);
    count += Math.max(1, text.match(/^ *Deno\.test\(/gm)?.length ?? 0);
  }
  return count;
}

async function runKind(kind: Kind, files: string[], options: string[]): Promise<Tally> {
  const reason = await whyNot(kind);
  if (reason !== undefined) {
    console.error(`\nSkipping the ${kind} tests: ${reason}`);
    return { passed: 0, failed: 0, skipped: await countDeclared(files) };
  }
  console.log(`\n${kind} tests (files: ${files.length})`);
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  const signal = AbortSignal.timeout(MINUTES[kind] * 60_000);
  try {
    const success = await deno([
      "test",
      "--allow-all",
      "--no-check",
      "--cached-only",
      `--junit-path=${report}`,
      ...sanitizerOptions(Deno.version.deno),
      ...options,
      ...files,
    ], { signal, ...(kind === "unit" ? {} : { wrap: inNamespaces }) });
    if (signal.aborted) {
      console.error(`\nThe ${kind} tests hung and were ended after ${MINUTES[kind]} minutes`);
    }
    const tally = tallyJunit(await Deno.readTextFile(report));
    // An error outside of a test, or a runner that died, is in no report.
    if (!success && tally.failed === 0) tally.failed = 1;
    return tally;
  } finally {
    await Deno.remove(report);
  }
}

async function main(args: readonly string[]): Promise<boolean> {
  const { kinds, paths, options } = parseRequest(args);
  const files = (await Array.fromAsync(testFiles("tests"))).sort().filter((file) =>
    kinds.includes(kindOf(file)) &&
    (paths.length === 0 || paths.some((path) => file.startsWith(path)))
  );
  const flags = await dependencyFlags();
  let total: Tally = { passed: 0, failed: 0, skipped: 0 };
  // One check for all of them, which also fetches what the namespaces can't: they have no way out.
  if (await deno(["check", "--quiet", ...flags, "main.ts", ...files])) {
    for (const kind of kinds) {
      const own = files.filter((file) => kindOf(file) === kind);
      if (own.length === 0) continue;
      const tally = await runKind(kind, own, [...flags, ...options]);
      if (kind !== "unit" && tally.skipped > 0 && Deno.env.get("CI_REQUIRE_ALL") === "1") {
        console.error(`\nCI_REQUIRE_ALL: ${tally.skipped} skipped ${kind} tests count as failed`);
        tally.failed += tally.skipped;
        tally.skipped = 0;
      }
      total = addTally(total, tally);
    }
  } else {
    total.failed = 1;
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 && total.passed > 0;
}

if (import.meta.main) {
  if (!await main(Deno.args)) Deno.exit(1);
}
