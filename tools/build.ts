/**
 * Makes dist/classvip: a minified, tree-shaken bundle, compiled with the Deno runtime. The bundle is
 * split where main.ts imports dynamically: what a command does not use takes no memory.
 *
 *     deno task build
 *
 * @module
 */

import { dependencyFlags } from "./jsr.ts";

/**
 * The least that works; docs/permissions.md has the reasons. Deno refuses files of /proc and /sys to
 * programs with less than all permissions: lib/sys reads the three that are needed itself.
 */
export const PERMISSIONS = [
  "--allow-net",
  "--allow-env",
  "--allow-read",
  "--allow-run",
  "--allow-ffi",
  "--allow-sys=hostname",
  "--no-prompt",
];

/**
 * Small heap steps: an agent that idles gives memory back to its node. Compiled code stays: a
 * standby rests for weeks, and then has to be quick. Garbage is collected by the main thread alone:
 * there is little, and waiting for helpers that wait for a busy processor takes 20 ms at times.
 */
const V8_FLAGS =
  "--optimize-for-size,--max-semi-space-size=1,--no-flush-bytecode,--single-threaded-gc";

/**
 * CommonJS parts of packages call `require`, which a module does not have. The bundler keeps that to
 * one chunk; making it takes a millisecond in each.
 */
const REQUIRE = 'import{createRequire as $createRequire}from"node:module";' +
  "const require=$createRequire(import.meta.url);\n";

const DEADLINE_MS = 180_000;
const OUTPUT = "dist/classvip";

async function deno(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ success: boolean; hung: boolean; errors: string }> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env,
    stdout: "inherit",
    stderr: "piped",
    signal,
  }).output();
  const hung = signal.aborted ? [`no end after ${DEADLINE_MS / 1000} s`] : [];
  return {
    success,
    hung: signal.aborted,
    errors: [...hung, new TextDecoder().decode(stderr).trim()].join("\n"),
  };
}

/** @returns why there is no dist/classvip, or undefined. */
async function build(folder: string): Promise<string | undefined> {
  const bundle = [
    "bundle",
    "--quiet",
    "--minify",
    "--platform=deno",
    "--code-splitting",
    ...await dependencyFlags(),
    `--outdir=${folder}`,
    "main.ts",
  ];
  let bundled = await deno(bundle);
  // The bundler's service has been seen to wait for ever, once in hundreds of builds.
  if (bundled.hung) {
    console.error("deno bundle hung and was ended: once more");
    bundled = await deno(bundle);
  }
  if (!bundled.success) return `Cannot bundle main.ts: ${bundled.errors}`;
  for await (const { name } of Deno.readDir(folder)) {
    const chunk = `${folder}/${name}`;
    const text = await Deno.readTextFile(chunk);
    if (/\btypeof require\b/.test(text)) await Deno.writeTextFile(chunk, REQUIRE + text);
    // The program remembers that too.
    await Deno.utime(chunk, 0, 0);
  }

  // Deno's cache of compiled code would lie in /tmp, under a name that anybody could take first.
  const compile = (store: string) =>
    deno([
      "compile",
      "--quiet",
      "--no-check",
      "--no-config",
      "--no-lock",
      "--no-code-cache",
      `--v8-flags=${V8_FLAGS}`,
      ...PERMISSIONS,
      `--include=${folder}`,
      `--output=${OUTPUT}`,
      `${folder}/main.js`,
    ], { DENO_TLS_CA_STORE: store });
  // The program keeps the store that it was compiled with, and the system's takes 10 MB of memory.
  // Only the download of the runtime base, at the first time, may need the system's.
  let compiled = await compile("mozilla");
  if (!compiled.success && (await compile("system")).success) compiled = await compile("mozilla");
  if (compiled.success) return undefined;
  if (/download|dl\.deno\.land/i.test(compiled.errors)) {
    return `Cannot compile: "deno compile" downloads its runtime base for Deno ` +
      `${Deno.version.deno}, and its download site does not answer here; set DENORT_BIN to a ` +
      `denort of this very version`;
  }
  return `Cannot compile: ${compiled.errors}`;
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir();
  try {
    // The program remembers the last part of the path: two builds give the same bytes.
    const problem = await build(`${folder}/classvip`);
    if (problem !== undefined) {
      console.error(problem);
      Deno.exitCode = 1;
    } else {
      const { size } = await Deno.stat(OUTPUT);
      console.log(
        `${OUTPUT}: ${(size / 1e6).toFixed(1)} MB (${(size / 2 ** 20).toFixed(1)} MiB)`,
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
