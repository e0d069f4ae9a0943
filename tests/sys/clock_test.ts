import assert from "node:assert/strict";
import { BootClock, bootTimeMs } from "../../lib/sys/clock.ts";

bootTimeMs(); // opens the C library for good, outside of any test

/** Time that goes only when told to; timers run on the machine's own. */
class ManualClock extends BootClock {
  now = 0;
  looked = 0;

  override nowMs(): number {
    this.looked++;
    return this.now;
  }
}

Deno.test("bootTimeMs() is the time since boot and never goes back", () => {
  const [uptimeSeconds = ""] = Deno.readTextFileSync("/proc/uptime").split(" ");
  assert.ok(Math.abs(bootTimeMs() - Number(uptimeSeconds) * 1000) < 1000);
  let before = bootTimeMs();
  for (let round = 0; round < 1000; round++) {
    const now = bootTimeMs();
    assert.ok(now >= before);
    before = now;
  }
});

Deno.test("BootClock.until() resolves when the time has come, not before", async () => {
  const clock = new BootClock();
  const { signal } = new AbortController();
  for (const waitMs of [0, 0.3, 1.7, 12.2]) {
    const atMs = clock.nowMs() + waitMs;
    await clock.until(atMs, signal);
    assert.ok(clock.nowMs() >= atMs, `${waitMs} ms`);
  }
});

Deno.test("BootClock.until() looks again when a timer came too early", async () => {
  const clock = new ManualClock();
  let resolved = false;
  const waiting = clock.until(1, new AbortController().signal).then(() => resolved = true);
  while (clock.looked < 3 && !resolved) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(resolved, false);
  clock.now = 1;
  await waiting;
});

Deno.test("BootClock.until() resolves at once on abort and leaves no timer", async () => {
  const clock = new ManualClock();
  const abort = new AbortController();
  // Far behind what setTimeout takes: it would fire at once, with a warning.
  const waiting = [2 ** 40, Infinity].map((atMs) => clock.until(atMs, abort.signal));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(clock.looked, 2, "no timer fired");
  abort.abort();
  await Promise.all(waiting);
  await clock.until(Infinity, abort.signal);
});
