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
 * Deno lets nobody with less than all permissions read below /proc and /sys, where capabilities and
 * the boot id stand. Nothing is lost: FFI, without which there are no raw sockets, goes past
 * permissions anyway. What the process may do is bounded outside of it, by its capabilities.
 */
const PERMISSIONS = ["--allow-all", "--no-prompt"];

/**
 * Small heap steps: an agent that idles gives memory back to its node. Compiled code stays: a
 * standby rests for weeks, and then has to be quick.
 */
const V8_FLAGS = "--optimize-for-size,--max-semi-space-size=1,--no-flush-bytecode";

/** CommonJS parts of KubeConfig call `require`, which a module does not have. */
const REQUIRE = 'import{createRequire as $createRequire}from"node:module";' +
  "const require=$createRequire(import.meta.url);\n";

const OUTPUT = "dist/classvip";

async function deno(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ success: boolean; errors: string }> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env,
    stdout: "inherit",
    stderr: "piped",
  }).output();
  return { success, errors: new TextDecoder().decode(stderr).trim() };
}

/** @returns why there is no dist/classvip, or undefined. */
async function build(folder: string): Promise<string | undefined> {
  const bundled = await deno([
    "bundle",
    "--quiet",
    "--minify",
    "--platform=deno",
    "--code-splitting",
    ...await dependencyFlags(),
    `--outdir=${folder}`,
    "main.ts",
  ]);
  if (!bundled.success) return `Cannot bundle main.ts: ${bundled.errors}`;
  for await (const { name } of Deno.readDir(folder)) {
    const chunk = `${folder}/${name}`;
    await Deno.writeTextFile(chunk, REQUIRE + await Deno.readTextFile(chunk));
  }

  const compile = (store: string) =>
    deno([
      "compile",
      "--quiet",
      "--no-check",
      "--no-config",
      "--no-lock",
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
    const problem = await build(folder);
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
