import assert from "node:assert/strict";
import { LeaseView } from "../../lib/agent/lease_view.ts";
import type { KubeError } from "../../lib/kube/errors.ts";
import type { Lease, RequestOptions } from "../../lib/kube/types.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { FakeKubeClient, Lines } from "../doubles/fake_kube_client.ts";
import { refused } from "../doubles/fake_lease_api.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

const ALL = "/apis/coordination.k8s.io/v1/leases";
const inNamespace = (name: string) => `/apis/coordination.k8s.io/v1/namespaces/${name}/leases`;

function made(namespace: string, name: string, resourceVersion = "5"): Lease {
  return { metadata: { namespace, name, resourceVersion, uid: `${namespace}/${name}` } };
}

/** A view, and what the API server has for each path. */
class World implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly client = new FakeKubeClient();
  readonly logger = keepingLogger();
  readonly lists = new Map<string, Lease[] | KubeError>();
  /** The present watch of each path. */
  readonly streams = new Map<string, Lines<unknown>>();
  readonly #stop = new AbortController();
  readonly view: LeaseView;
  readonly #run: Promise<void>;

  constructor(lists: Record<string, Lease[] | KubeError>) {
    for (const [path, list] of Object.entries(lists)) this.lists.set(path, list);
    this.client.answer = ({ path }: RequestOptions) => {
      const items = this.lists.get(path);
      if (!Array.isArray(items)) throw items ?? refused(403, "Forbidden");
      return { metadata: { resourceVersion: "5" }, items };
    };
    this.client.follow = ({ path, signal }) => {
      const lines = new Lines<unknown>(signal);
      this.streams.set(path, lines);
      return lines;
    };
    this.view = new LeaseView({
      client: this.client,
      clock: this.clock,
      random: () => 0.5,
      observer: {},
      logger: this.logger,
    });
    this.view.cover("blue");
    this.view.cover("red");
    this.#run = this.view.run(this.#stop.signal);
  }

  names(): (string | undefined)[] {
    return this.view.all().map(({ metadata }) => metadata?.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }
}

Deno.test("LeaseView shows the Leases of classvip in all namespaces, as they change", async () => {
  await using world = new World({ [ALL]: [made("blue", "a"), made("green", "b")] });
  let changes = 0;
  const end = world.view.subscribe(() => changes++);
  await world.view.settled;
  assert.ok(world.view.synced);
  assert.deepEqual(world.names(), ["a", "b"]);
  assert.equal(
    world.client.requests[0]!.query?.["labelSelector"],
    "app.kubernetes.io/managed-by=classvip",
  );
  const before = changes;
  await settled();
  world.streams.get(ALL)!.push({ type: "MODIFIED", object: made("green", "b", "6") });
  await settled();
  assert.equal(changes, before + 1);
  assert.equal(world.view.find("green", "b")?.metadata?.resourceVersion, "6");
  assert.equal(world.view.find("blue", "b"), undefined);
  end();
  world.streams.get(ALL)!.push({ type: "DELETED", object: made("green", "b", "7") });
  await settled();
  assert.deepEqual(world.names(), ["a"]);
  assert.equal(changes, before + 1);
});

Deno.test("LeaseView keeps to the instances' own namespaces where it may not see others", async () => {
  await using world = new World({
    [ALL]: refused(403, "Forbidden"),
    [inNamespace("blue")]: [made("blue", "a")],
    [inNamespace("red")]: [made("red", "c")],
  });
  await world.view.settled;
  assert.deepEqual(world.names(), ["a", "c"]);
  assert.equal(world.view.lastError, undefined);
  assert.deepEqual(world.logger.lines.map(({ level }) => level), ["warn"]);
});

Deno.test("LeaseView says why no Lease may be read at all", async () => {
  await using world = new World({ [ALL]: refused(403, "Forbidden") });
  await world.view.settled;
  assert.ok(!world.view.synced);
  assert.equal(world.view.lastError?.status, 403);
});

Deno.test("LeaseView.relist() shows what a watch did not", async () => {
  await using world = new World({ [ALL]: [made("blue", "a")] });
  await world.view.settled;
  await settled();
  world.lists.set(ALL, [made("blue", "a", "6"), made("green", "b")]);
  world.view.relist();
  await settled();
  assert.deepEqual(world.names(), ["a", "b"]);
  assert.equal(world.view.find("blue", "a")?.metadata?.resourceVersion, "6");
});

Deno.test("LeaseView.follow() tells each version of one Lease, and that it was deleted", async () => {
  await using world = new World({ [ALL]: [made("blue", "a"), made("green", "b")] });
  const seen: (string | undefined)[] = [];
  const order: string[] = [];
  world.view.subscribe(() => order.push("all"));
  const end = world.view.follow("blue", "a", (lease) => {
    seen.push(lease?.metadata?.resourceVersion);
    order.push("own");
  });
  await world.view.settled;
  await settled();
  assert.deepEqual(seen, ["5"]);
  assert.deepEqual(order.slice(0, 2), ["own", "all"], "whoever judges all has heard of its own");
  const lines = world.streams.get(ALL)!;
  lines.push({ type: "MODIFIED", object: made("green", "b", "6") });
  lines.push({ type: "MODIFIED", object: made("blue", "a", "7") });
  lines.push({ type: "DELETED", object: made("blue", "a", "8") });
  await settled();
  assert.deepEqual(seen, ["5", "7", undefined]);
  lines.push({ type: "ADDED", object: made("blue", "a", "9") });
  await settled();
  world.lists.set(ALL, []);
  const relisted = world.view.relist();
  await world.clock.advance(5000);
  await relisted;
  assert.deepEqual(seen, ["5", "7", undefined, "9", undefined], "gone between two lists");
  end();
  world.lists.set(ALL, [made("blue", "a", "12")]);
  world.view.relist();
  await world.clock.advance(5000);
  assert.equal(seen.length, 5);
});
