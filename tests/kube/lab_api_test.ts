import assert from "node:assert/strict";
import { HttpKubeClient } from "../../lib/kube/client.ts";
import { KubeError } from "../../lib/kube/errors.ts";
import { KubeLeaseApi } from "../../lib/kube/lease_api.ts";
import type { Lease, Service } from "../../lib/kube/types.ts";
import { serverVersion } from "../../lib/kube/version.ts";
import { Watch } from "../../lib/kube/watch.ts";
import { realClock as clock } from "../doubles/real_clock.ts";
import { ApiServer, type ApiServerOptions } from "../lab/api/server.ts";
import { fakeCredentials } from "./server.ts";

const silenceMs = 500;
const deadlineMs = 1_000;

const service = (name: string) => ({
  metadata: { name, namespace: "default" },
  spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
});

function clientOf(server: ApiServer): HttpKubeClient {
  const caCerts = server.caCert === undefined ? [] : [server.caCert];
  return new HttpKubeClient(fakeCredentials(server.url, { caCerts }), {
    userAgent: "classvip/test",
  });
}

/** A watch of Services on a real connection, and what it has told so far. */
class Watching implements AsyncDisposable {
  /** What was not awaited yet. */
  readonly told: string[] = [];
  readonly all: string[] = [];
  readonly watch: Watch<Service, string>;
  readonly #controller = new AbortController();
  readonly #client: HttpKubeClient;
  readonly #done: Promise<void>;
  #wake = Promise.withResolvers<void>();

  constructor(server: ApiServer, pageSize = 500) {
    this.#client = clientOf(server);
    this.watch = new Watch<Service, string>({
      name: "services",
      client: this.#client,
      clock,
      random: () => 0,
      path: "/api/v1/services",
      query: { fieldSelector: "spec.type=LoadBalancer" },
      select: (raw) => raw.metadata?.name ?? "",
      pageSize,
      silenceMs,
      deadlineMs,
      handler: {
        replaced: (items, gone) =>
          this.#tell(`replaced ${[...items.values()].sort()} deleted ${gone}`),
        changed: (_key, item) => this.#tell(`changed ${item}`),
        deleted: (_key, last) => this.#tell(`deleted ${last}`),
      },
      observer: { restarted: (reason) => this.#tell(`restarted ${reason}`) },
    });
    this.#done = this.watch.run(this.#controller.signal);
  }

  /** Waits until this was told, after what was awaited before. */
  async until(expected: string): Promise<void> {
    for (;;) {
      const at = this.told.indexOf(expected);
      if (at >= 0) {
        this.told.splice(0, at + 1);
        return;
      }
      await this.something();
    }
  }

  /** Waits until anything is told. */
  something(): Promise<void> {
    return this.#wake.promise;
  }

  #tell(what: string): void {
    this.told.push(what);
    this.all.push(what);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    await this.#done;
    this.#client[Symbol.dispose]();
  }
}

function testWatch(
  name: string,
  run: (server: ApiServer, watching: Watching) => Promise<void>,
  options: ApiServerOptions & { pageSize?: number } = {},
): void {
  Deno.test(name, async () => {
    await using server = await ApiServer.start({ bookmarkIntervalMs: 50, ...options });
    server.store.create("services", service("a"));
    server.store.create("services", service("b"));
    await using watching = new Watching(server, options.pageSize);
    await watching.until("replaced a,b deleted ");
    // A line proves that the watch itself is open.
    server.store.create("services", service("open"));
    await watching.until("changed open");
    await run(server, watching);
  });
}

for (const tls of [false, true]) {
  testWatch(
    `run() follows creations and deletions over ${tls ? "TLS" : "HTTP"}`,
    async (server, watching) => {
      server.store.delete("services", "default", "a");
      await watching.until("deleted a");
      assert.equal(watching.watch.restarts, 0);
    },
    { tls },
  );
}

testWatch("run() reads a list in pages", (server, watching) => {
  assert.equal(server.requests.filter(({ query }) => query["continue"]).length, 1);
  assert.equal(watching.watch.items.size, 3);
  return Promise.resolve();
}, { pageSize: 1 });

testWatch(
  "run() reports a DELETE that it missed while its place expired",
  async (server, watching) => {
    await server.stop();
    server.store.delete("services", "default", "a");
    server.store.create("services", service("c"));
    server.store.compact();
    server.resume();
    await watching.until("replaced b,c,open deleted a");
  },
);

