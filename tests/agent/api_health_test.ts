import assert from "node:assert/strict";
import { ApiHealth, endpointUrls } from "../../lib/agent/api_health.ts";
import { Servers } from "../../lib/kube/servers.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { FakeKubeClient } from "../doubles/fake_kube_client.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

const OWN = "https://10.0.0.1:6443";
const OTHER = "https://10.0.0.2:6443";
const SLICE = {
  endpoints: [{ addresses: ["10.0.0.1"] }, { addresses: ["10.0.0.2"] }],
  ports: [{ port: 6443 }],
};

/** Looks each second, three failures count. */
function start() {
  const clock = new FakeClock();
  const stop = new AbortController();
  const sick = new Set<string>();
  const asked: string[] = [];
  const client = new FakeKubeClient();
  client.answer = () => SLICE;
  const servers = new Servers("https://10.0.0.10:6443");
  let looks = 0;
  const health = new ApiHealth({
    settings: { healthIntervalMs: 1000, healthTimeoutMs: 500, healthThreshold: 3 },
    findOwn: () => OWN,
    probe: (server) => {
      asked.push(server);
      return Promise.resolve(sick.has(server) ? `${server} is sick` : undefined);
    },
    client,
    servers,
    clock,
    logger: keepingLogger(),
    looked: () => looks++,
  });
  const run = health.run(stop.signal);
  return {
    clock,
    health,
    sick,
    asked,
    servers,
    looks: () => looks,
    stop: async () => {
      stop.abort();
      await run;
    },
  };
}

Deno.test("ApiHealth calls its server well after the first good answer, and asks no other then", async () => {
  const { clock, health, asked, looks, stop } = start();
  assert.match(health.problem!, /not answered yet/);
  await clock.advance(2500);
  assert.equal(health.problem, undefined);
  assert.deepEqual(asked, [OWN, OWN, OWN]);
  assert.equal(looks(), 3);
  await stop();
});

Deno.test("ApiHealth needs failures in a row, and two good answers to forget them", async () => {
  const { clock, health, sick, stop } = start();
  await clock.advance(500);
  sick.add(OWN);
  await clock.advance(2000);
  sick.delete(OWN);
  await clock.advance(1000);
  sick.add(OWN);
  await clock.advance(2000);
  assert.equal(health.problem, undefined, "never three in a row");
  await clock.advance(1000);
  assert.equal(health.problem, `${OWN} is sick`);
  sick.delete(OWN);
  await clock.advance(1000);
  assert.equal(health.problem, `${OWN} is sick`);
  await clock.advance(1000);
  assert.equal(health.problem, undefined);
  await stop();
});

Deno.test("ApiHealth looks whether another server is well once its own is not", async () => {
  const { clock, health, sick, servers, stop } = start();
  await clock.advance(500);
  sick.add(OWN).add(OTHER);
  await clock.advance(3000);
  assert.notEqual(health.problem, undefined);
  assert.equal(health.isOtherWell, false);
  sick.delete(OTHER);
  await clock.advance(1000);
  assert.equal(health.isOtherWell, true);
  servers.failed(OWN);
  assert.equal(servers.current, OTHER, "requests know the others too");
  sick.delete(OWN);
  await clock.advance(2000);
  assert.equal(servers.current, OWN);
  assert.equal(health.isOtherWell, false);
  await stop();
});

Deno.test("endpointUrls() takes all addresses, and brackets IPv6", () => {
  assert.deepEqual(endpointUrls(SLICE), [OWN, OTHER]);
  const v6 = { endpoints: [{ addresses: ["fd00::1"] }], ports: [{ port: 443 }] };
  assert.deepEqual(endpointUrls(v6), ["https://[fd00::1]:443"]);
  assert.deepEqual(endpointUrls({}), []);
});
