import assert from "node:assert/strict";
import { connect } from "../../lib/kube/client.ts";
import { Servers } from "../../lib/kube/servers.ts";
import { fakeCredentials, ScriptedServer, streaming } from "./server.ts";

const OWN = "https://10.0.0.1:6443";
const OTHER = "https://10.0.0.2:6443";
const VIP = "https://10.0.0.10:6443";

Deno.test("Servers asks the usual one until others are known", () => {
  const servers = new Servers(VIP);
  assert.equal(servers.current, VIP);
  servers.failed(VIP);
  assert.equal(servers.current, VIP);
  servers.know(OWN, []);
  assert.equal(servers.current, OWN);
});

Deno.test("Servers goes on to the next one that did not fail, and round", () => {
  const servers = new Servers(VIP);
  servers.know(OWN, [OTHER]);
  const seen = [];
  for (let i = 0; i < 4; i++) {
    seen.push(servers.current);
    servers.failed(servers.current);
  }
  assert.deepEqual(seen, [OWN, OTHER, VIP, OWN]);
});

Deno.test("Servers counts one failure once, however many requests saw it", () => {
  const servers = new Servers(VIP);
  servers.know(OWN, [OTHER]);
  servers.failed(OWN);
  servers.failed(OWN);
  assert.equal(servers.current, OTHER);
  servers.returnToOwn();
  assert.equal(servers.current, OWN);
});

Deno.test("Servers stays with the one it asks when it hears of more, if that is among them", () => {
  const servers = new Servers(VIP);
  servers.know(OWN, [OTHER]);
  servers.failed(OWN);
  servers.know(OWN, ["https://10.0.0.3:6443", OTHER]);
  assert.equal(servers.current, OTHER);
  servers.know(OWN, ["https://10.0.0.3:6443"]);
  assert.equal(servers.current, OWN);
});

Deno.test("connect() asks another server after one that is away or in trouble, not after a refusal", async () => {
  await using sick = new ScriptedServer(() => new Response("{}", { status: 500 }));
  await using well = new ScriptedServer((_, index) =>
    index === 0 ? new Response("{}") : new Response("{}", { status: 403 })
  );
  const clients = connect(fakeCredentials("http://127.0.0.1:9"), { userAgent: "test" });
  const urls = [sick, well].map(({ port }) => `http://127.0.0.1:${port}`);
  clients.servers.know(urls[0]!, [urls[1]!]);
  using client = clients.open();
  const ask = () => client.request({ method: "GET", path: "/x" });
  await assert.rejects(ask(), { status: 500 });
  await ask();
  await assert.rejects(ask(), { status: 403 });
  assert.equal(clients.servers.current, urls[1]);
  clients.servers.failed(urls[1]!);
  await assert.rejects(ask(), { reason: "Unreachable" });
  assert.equal(clients.servers.current, urls[0]);
});

Deno.test("stream() of another server ends when the own one is well again, its own goes on", async () => {
  const answer = () => streaming(['{"s":1}\n']);
  await using own = new ScriptedServer(answer);
  await using other = new ScriptedServer(answer);
  const clients = connect(fakeCredentials("http://127.0.0.1:9"), { userAgent: "test" });
  const urls = [own, other].map(({ port }) => `http://127.0.0.1:${port}`);
  clients.servers.know(urls[0]!, [urls[1]!]);
  const client = clients.open();
  const open = async () => {
    const stream = client.stream({ method: "GET", path: "/x", silenceMs: 60_000 });
    const lines = stream[Symbol.asyncIterator]();
    assert.deepEqual((await lines.next()).value, { s: 1 });
    return lines;
  };
  const mine = (await open()).next();
  clients.servers.failed(urls[0]!);
  const theirs = (await open()).next();
  clients.servers.returnToOwn();
  assert.equal((await theirs).done, true);
  assert.deepEqual([own, other].map(({ seen }) => seen.length), [1, 1]);
  client[Symbol.dispose]();
  await assert.rejects(mine, { reason: "Aborted" });
});
