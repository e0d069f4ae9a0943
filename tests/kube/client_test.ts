import assert from "node:assert/strict";
import { connect, HttpKubeClient } from "../../lib/kube/client.ts";
import { KubeError } from "../../lib/kube/errors.ts";
import type { KubeClient, RequestOptions } from "../../lib/kube/types.ts";
import { fakeCredentials, never, RawServer, ScriptedServer, status, streaming } from "./server.ts";

const agent = { userAgent: "classvip/test" };
const get: RequestOptions = { method: "GET", path: "/api/v1/services" };
const watch = { ...get, query: { watch: "true" }, silenceMs: 5_000 };

async function failure(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(() => undefined, (error) => error);
  assert.ok(error instanceof KubeError, `Expected a KubeError, not ${error}`);
  return error;
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of stream) all.push(item);
  return all;
}

Deno.test("request() sends method, path, query, agent, credentials and decodes the answer", async () => {
  await using server = new ScriptedServer(() => Response.json({ kind: "ServiceList" }));
  using client = new HttpKubeClient(
    { ...server.credentials, authorization: () => Promise.resolve("Bearer abc") },
    agent,
  );
  const query = { limit: "5", continue: undefined, fieldSelector: "spec.type=LoadBalancer" };
  assert.deepEqual(await client.request({ ...get, query }), { kind: "ServiceList" });
  const [seen] = server.seen;
  assert.equal(seen?.method, "GET");
  assert.equal(seen?.url.pathname, "/api/v1/services");
  assert.equal(seen?.url.search, "?limit=5&fieldSelector=spec.type%3DLoadBalancer");
  assert.equal(seen?.headers.get("user-agent"), "classvip/test");
  assert.equal(seen?.headers.get("authorization"), "Bearer abc");
});

Deno.test("request() sends a PATCH as merge patch and a PUT as JSON", async () => {
  await using server = new ScriptedServer(() => Response.json({}));
  using client = new HttpKubeClient(server.credentials, agent);
  const path = "/api/v1/namespaces/a/services/b/status";
  await client.request({ method: "PATCH", path, body: { status: {} } });
  await client.request({ method: "PUT", path, body: { status: {} } });
  assert.deepEqual(server.seen.map((seen) => seen.headers.get("content-type")), [
    "application/merge-patch+json",
    "application/json",
  ]);
  assert.equal(server.seen[0]?.body, '{"status":{}}');
});

Deno.test("request() turns a Status into a KubeError with its reason", async () => {
  await using server = new ScriptedServer(() => status(409, "Conflict", "the object was modified"));
  using client = new HttpKubeClient(server.credentials, agent);
  const error = await failure(client.request({ ...get, method: "PUT", body: {} }));
  assert.equal(error.status, 409);
  assert.equal(error.reason, "Conflict");
  assert.match(error.message, /the object was modified/);
});

Deno.test("request() passes on Retry-After", async () => {
  await using server = new ScriptedServer(() =>
    new Response("slow down", { status: 429, headers: { "retry-after": "7" } })
  );
  using client = new HttpKubeClient(server.credentials, agent);
  const error = await failure(client.request(get));
  assert.equal(error.retryAfterMs, 7_000);
  assert.match(error.message, /429 Too Many Requests: slow down/);
});

Deno.test("request() refreshes the credentials once after a 401", async () => {
  await using server = new ScriptedServer((request) =>
    request.headers.get("authorization") === "Bearer new"
      ? Response.json({ ok: true })
      : status(401, "Unauthorized", "Unauthorized")
  );
  const forced: boolean[] = [];
  const authorization = (force = false) => {
    forced.push(force);
    return Promise.resolve(forced.includes(true) ? "Bearer new" : "Bearer old");
  };
  using client = new HttpKubeClient({ ...server.credentials, authorization }, agent);
  const body = { spec: 1 };
  assert.deepEqual(await client.request({ ...get, method: "POST", body }), { ok: true });
  assert.deepEqual(forced, [false, true]);
  assert.equal(server.seen[1]?.body, '{"spec":1}');
});

