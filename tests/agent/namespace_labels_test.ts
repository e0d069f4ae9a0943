import assert from "node:assert/strict";
import { NamespaceLabels } from "../../lib/agent/namespace_labels.ts";
import type { KubeObject } from "../../lib/kube/types.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { FakeKubeClient, Lines } from "../doubles/fake_kube_client.ts";
import { refused } from "../doubles/fake_lease_api.ts";

const named = (name: string, labels: Record<string, string>): KubeObject => ({
  metadata: { name, uid: name, resourceVersion: "6", labels },
});

function world() {
  const client = new FakeKubeClient();
  let lines: Lines<unknown> | undefined;
  client.follow = ({ signal }) => lines = new Lines<unknown>(signal);
  client.answer = () => ({
    metadata: { resourceVersion: "5" },
    items: [named("shop", { team: "web" })],
  });
  const clock = new FakeClock();
  const namespaces = new NamespaceLabels({ client, clock, random: () => 0.5, observer: {} });
  const stop = new AbortController();
  const run = namespaces.run(stop.signal);
  const end = async () => {
    stop.abort();
    await run;
  };
  const changed = (object: KubeObject) => lines!.push({ type: "MODIFIED", object });
  return { client, clock, changed, namespaces, end };
}

Deno.test("NamespaceLabels reads nothing before somebody asks", async () => {
  const { client, namespaces, end } = world();
  await settled();
  assert.deepEqual([client.requests, namespaces.problem], [[], undefined]);
  assert.equal(namespaces.ask(), undefined);
  assert.equal(namespaces.problem, "not listed yet");
  await settled();
  assert.deepEqual(client.requests.map(({ path }) => path), ["/api/v1/namespaces"]);
  assert.deepEqual(namespaces.ask()?.("shop"), { team: "web" });
  assert.deepEqual(namespaces.ask()?.("nowhere"), {});
  assert.equal(namespaces.problem, undefined);
  await end();
});

Deno.test("NamespaceLabels tells of changes, and says what it may not read", async () => {
  const { client, clock, changed, namespaces, end } = world();
  const { answer } = client;
  client.answer = () => {
    throw refused(403, "Forbidden");
  };
  let changes = 0;
  const unsubscribe = namespaces.subscribe(() => changes++);
  assert.equal(namespaces.ask(), undefined);
  await settled();
  assert.match(namespaces.problem!, /Forbidden/);
  client.answer = answer;
  await clock.advance(60_000);
  assert.equal(changes, 1);
  changed(named("shop", { team: "data" }));
  await settled();
  assert.deepEqual([changes, namespaces.ask()?.("shop")], [2, { team: "data" }]);
  unsubscribe();
  await end();
});
