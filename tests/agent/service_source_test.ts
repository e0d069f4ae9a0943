import assert from "node:assert/strict";
import { ServiceSource } from "../../lib/agent/service_source.ts";
import type { KubeObject, RequestOptions } from "../../lib/kube/types.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { FakeKubeClient, Lines } from "../doubles/fake_kube_client.ts";
import { refused } from "../doubles/fake_lease_api.ts";
import { service } from "../services/views.ts";

/** An API server with a Service "web" in each of its namespaces. */
class Stage {
  readonly lists: string[] = [];
  readonly streams = new Map<string, Lines<{ type: string; object: KubeObject }>>();
  readonly open: FakeKubeClient[] = [];
  readonly source: ServiceSource;
  forbidAll = false;
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;

  constructor() {
    this.source = new ServiceSource({
      open: () => this.#client(),
      clock: new FakeClock(),
      random: () => 0.5,
      observer: {},
    });
    this.#run = this.source.run(this.#stop.signal);
  }

  #client(): FakeKubeClient {
    const client = new FakeKubeClient();
    client.answer = ({ path }: RequestOptions) => {
      if (path === "/api/v1/services" && this.forbidAll) throw refused(403, "Forbidden");
      this.lists.push(path);
      const only = path.split("/")[4];
      const items = ["a", "b"].filter((namespace) =>
        path.endsWith("v1/services") || namespace === only
      )
        .map((namespace) => service("web", { namespace, class: "blue" }));
      return { metadata: { resourceVersion: "1" }, items };
    };
    client.follow = ({ path, signal }) => {
      const lines = new Lines<{ type: string; object: KubeObject }>(signal);
      this.streams.set(path, lines);
      signal?.addEventListener("abort", () => this.streams.delete(path));
      return lines;
    };
    this.open.push(client);
    return client;
  }

  scope(...namespaces: string[]) {
    let woken = 0;
    const policy = { loadBalancerClass: "blue", alsoClassless: false, namespaces };
    const scope = this.source.open(policy, () => woken++);
    return {
      scope,
      keys: () => [...scope.services()].map(({ key }) => key).sort(),
      woken: () => woken,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#run;
    assert.ok(this.open.every(({ disposed }) => disposed), "a client is left open");
  }
}

const ALL = "/api/v1/services";
const of = (namespace: string) => `/api/v1/namespaces/${namespace}/services`;

Deno.test("ServiceSource lists only the namespaces that are asked for", async () => {
  await using stage = new Stage();
  const one = stage.scope("a");
  assert.ok(!one.scope.synced);
  await settled();
  assert.deepEqual(stage.lists, [of("a")]);
  assert.ok(one.scope.synced);
  assert.deepEqual(one.keys(), ["a/web"]);
});

Deno.test("ServiceSource reads ahead what is expected to be asked for, once", async () => {
  await using stage = new Stage();
  const expected = stage.source.expect({ namespaces: ["a"] });
  await settled();
  assert.deepEqual(stage.lists, [of("a")]);
  const one = stage.scope("a");
  assert.ok(one.scope.synced);
  assert.deepEqual(one.keys(), ["a/web"]);
  expected[Symbol.dispose]();
  await settled();
  assert.deepEqual(stage.lists, [of("a")]);
});

Deno.test("ServiceSource goes over to all namespaces without losing sight of any", async () => {
  await using stage = new Stage();
  const one = stage.scope("a");
  await settled();
  const woken = one.woken();
  const all = stage.scope();
  assert.ok(one.scope.synced && !all.scope.synced);
  await settled();
  assert.deepEqual(stage.lists, [of("a"), ALL]);
  assert.deepEqual([...stage.streams.keys()], [ALL]);
  assert.deepEqual([one.keys(), all.keys()], [["a/web"], ["a/web", "b/web"]]);
  assert.ok(one.woken() <= woken + 1);

  all.scope[Symbol.dispose]();
  await settled();
  assert.deepEqual([...stage.streams.keys()], [of("a")]);
  assert.deepEqual(one.keys(), ["a/web"]);
});

Deno.test("ServiceSource serves a namespace on while all of them may not be listed", async () => {
  await using stage = new Stage();
  stage.forbidAll = true;
  const one = stage.scope("a");
  await settled();
  const all = stage.scope();
  await settled();
  assert.ok(one.scope.synced && !all.scope.synced);
  assert.match(String(stage.source.lastError), /Forbidden/);
  const before = one.woken();
  stage.streams.get(of("a"))!.push({
    type: "ADDED",
    object: service("new", { namespace: "a", class: "blue" }),
  });
  await settled();
  assert.deepEqual([one.keys(), one.woken()], [["a/new", "a/web"], before + 1]);
});

Deno.test("ServiceSource keeps its watch from one plan to the next", async () => {
  await using stage = new Stage();
  const { scope } = stage.scope();
  await settled();
  scope[Symbol.dispose]();
  const next = stage.scope();
  await settled();
  assert.deepEqual(stage.lists, [ALL]);
  assert.ok(next.scope.synced);
});