Deno.test("request() names the origin of refused credentials, never the secret", async () => {
  await using server = new ScriptedServer(() => status(401, "Unauthorized", "Unauthorized"));
  const authorization = () => Promise.resolve("Bearer s3cret");
  using client = new HttpKubeClient({ ...server.credentials, authorization }, agent);
  const error = await failure(client.request(get));
  assert.equal(error.status, 401);
  assert.equal(server.seen.length, 2);
  assert.match(error.message, /does not accept the credentials from the test/);
  assert.ok(!Deno.inspect(error).includes("s3cret"));
});

Deno.test("request() reports credentials that cannot be had", async () => {
  const authorization = () => Promise.reject(new Error("no such command"));
  using client = new HttpKubeClient(
    fakeCredentials("http://127.0.0.1:9", { authorization }),
    agent,
  );
  const error = await failure(client.request(get));
  assert.equal(error.reason, "NoCredentials");
  assert.match(error.message, /from the test: no such command/);
});

Deno.test("request() gives up at its deadline, also while credentials or the body hang", async (t) => {
  await t.step("no head", async () => {
    await using server = new RawServer(() => Promise.resolve());
    using client = new HttpKubeClient(server.credentials, agent);
    const error = await failure(client.request({ ...get, deadlineMs: 50 }));
    assert.deepEqual([error.status, error.reason], [0, "Timeout"]);
  });
  await t.step("half a body", async () => {
    await using server = new ScriptedServer(() => streaming(['{"a":']));
    using client = new HttpKubeClient(server.credentials, agent);
    assert.equal((await failure(client.request({ ...get, deadlineMs: 50 }))).reason, "Timeout");
  });
  await t.step("credentials", async () => {
    const authorization = () => new Promise<string>(() => {});
    const credentials = fakeCredentials("http://127.0.0.1:9", { authorization });
    using client = new HttpKubeClient(credentials, agent);
    assert.equal((await failure(client.request({ ...get, deadlineMs: 50 }))).reason, "Timeout");
  });
});

Deno.test("request() at its deadline gives up the idle connections too", async () => {
  const answer = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  const both = Promise.withResolvers<void>();
  // Each connection answers once and is dead from then on; the first two answer together.
  await using server = new RawServer(async (connection, index) => {
    if (index === 1) both.resolve();
    await both.promise;
    await connection.write(answer);
  });
  using client = new HttpKubeClient(server.credentials, agent);
  await Promise.all([client.request(get), client.request(get)]);
  assert.equal((await failure(client.request({ ...get, deadlineMs: 50 }))).reason, "Timeout");
  await client.request({ ...get, deadlineMs: 1_000 });
  assert.equal(server.connections, 3);
});

Deno.test("request() at its deadline does no harm to other requests of the client", async () => {
  const late = Promise.withResolvers<Response>();
  let sink: ReadableStreamDefaultController<Uint8Array> | undefined;
  const line = new TextEncoder().encode('{"n":1}\n');
  await using server = new ScriptedServer((request) => {
    if (request.url.endsWith("/never")) return never(request);
    if (request.url.endsWith("/late")) return late.promise;
    return new Response(new ReadableStream({ start: (controller) => void (sink = controller) }));
  });
  using client = new HttpKubeClient(server.credentials, agent);
  const lines = collect(client.stream(watch));
  const other = client.request({ ...get, path: "/late" });
  const error = await failure(client.request({ ...get, path: "/never", deadlineMs: 100 }));
  assert.equal(error.reason, "Timeout");
  sink?.enqueue(line);
  sink?.close();
  late.resolve(Response.json({ late: true }));
  assert.deepEqual(await other, { late: true });
  assert.deepEqual(await lines, [{ n: 1 }]);
});

Deno.test("request() ends with reason Aborted by its signal and by the client's disposal", async () => {
  await using server = new RawServer(() => Promise.resolve());
  using client = new HttpKubeClient(server.credentials, agent);
  const controller = new AbortController();
  const aborted = failure(client.request({ ...get, signal: controller.signal }));
  controller.abort();
  assert.equal((await aborted).reason, "Aborted");
  const disposed = failure(client.request(get));
  client[Symbol.dispose]();
  assert.equal((await disposed).reason, "Aborted");
  assert.equal((await failure(client.request(get))).reason, "Aborted");
});

