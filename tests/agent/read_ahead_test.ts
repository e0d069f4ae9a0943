import assert from "node:assert/strict";
import { readAhead } from "../../lib/agent/read_ahead.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { refused } from "../doubles/fake_lease_api.ts";

const REQUEST = { deadlineMs: 1000 };

/** A server whose n-th answer is a Lease named n. */
function stage() {
  const asked: Lease[] = [];
  const clock = new FakeClock();
  const api = {
    get: () => Promise.resolve(asked[asked.push({ metadata: { name: `${asked.length}` } }) - 1]),
    create: (lease: Lease) => Promise.resolve(lease),
    replace: (lease: Lease) => Promise.resolve(lease),
  };
  return { asked, clock, api };
}

Deno.test("readAhead() asks at once, and gives that answer to the first question alone", async () => {
  const { asked, clock, api } = stage();
  const ahead = readAhead(api, 1000, clock);
  assert.equal(asked.length, 1);
  assert.equal((await ahead.get(REQUEST))?.metadata?.name, "0");
  assert.equal(asked.length, 1);
  assert.equal((await ahead.get(REQUEST))?.metadata?.name, "1");
});

Deno.test("readAhead() asks anew for what has waited for long", async () => {
  const { clock, api } = stage();
  const ahead = readAhead(api, 1000, clock);
  await clock.advance(1000);
  assert.equal((await ahead.get(REQUEST))?.metadata?.name, "1");
});

Deno.test("readAhead() tells whoever asks that it failed, and nobody else", async () => {
  const { clock, api } = stage();
  const failing = () => Promise.reject(refused(500, "InternalError"));
  const ahead = readAhead({ ...api, get: failing }, 1000, clock);
  await clock.advance(10);
  await assert.rejects(ahead.get(REQUEST), { status: 500 });
});
