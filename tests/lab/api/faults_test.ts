import assert from "node:assert/strict";
import type { Fault, Matcher } from "./faults.ts";
import { ApiServer, type ApiServerOptions } from "./server.ts";

const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const DEADLINE_MS = 10_000;

/** Runs a test with a server and a client of its own that is closed before the server. */
function testWith(
  name: string,
  run: (server: ApiServer, call: Call, client: Deno.HttpClient) => Promise<void>,
  options: ApiServerOptions = {},
): void {
  Deno.test(name, async () => {
    await using server = await ApiServer.start(options);
    using client = Deno.createHttpClient(server.caCert ? { caCerts: [server.caCert] } : {});
    await run(server, async (method, path, body, signal = AbortSignal.timeout(DEADLINE_MS)) => {
      const response = await fetch(server.url + path, {
        client,
        method,
        headers: {
          "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
        },
        ...body === undefined ? {} : { body: JSON.stringify(body) },
        signal,
      });
      return { status: response.status, headers: response.headers, body: await response.json() };
    }, client);
  });
}

type Call = (
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
  // deno-lint-ignore no-explicit-any -- looked at member by member
) => Promise<{ status: number; headers: Headers; body: any }>;

const lease = (name: string) => ({ metadata: { name }, spec: {} });
const names = (server: ApiServer) =>
  server.store.list("leases").map(({ metadata }) => metadata.name);

/** The next change of the store. */
function nextChange(server: ApiServer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = server.store.history.subscribe(() => {
    stop();
    resolve();
  });
  return promise;
}