Deno.test("request() says in plain words why a server cannot be reached", async (t) => {
  const reason = async (server: string, path = "/") => {
    using client = new HttpKubeClient(fakeCredentials(server), agent);
    const error = await failure(client.request({ method: "GET", path }));
    assert.deepEqual([error.status, error.reason], [0, "Unreachable"]);
    assert.ok(error.message.includes(server), error.message);
    return error.message;
  };
  await t.step("refused", async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    assert.match(await reason(`http://127.0.0.1:${port}`), /refused, nothing listens there/);
  });
  await t.step("no such name", async () => {
    assert.match(await reason("https://classvip-test.invalid:6443"), /cannot be resolved/);
  });
  await t.step("not TLS", async () => {
    await using server = new ScriptedServer(() => Response.json({}));
    assert.match(await reason(`https://127.0.0.1:${server.port}`), /does not speak TLS/);
  });
  await t.step("closed without an answer", async () => {
    await using server = new RawServer((connection) => Promise.resolve(connection.close()));
    assert.match(await reason(server.credentials.server), /closed before the answer/);
  });
  await t.step("closed within the answer", async () => {
    const half = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}");
    await using server = new RawServer(async (connection) => {
      await connection.write(half);
      connection.close();
    });
    assert.match(await reason(server.credentials.server), /closed before the answer/);
  });
});

Deno.test("request() fails for an answer that is not JSON", async () => {
  await using server = new ScriptedServer(() => new Response("<html>Log in</html>"));
  using client = new HttpKubeClient(server.credentials, agent);
  assert.equal((await failure(client.request(get))).reason, "Unreadable");
});

Deno.test("request() does not follow a redirect with its credentials", async () => {
  await using server = new ScriptedServer(() => Response.redirect("http://127.0.0.1:9/", 302));
  using client = new HttpKubeClient(server.credentials, agent);
  assert.equal((await failure(client.request(get))).status, 302);
});

Deno.test("request() reaches a server that was stopped and started on the same port", async () => {
  const first = new ScriptedServer(() => Response.json({ run: 1 }));
  using client = new HttpKubeClient(first.credentials, agent);
  assert.deepEqual(await client.request(get), { run: 1 });
  const { port } = first;
  await first[Symbol.asyncDispose]();
  assert.equal((await failure(client.request(get))).reason, "Unreachable");
  await using _second = new ScriptedServer(() => Response.json({ run: 2 }), { port });
  assert.deepEqual(await client.request(get), { run: 2 });
});

Deno.test("open() gives clients that share no connections", async () => {
  const answer = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  await using server = new RawServer(async (connection) => {
    await connection.write(answer);
  });
  const clients = connect(server.credentials, agent);
  using first: KubeClient = clients.open();
  using second: KubeClient = clients.open();
  await first.request(get);
  await second.request(get);
  assert.equal(server.connections, 2);
});

Deno.test("stream() puts lines together from chunks cut anywhere", async () => {
  const bytes = new TextEncoder().encode('{"s":"grüße 🐟"}\n\n{"s":2}\r\n');
  for (let cut = 1; cut < bytes.length; cut++) {
    const chunks = [bytes.slice(0, cut), bytes.slice(cut)];
    await using server = new ScriptedServer(() => streaming(chunks, true));
    using client = new HttpKubeClient(server.credentials, agent);
    assert.deepEqual(await collect(client.stream(watch)), [{ s: "grüße 🐟" }, { s: 2 }]);
  }
});

Deno.test("stream() takes a line of several megabytes", async () => {
  const big = "x".repeat(5_000_000);
  await using server = new ScriptedServer(() => streaming([`{"big":"${big}"}\n{"n":2}\n`], true));
  using client = new HttpKubeClient(server.credentials, agent);
  const [first, second] = await collect(client.stream<{ big?: string; n?: number }>(watch));
  assert.equal(first?.big?.length, big.length);
  assert.equal(second?.n, 2);
});

Deno.test("stream() leaves out a last line that was cut", async () => {
  await using server = new ScriptedServer(() => streaming(['{"n":1}\n{"n":'], true));
  using client = new HttpKubeClient(server.credentials, agent);
  assert.deepEqual(await collect(client.stream(watch)), [{ n: 1 }]);
});

