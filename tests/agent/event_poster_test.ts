import assert from "node:assert/strict";
import { eventPoster } from "../../lib/agent/event_poster.ts";
import { KubeError } from "../../lib/kube/errors.ts";
import type { Event } from "../../lib/kube/types.ts";
import { FakeKubeClient } from "../doubles/fake_kube_client.ts";
import { refused } from "../doubles/fake_lease_api.ts";

const EVENT: Event = { metadata: { namespace: "shop", name: "e" }, involvedObject: {} };

/** Posts an Event that is answered with an error. */
function answered(error: KubeError) {
  const client = new FakeKubeClient();
  client.answer = () => {
    throw error;
  };
  return eventPoster(client)(EVENT, new AbortController().signal);
}

Deno.test("eventPoster() is done where another process has said the same", async () => {
  assert.equal(await answered(refused(409, "AlreadyExists")), undefined);
});

Deno.test("eventPoster() tells of a pause, and rejects for everything else", async () => {
  const busy = new KubeError("busy", { status: 429, reason: "TooManyRequests", retryAfterMs: 7 });
  assert.deepEqual(await answered(busy), { afterMs: 7 });
  await assert.rejects(answered(refused(409, "Conflict")));
  await assert.rejects(answered(refused(403, "Forbidden")));
});
