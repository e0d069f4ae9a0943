import assert from "node:assert/strict";
import { rehearse } from "../../lib/agent/rehearsal.ts";

Deno.test("rehearse() goes all the way to a held VIP, and leaves nothing behind", async () => {
  assert.deepEqual(await rehearse(), ["192.0.2.1", "2001:db8::1"]);
});
