import assert from "node:assert/strict";
import { PoolSource } from "../../lib/agent/pool_source.ts";
import type { KubeObject } from "../../lib/kube/types.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { FakeKubeClient, Lines } from "../doubles/fake_kube_client.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

const configMap = (data: Record<string, string>): KubeObject & { data: typeof data } => ({
  metadata: { namespace: "kube-system", name: "kubevip", uid: "1", resourceVersion: "6" },
  data,
});

/** An instance with the ConfigMap kube-system/kubevip. @param data undefined: it is not there */
async function world(data: Record<string, string> | undefined) {
  const client = new FakeKubeClient();
  let lines: Lines<unknown> | undefined;
  client.follow = ({ signal }) => lines = new Lines<unknown>(signal);
  client.answer = () => ({
    metadata: { resourceVersion: "5" },
    items: data === undefined ? [] : [configMap(data)],
  });
  const clock = new FakeClock();
  const said: (string | undefined)[] = [];
  let changes = 0;
  const logger = keepingLogger();
  const source = new PoolSource({
    config: () => ({ namespaces: [], pools: [], poolConfigMap: "kube-system/kubevip" }),
    namespaces: { ask: () => undefined, subscribe: () => () => {} },
    claimed: () => [],
    elsewhere: () => undefined,
    intendedElsewhere: () => new Map(),
    grants: () => ({ mayGrant: () => false, refuses: () => false }),
    open: () => client,
    clock,
    random: () => 0.5,
    observer: {},
    changed: () => changes++,
    missing: (reason) => said.push(reason),
    logger,
  });
  const stop = new AbortController();
  const run = source.run(stop.signal);
  await settled();
  const push = async (type: string, data: Record<string, string>) => {
    lines!.push({ type, object: configMap(data) });
    await settled();
  };
  const listAgain = async () => {
    lines!.push({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
    await settled();
    await clock.advance(60_000);
  };
  const end = async () => {
    stop.abort();
    await run;
    source[Symbol.dispose]();
  };
  return {
    source,
    said,
    logger,
    push,
    listAgain,
    requests: client.requests,
    end,
    changes: () => changes,
  };
}

const has = (source: PoolSource, vip: string) => source.contains(parseIp(vip)!);

Deno.test("PoolSource keeps the pools of a ConfigMap that is deleted, and says it once", async () => {
  const { source, said, push, end } = await world({ "cidr-global": "10.0.0.0/30" });
  assert.ok(has(source, "10.0.0.1"));
  await push("DELETED", { "cidr-global": "10.0.0.0/30" });
  assert.deepEqual([source.pools?.map(({ name }) => name), source.lack], [
    ["cidr-global"],
    undefined,
  ]);
  assert.ok(has(source, "10.0.0.1"));
  assert.deepEqual(said, [
    undefined,
    "The ConfigMap kube-system/kubevip with the pools is not there: its pools count as they were " +
    "last read, until the instance starts anew",
  ]);
  await push("ADDED", { "cidr-global": "10.0.1.0/30" });
  assert.deepEqual([said.length, said[2]], [3, undefined]);
  assert.deepEqual([has(source, "10.0.0.1"), has(source, "10.0.1.1")], [false, true]);
  await end();
});

Deno.test("PoolSource has pools that are not known where the ConfigMap was never there", async () => {
  const { source, said, push, listAgain, requests, end, changes } = await world(undefined);
  assert.deepEqual([source.expected, source.pools], [true, undefined]);
  assert.equal(
    source.lack,
    "the ConfigMap kube-system/kubevip with the pools of this instance is not there",
  );
  assert.match(said.join(), /no Service gets a new address until it is$/);
  assert.equal(changes(), 1, "who waits is told");
  await listAgain();
  assert.deepEqual([requests.length, said.length], [2, 1], "said once");
  await push("ADDED", { "cidr-global": "10.0.0.0/30" });
  assert.deepEqual([source.pools?.length, source.lack, said[1]], [1, undefined, undefined]);
  await end();
});

Deno.test("PoolSource with a ConfigMap without pools is no instance without pools", async () => {
  const { source, said, logger, end } = await world({ "search-order": "asc" });
  assert.deepEqual([source.pools, said], [[], [undefined]]);
  assert.equal(source.lack, "the ConfigMap kube-system/kubevip has no pool for this instance");
  assert.deepEqual(logger.lines.map(({ message }) => message), [
    "the ConfigMap with the pools has none for this instance",
  ]);
  await end();
});
