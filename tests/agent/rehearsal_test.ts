import assert from "node:assert/strict";
import { Rehearsal, rehearse } from "../../lib/agent/rehearsal.ts";
import { FakeClock } from "../doubles/fake_clock.ts";

Deno.test("rehearse() goes all the way to a held VIP, and leaves nothing behind", async () => {
  assert.deepEqual(await rehearse(), ["192.0.2.1", "2001:db8::1"]);
});

Deno.test("Rehearsal lets the start go first, and goes on until it is told to end", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  let ended = false;
  const run = new Rehearsal(clock).run(stop.signal).then(() => ended = true);
  await clock.advance(60_000);
  assert.ok(!ended);
  stop.abort();
  await run;
});
