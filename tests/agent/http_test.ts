import assert from "node:assert/strict";
import { Health } from "../../lib/agent/health.ts";
import { HttpServer } from "../../lib/agent/http.ts";
import { createMetrics } from "../../lib/observe/metrics.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

function setUp(address = "127.0.0.1:0", chosen = false) {
  const health = new Health();
  const metrics = createMetrics({ version: "1.2.3" });
  const logger = keepingLogger();
  const server = new HttpServer({ address, chosen, health, metrics, logger });
  return { health, metrics, logger, server };
}

async function serving(
  { server }: { server: HttpServer },
  body: (get: (path: string) => Promise<{ status: number; text: string }>) => Promise<void>,
) {
  const stop = new AbortController();
  const run = server.run(stop.signal);
  try {
    await body(async (path) => {
      const response = await fetch(`http://${server.address}${path}`);
      return { status: response.status, text: await response.text() };
    });
  } finally {
    stop.abort();
    await run;
  }
}

Deno.test("HttpServer answers 200 or 503 with what is wrong", async () => {
  const parts = setUp();
  let problem: string | undefined = "not yet";
  parts.health.addLive({ name: "loop", problem: () => undefined });
  parts.health.addReady({ instance: "blue", name: "Lease", problem: () => problem });
  await serving(parts, async (get) => {
    assert.equal((await get("/healthz")).status, 200);
    const unready = await get("/readyz");
    assert.equal(unready.status, 503);
    assert.match(unready.text, /"instance":"blue".*"problem":"not yet"/);
    problem = undefined;
    assert.equal((await get("/readyz")).status, 200);
    assert.equal((await get("/elsewhere")).status, 404);
  });
});

Deno.test("HttpServer shows the metrics of all instances, or of one", async () => {
  const parts = setUp();
  parts.metrics.instance("blue", "b").setHolder(true);
  parts.metrics.instance("red", "r").setHolder(false);
  await serving(parts, async (get) => {
    const all = await get("/metrics");
    assert.match(all.text, /classvip_holder\{instance="blue",class="b"\} 1/);
    assert.match(all.text, /classvip_holder\{instance="red",class="r"\} 0/);
    const one = await get("/metrics?instance=red");
    assert.ok(!one.text.includes("blue"));
    assert.match(one.text, /instance="red"/);
    const none = await get("/metrics?instance=nope");
    assert.deepEqual(none, { status: 404, text: "There is no instance nope, but blue, red\n" });
  });
});

Deno.test("HttpServer takes another port when nobody chose the one that is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  const parts = setUp(address);
  assert.notEqual(parts.server.address, address);
  const warning = parts.logger.lines.find(({ level }) => level === "warn");
  assert.match(warning?.message ?? "", new RegExp(`port ${taken.addr.port} is taken`));
  await serving(parts, async (get) => assert.equal((await get("/healthz")).status, 200));
});

Deno.test("HttpServer throws when the port that was chosen is taken", () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  assert.throws(() => setUp(address, true), new RegExp(address.replaceAll(".", "\\.")));
});

Deno.test("HttpServer listens on all interfaces without a host, and on IPv6", async () => {
  const all = setUp(":0");
  assert.match(all.server.address, /^0\.0\.0\.0:[1-9]/);
  await serving(all, () => Promise.resolve());
  const six = setUp("[::1]:0");
  assert.match(six.server.address, /^\[::1\]:[1-9]/);
  await serving(six, async (get) => assert.equal((await get("/healthz")).status, 200));
});

Deno.test("HttpServer tells the health of one instance, and which ones there are", async () => {
  const parts = setUp();
  parts.metrics.instance("public-prod", "b");
  parts.metrics.instance("example.com/dev", "r");
  parts.health.addReady({ instance: "public-prod", name: "gate", problem: () => undefined });
  parts.health.addReady({ instance: "example.com/dev", name: "gate", problem: () => "shut" });
  await serving(parts, async (get) => {
    assert.equal((await get("/readyz")).status, 503);
    assert.equal((await get("/readyz/public-prod")).status, 200);
    for (const name of ["example.com/dev", "example.com%2Fdev"]) {
      const unready = await get(`/readyz/${name}`);
      assert.equal(unready.status, 503);
      assert.ok(!unready.text.includes("public-prod"));
      assert.equal((await get(`/healthz/${name}`)).status, 200);
    }
    const none = await get("/readyz/nope");
    const text = "There is no instance nope, but public-prod, example.com/dev\n";
    assert.deepEqual(none, { status: 404, text });
  });
  parts.health.remove("example.com/dev");
  assert.ok(parts.health.ready().healthy);
});
