import assert from "node:assert/strict";
import { LeaseLook } from "../../lib/agent/lease_look.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { refused } from "../doubles/fake_lease_api.ts";

Deno.test("LeaseLook shows a standby its Lease every 20 s, and a holder never", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const seen: Lease[] = [];
  const answers = [{}, undefined, refused(500, "InternalError"), {}];
  let holds = false;
  let asked = 0;
  const look = new LeaseLook({
    api: {
      get: () => {
        const answer = answers[asked++];
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    clock,
    deadlineMs: 1000,
    holds: () => holds,
    observe: (lease) => seen.push(lease),
  });
  const done = look.run(stop.signal);
  await clock.advance(19_000);
  assert.equal(asked, 0);
  await clock.advance(61_000);
  assert.equal(asked, 4, "goes on after a failure");
  assert.equal(seen.length, 2, "only what is there");
  holds = true;
  await clock.advance(60_000);
  assert.equal(asked, 4);
  stop.abort();
  await done;
});
