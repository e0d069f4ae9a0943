import assert from "node:assert/strict";
import { connect } from "../../lib/kube/client.ts";
import { hurry } from "../../lib/kube/hurry.ts";
import { fakeCredentials } from "./server.ts";

Deno.test("hurry() asks a few times, ever later, and no more once it is disposed", async () => {
  let asked = 0;
  const all = Promise.withResolvers<void>();
  using _ = hurry(() => ++asked === 7 && all.resolve());
  await all.promise;
  const ended = hurry(() => assert.fail("after its end"));
  ended[Symbol.dispose]();
  // Longer than until the last one.
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(asked, 7);
});

Deno.test("request() has what waits sent until it is answered", async () => {
  const asked = Promise.withResolvers<void>();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async () => {
      // Only then it answers.
      await asked.promise;
      return Response.json({});
    },
  );
  const credentials = fakeCredentials(`http://127.0.0.1:${server.addr.port}`);
  using client = connect(credentials, { userAgent: "test", sendAtOnce: () => asked.resolve() })
    .open();
  assert.deepEqual(await client.request({ method: "GET", path: "/" }), {});
});
