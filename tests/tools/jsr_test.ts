import assert from "node:assert/strict";
import { jsrAnswers } from "../../tools/jsr.ts";

async function withServer(handler: Deno.ServeHandler, check: (url: string) => Promise<void>) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, handler);
  try {
    await check(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

Deno.test("jsrAnswers() asks for a package that is needed", async () => {
  const paths: string[] = [];
  await withServer((request) => {
    paths.push(new URL(request.url).pathname);
    return new Response("{}");
  }, async (url) => assert.equal(await jsrAnswers(url), true));
  assert.deepEqual(paths, ["/@std/log/meta.json"]);
});

Deno.test("jsrAnswers() is false for a proxy's refusal", async () => {
  await withServer(
    () => new Response("blocked", { status: 403 }),
    async (url) => assert.equal(await jsrAnswers(url), false),
  );
});

Deno.test("jsrAnswers() is false where nobody listens", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  assert.equal(await jsrAnswers(`http://127.0.0.1:${port}`), false);
});
