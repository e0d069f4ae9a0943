import assert from "node:assert/strict";
import { listAll } from "../../lib/kube/list.ts";
import { FakeKubeClient } from "../doubles/fake_kube_client.ts";
import { refused } from "../doubles/fake_lease_api.ts";

const item = (name: string) => ({ metadata: { name } });

Deno.test("listAll() goes on until there are no more pages", async () => {
  const client = new FakeKubeClient();
  client.answer = ({ query }) =>
    query?.["continue"] === "next"
      ? { metadata: { resourceVersion: "2" }, items: [item("c")] }
      : { metadata: { resourceVersion: "1", continue: "next" }, items: [item("a"), item("b")] };
  const found = await listAll(client, "/api/v1/services", { labelSelector: "x=y" });
  assert.deepEqual(found, [item("a"), item("b"), item("c")]);
  assert.deepEqual(client.requests.map(({ query }) => query?.["labelSelector"]), ["x=y", "x=y"]);
});

Deno.test("listAll() lists all where the server does not know the field selector", async () => {
  const client = new FakeKubeClient();
  client.answer = ({ query }) => {
    if (query?.["fieldSelector"]) throw refused(400, "BadRequest");
    return { metadata: { resourceVersion: "1" }, items: null };
  };
  assert.deepEqual(await listAll(client, "/api/v1/services", { fieldSelector: "a=b" }), []);
  client.answer = () => {
    throw refused(403, "Forbidden");
  };
  await assert.rejects(listAll(client, "/api/v1/services", { fieldSelector: "a=b" }));
});

Deno.test("listAll() takes nothing for an empty list that is none", async () => {
  const client = new FakeKubeClient();
  for (const answer of [undefined, {}, [], { items: [] }, { metadata: {}, items: [] }]) {
    client.answer = () => answer;
    await assert.rejects(listAll(client, "/api/v1/services"), {
      status: 0,
      reason: "Unreadable",
      message: "GET /api/v1/services was answered with something that is not a list",
    });
  }
});
