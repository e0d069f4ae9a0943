import type { Child } from "./child.ts";
import type { LabHost } from "./host.ts";

/** How long a helper may take to start on a busy machine. */
const READY_MS = 60_000;

/**
 * Starts one of the lab's own small programs (`*_main.ts`) on a host and waits for its first
 * report, `{"ready":true}`, which is not among those of the child returned.
 *
 * @param program its file name beside this one.
 * @throws {Error} with what it wrote when it ends, or says nothing for long.
 */
export async function startHelper<T>(
  host: Pick<LabHost, "spawn">,
  program: string,
  args: readonly (string | number)[] = [],
): Promise<Child<T>> {
  const child = host.spawn<T>([
    Deno.execPath(),
    "run",
    "-A",
    // They import nothing from outside, and need no look at deno.json and its lock file.
    "--no-config",
    "--no-lock",
    new URL(program, import.meta.url).pathname,
    ...args.map(String),
  ]);
  await child.reports.waitFor(() => true, READY_MS);
  child.reports.items.shift();
  return child;
}