async function openWatch(server: ApiServer, client: Deno.HttpClient, query = "") {
  const response = await fetch(`${server.url}${LEASES}?watch=true${query}`, {
    client,
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  return {
    read: async () => (await reader.read()).value,
    cancel: () => reader.cancel(),
  };
}

for (const tls of [false, true]) {
  testWith(`ApiServer answers over ${tls ? "https" : "http"}`, async (server, call) => {
    assert.ok(server.url.startsWith(tls ? "https:" : "http:"));
    const { body } = await call("GET", "/version");
    assert.equal(body.gitVersion, "v1.23.4");
    assert.equal(body.minor, "23");
  }, { tls, version: "v1.23.4" });
}

testWith("ApiServer.requests tells what arrived", async (server, call) => {
  const before = Date.now();
  await call("GET", `${LEASES}?limit=1`);
  await call("DELETE", `${LEASES}/a`);
  const [first, second] = server.requests;
  assert.ok(first!.at >= before && first!.at <= Date.now());
  assert.deepEqual({ ...first, at: 0 }, {
    method: "GET",
    path: LEASES,
    query: { limit: "1" },
    status: 200,
    at: 0,
  });
  assert.equal(second?.status, 404);
});

testWith("Faults.add() answers with an error as often as asked", async (server, call) => {
  const fault = server.faults.add({
    kind: "answer",
    status: 429,
    retryAfterSeconds: 2,
    method: "POST",
    path: /leases$/,
    count: 2,
  });
  assert.equal((await call("GET", LEASES)).status, 200);
  const answer = await call("POST", LEASES, lease("a"));
  assert.equal(answer.status, 429);
  assert.equal(answer.headers.get("retry-after"), "2");
  assert.equal(answer.body.reason, "TooManyRequests");
  assert.equal((await call("POST", LEASES, lease("a"))).status, 429);
  assert.equal((await call("POST", LEASES, lease("a"))).status, 201);
  assert.equal(fault.hits, 2);
});

testWith("PlannedFault.remove() ends a fault", async (server, call) => {
  const fault = server.faults.add({ kind: "answer", status: 503, count: Infinity });
  assert.equal((await call("GET", LEASES)).status, 503);
  fault.remove();
  assert.equal((await call("GET", LEASES)).status, 200);
});

testWith("Faults.add() delays an answer", async (server, call) => {
  server.faults.add({ kind: "delay", ms: 50 });
  const start = performance.now();
  await call("GET", LEASES);
  assert.ok(performance.now() - start >= 49);
});

const unanswered: [Fault & Matcher, string[]][] = [
  [{ kind: "silence" }, []],
  [{ kind: "applyThenSilence" }, ["a"]],
];
for (const [fault, applied] of unanswered) {
  testWith(
    `Faults.add() leaves a request without an answer: ${fault.kind}`,
    async (server, call) => {
      server.faults.add(fault);
      const answer = call("POST", LEASES, lease("a"), AbortSignal.timeout(100));
      await assert.rejects(answer, { name: "TimeoutError" });
      assert.deepEqual(names(server), applied);
      assert.equal(server.requests[0]?.status, 0);
      assert.equal((await call("GET", LEASES)).status, 200);
    },
  );
}

const closed: [Fault & Matcher, string[]][] = [
  [{ kind: "reset" }, []],
  [{ kind: "applyThenReset" }, ["a"]],
];
for (const [fault, applied] of closed) {
  testWith(`Faults.add() closes a connection: ${fault.kind}`, async (server, call) => {
    server.faults.add(fault);
    await assert.rejects(call("POST", LEASES, lease("a")), TypeError);
    assert.deepEqual(names(server), applied);
  });
}

testWith("Faults.add() applies a request when its client is gone", async (server, call) => {
  server.faults.add({ kind: "applyLate", ms: 120 });
  const answer = call("POST", LEASES, lease("a"), AbortSignal.timeout(40));
  await assert.rejects(answer, { name: "TimeoutError" });
  assert.deepEqual(names(server), []);
  await nextChange(server);
  assert.deepEqual(names(server), ["a"]);
});

testWith("Faults.add() applies a request twice", async (server, call) => {
  server.store.create("leases", lease("a"));
  server.faults.add({ kind: "applyTwice", ms: 50, method: "PATCH" });
  const patch = (holderIdentity: string) =>
    call("PATCH", `${LEASES}/a`, { spec: { holderIdentity } });
  await patch("n1");
  await patch("n2");
  await nextChange(server);
  assert.deepEqual(server.store.get("leases", "default", "a").spec, { holderIdentity: "n1" });
});

testWith("Faults.add() serves an older version", async (server, call, client) => {
  const { resourceVersion } = server.store;
  server.store.create("leases", lease("a"));
  const fault = { kind: "stale", resourceVersion, path: /leases/ } as const;
  server.faults.add({ ...fault, count: 2 });
  const list = await call("GET", LEASES);
  assert.deepEqual([list.body.items, list.body.metadata.resourceVersion], [
    [],
    `${resourceVersion}`,
  ]);
  const watch = await openWatch(server, client, `&resourceVersion=${server.store.resourceVersion}`);
  assert.equal(JSON.parse((await watch.read())!).object.metadata.name, "a");
  await watch.cancel();
});

testWith("Faults.add() cuts a watch in the middle of a line", async (server, _call, client) => {
  const watch = await openWatch(server, client, "&resourceVersion=1&allowWatchBookmarks=true");
  const fault = server.faults.add({ kind: "cut", path: /watch=true/ });
  server.bookmark();
  const half = await watch.read().catch(() => "");
  assert.ok(!half?.includes("\n"));
  await assert.rejects(watch.read(), TypeError);
  assert.equal(fault.hits, 1);
});

testWith("Faults.add() silences a watch and leaves it open", async (server, _call, client) => {
  const { resourceVersion } = server.store;
  const query = `&resourceVersion=${resourceVersion}&timeoutSeconds=1`;
  const watch = await openWatch(server, client, query);
  const fault = server.faults.add({ kind: "mute" });
  server.store.create("leases", lease("a"));
  server.store.create("leases", lease("b"));
  assert.equal(await watch.read(), undefined, "nothing until the watch's own end");
  assert.equal(fault.hits, 1);
});

testWith("Faults.add() swallows one event of a watch", async (server, _call, client) => {
  server.store.create("leases", lease("a"));
  const watch = await openWatch(server, client, `&resourceVersion=${server.store.resourceVersion}`);
  server.faults.add({ kind: "swallow", type: "DELETED" });
  server.store.delete("leases", "default", "a");
  server.store.create("leases", lease("b"));
  const { type, object } = JSON.parse((await watch.read())!);
  assert.deepEqual([type, object.metadata.name], ["ADDED", "b"]);
  await watch.cancel();
});

testWith(
  "ApiServer.restart() closes connections and keeps port and store",
  async (server, call, client) => {
    await call("POST", LEASES, lease("a"));
    const watch = await openWatch(
      server,
      client,
      `&resourceVersion=${server.store.resourceVersion}`,
    );
    assert.equal(server.watches, 1);
    await server.restart();
    await assert.rejects(watch.read(), TypeError);
    assert.equal(server.watches, 0);
    assert.equal((await call("GET", `${LEASES}/a`)).status, 200);
  },
);

testWith("ApiServer.stop() refuses connections until resume()", async (server, call) => {
  await server.stop();
  await assert.rejects(call("GET", LEASES), TypeError);
  server.resume();
  assert.equal((await call("GET", LEASES)).status, 200);
});

testWith("ApiServer sends bookmarks from time to time", async (server, _call, client) => {
  const watch = await openWatch(server, client, "&resourceVersion=1&allowWatchBookmarks=true");
  const { type, object } = JSON.parse((await watch.read())!);
  assert.equal(type, "BOOKMARK");
  assert.equal(object.metadata.resourceVersion, String(server.store.resourceVersion));
  await watch.cancel();
}, { bookmarkIntervalMs: 20 });