testWatch(
  "run() resumes without a list after a reset, a cut line, a restart",
  async (server, watching) => {
    // A list of one object only asks where the server stands.
    const lists = () => server.requests.filter(({ query }) => Number(query["limit"]) > 1).length;
    const before = lists();
    server.closeConnections();
    await watching.until("restarted Unreachable");
    server.store.create("services", service("c"));
    await watching.until("changed c");
    server.faults.add({ kind: "cut", path: /watch=true/ });
    server.store.create("services", service("d"));
    await watching.until("changed d");
    await server.restart();
    server.store.delete("services", "default", "c");
    await watching.until("deleted c");
    assert.equal(lists(), before);
  },
);

testWatch("run() notices a watch that fell silent", async (server, watching) => {
  server.faults.add({ kind: "mute", path: /watch=true/ });
  server.store.delete("services", "default", "b");
  await watching.until("restarted Silent");
  await watching.until("deleted b");
});

testWatch(
  "run() loses one deadline to a request that is never answered",
  async (server, watching) => {
    server.faults.add({ kind: "silence", path: /watch=true/ });
    server.closeConnections();
    server.store.delete("services", "default", "b");
    await watching.until("restarted Timeout");
    await watching.until("deleted b");
    assert.equal(watching.all.filter((told) => told === "restarted Timeout").length, 1);
  },
);

for (const status of [410, 429, 500, 503]) {
  testWatch(`run() goes on after a watch that was answered ${status}`, async (server, watching) => {
    const fault = server.faults.add({ kind: "answer", status, path: /watch=true/ });
    server.closeConnections();
    server.store.delete("services", "default", "a");
    await watching.until("restarted Unreachable");
    while (watching.watch.items.has("default/a")) await watching.something();
    assert.equal(fault.hits, 1);
  });
}

Deno.test("KubeLeaseApi reads, creates and replaces by compare-and-swap", async () => {
  await using server = await ApiServer.start();
  using client = clientOf(server);
  const api = new KubeLeaseApi(client, { namespace: "default", name: "vip" });
  assert.equal(await api.get(), undefined);
  const lease: Lease = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "vip", namespace: "default", labels: { owner: "classvip" } },
    spec: { holderIdentity: "node-1", leaseDurationSeconds: 5 },
  };
  const created = await api.create(lease);
  await assert.rejects(api.create(lease), { status: 409, reason: "AlreadyExists" });
  const replaced = await api.replace({
    ...created,
    spec: { ...created.spec, holderIdentity: "node-2" },
  });
  assert.equal(replaced.spec?.holderIdentity, "node-2");
  await assert.rejects(
    api.replace(created),
    (error) => error instanceof KubeError && error.status === 409 && error.reason === "Conflict",
  );
});

Deno.test("request() trusts the authority given, and says what to do about another", async () => {
  await using server = await ApiServer.start({ tls: true });
  using good = clientOf(server);
  assert.equal((await serverVersion(good)).minor, 34);
  await using other = await ApiServer.start({ tls: true });
  const bundle = [`${other.caCert}${server.caCert}`];
  using second = new HttpKubeClient(fakeCredentials(server.url, { caCerts: bundle }), {
    userAgent: "classvip/test",
  });
  assert.equal((await serverVersion(second)).minor, 34);
  using bad = new HttpKubeClient(fakeCredentials(server.url), { userAgent: "classvip/test" });
  await assert.rejects(
    serverVersion(bad),
    /unknown authority; give the right certificate-authority/,
  );
});

Deno.test("request() names verb, resource and namespace that a role must grant", async () => {
  await using server = await ApiServer.start({ authorize: () => false });
  using client = clientOf(server);
  const api = new KubeLeaseApi(client, { namespace: "default", name: "vip" });
  await assert.rejects(
    api.create({ metadata: { name: "vip" } }),
    /Not allowed to create leases in namespace "default": the Role .* must grant verb "create" on resource "leases" in API group "coordination.k8s.io"/,
  );
});

testWatch(
  "relist() resolves once all that was written before the call is known",
  async (server, watching) => {
    // The stream falls silent: only a list tells what comes now.
    server.faults.add({ kind: "mute", method: "GET", path: /watch=true/ });
    server.store.create("services", service("lost"));
    server.store.create("services", service("unseen"));
    await watching.watch.relist();
    assert.ok(watching.watch.items.has("default/unseen"));
  },
);