Deno.test("stream() fails when the peer resets, falls silent, is silent from the start", async (t) => {
  await t.step("reset", async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"n":1}\n\r\n';
    await using server = new RawServer(async (connection) => {
      await connection.write(new TextEncoder().encode(head));
      connection.close();
    });
    using client = new HttpKubeClient(server.credentials, agent);
    assert.equal((await failure(collect(client.stream(watch)))).reason, "Unreachable");
  });
  await t.step("silent after a line, though bytes trickle", async () => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const trickle = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"n":1}\n'));
        timer = setInterval(() => {
          try {
            controller.enqueue(new Uint8Array([32]));
          } catch {
            // Closed a moment before cancel() says so.
            clearInterval(timer);
          }
        }, 10);
      },
      cancel: () => clearInterval(timer),
    });
    await using server = new ScriptedServer(() => new Response(trickle));
    using client = new HttpKubeClient(server.credentials, agent);
    const silent = await failure(collect(client.stream({ ...watch, silenceMs: 80 })));
    assert.deepEqual([silent.status, silent.reason], [0, "Silent"]);
  });
  await t.step("no line at all", async () => {
    await using server = new ScriptedServer(() => streaming([]));
    using client = new HttpKubeClient(server.credentials, agent);
    const silent = await failure(collect(client.stream({ ...watch, silenceMs: 50 })));
    assert.equal(silent.reason, "Silent");
  });
  await t.step("no head", async () => {
    await using server = new RawServer(() => Promise.resolve());
    using client = new HttpKubeClient(server.credentials, agent);
    const error = await failure(collect(client.stream({ ...watch, deadlineMs: 50 })));
    assert.equal(error.reason, "Timeout");
  });
});

Deno.test("stream() does not take the consumer's time for the peer's silence", async () => {
  await using server = new ScriptedServer(() => streaming(['{"n":1}\n', '{"n":2}\n'], true));
  using client = new HttpKubeClient(server.credentials, agent);
  let count = 0;
  for await (const _ of client.stream({ ...watch, silenceMs: 100 })) {
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 150);
    await promise;
    count++;
  }
  assert.equal(count, 2);
});

Deno.test("stream() ends the connection when its consumer leaves or aborts", async () => {
  const cancelled: Promise<void>[] = [];
  await using server = new ScriptedServer(() => {
    const { promise, resolve } = Promise.withResolvers<void>();
    cancelled.push(promise);
    const line = new TextEncoder().encode('{"n":1}\n');
    return new Response(
      new ReadableStream({ start: (sink) => sink.enqueue(line), cancel: () => resolve() }),
    );
  });
  using client = new HttpKubeClient(server.credentials, agent);
  for await (const _ of client.stream(watch)) break;
  await cancelled[0];
  const controller = new AbortController();
  const aborted = failure((async () => {
    for await (const _ of client.stream({ ...watch, signal: controller.signal })) {
      controller.abort();
    }
  })());
  assert.equal((await aborted).reason, "Aborted");
  await cancelled[1];
});

Deno.test("stream() ends when it must though fetch() has lost its signal", async () => {
  await using server = new ScriptedServer(() => streaming(['{"n":1}\n']));
  using client = new HttpKubeClient(server.credentials, agent);
  const { fetch } = globalThis;
  // What Deno 2.6 comes to when it collects garbage during a long watch.
  globalThis.fetch = (input, init) => fetch(input, { ...init, signal: null });
  try {
    const abort = new AbortController();
    const stream = client.stream({ ...watch, signal: abort.signal });
    assert.deepEqual((await stream.next()).value, { n: 1 });
    const aborted = failure(stream.next());
    abort.abort();
    assert.equal((await aborted).reason, "Aborted");
    const silent = await failure(collect(client.stream({ ...watch, silenceMs: 50 })));
    assert.equal(silent.reason, "Silent");
  } finally {
    globalThis.fetch = fetch;
  }
});

Deno.test("stream() fails with the Status of a refused watch", async () => {
  await using server = new ScriptedServer(() => status(410, "Expired", "too old"));
  using client = new HttpKubeClient(server.credentials, agent);
  const error = await failure(collect(client.stream(watch)));
  assert.deepEqual([error.status, error.reason], [410, "Expired"]);
});
