/**
 * Runs the tasks of deno.json. Imports nothing remote, so that it starts with JSR out of reach.
 *
 *     deno run -A tools/task.ts <task> [argument…]
 *
 * @module
 */

import { dependencyFlags } from "./jsr.ts";

/** The commands of each task, one after another; arguments go to the last one. */
const TASKS: Record<string, string[][]> = {
  "check": [
    ["fmt", "--check"],
    // The configuration makes "lint" load the graph, and so ask JSR.
    ["lint", "--no-config", "--ignore=dist,.cache"],
    ["check", "."],
    ["run", "-A", "tools/architecture.ts"],
    ["run", "-A", "tools/settings_docs.ts", "--check"],
  ],
  "test": [["run", "-A", "tools/test.ts"]],
  "test:unit": [["run", "-A", "tools/test.ts", "--only=unit"]],
  "test:lab": [["run", "-A", "tools/test.ts", "--only=lab"]],
  "test:cluster": [["run", "-A", "tools/test.ts", "--only=cluster"]],
  "demo": [["run", "-A", "tests/lab/demo.ts"]],
  "bench": [["run", "-A", "bench/main.ts"]],
  "chaos": [["run", "-A", "tests/chaos/main.ts"]],
  "build": [["run", "-A", "tools/build.ts"]],
  "image": [["run", "-A", "tools/image.ts"]],
  "release": [["run", "-A", "tools/release.ts"]],
  "audit": [["run", "-A", "tools/audit.ts"]],
  "settings": [["run", "-A", "tools/settings_docs.ts"]],
};

/** Sub-commands that load dependencies. */
const LOADING = new Set(["run", "check"]);

if (import.meta.main) {
  const [name = "", ...rest] = Deno.args;
  const commands = TASKS[name];
  if (commands === undefined) {
    console.error(`No task "${name}"; there are: ${Object.keys(TASKS).join(", ")}`);
    Deno.exit(2);
  }
  if (rest[0] === "--") rest.shift();
  const flags = await dependencyFlags();
  for (const [index, [subcommand, ...args]] of commands.entries()) {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        subcommand!,
        ...(LOADING.has(subcommand!) ? flags : []),
        ...args,
        ...(index === commands.length - 1 ? rest : []),
      ],
      cwd: new URL("..", import.meta.url),
    }).spawn();
    // Who ends a task means what it does. A terminal tells both.
    const terminated = () => child.kill("SIGTERM");
    Deno.addSignalListener("SIGTERM", terminated);
    const { code } = await child.status;
    Deno.removeSignalListener("SIGTERM", terminated);
    if (code !== 0) Deno.exit(code);
  }
}
