import assert from "node:assert/strict";
import { bootTimeMs } from "../../lib/sys/clock.ts";
import { dependencyFlags } from "../../tools/jsr.ts";
import { run } from "../lab/command.ts";

const CLOCK = new URL("../../lib/sys/clock.ts", import.meta.url).href;
const SUSPENDED_SECONDS = 86_400;

bootTimeMs(); // opens the C library for good, outside of any test

Deno.test("bootTimeMs() counts the time in which the machine was suspended", async () => {
  // A suspend moves CLOCK_BOOTTIME ahead of CLOCK_MONOTONIC, as this does (time_namespaces(7)).
  const text = await run([
    ...["unshare", "--time", `--boottime=${SUSPENDED_SECONDS}`, "--fork"],
    ...[Deno.execPath(), "eval", "--quiet", ...await dependencyFlags()],
    `import { bootTimeMs } from "${CLOCK}"; console.log(bootTimeMs());`,
  ]);
  const aheadMs = Number(text) - bootTimeMs();
  assert.ok(Math.abs(aheadMs - SUSPENDED_SECONDS * 1000) < 60_000, `${aheadMs} ms`);
});
