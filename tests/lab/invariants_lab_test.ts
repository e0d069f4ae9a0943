import assert from "node:assert/strict";
import { AddressWatch } from "./invariants.ts";
import { Lab } from "./lab.ts";

const VIP = "10.77.0.100";
const DEADLINE_MS = 15_000;

Deno.test("AddressWatch sees an address move, and no double", async () => {
  await using lab = await Lab.create({ nodes: 2 });
  const [a, b] = [lab.nodes[0]!, lab.nodes[1]!];
  await using watch = await AddressWatch.start(lab.nodes);
  await a.exec(["ip", "address", "add", `${VIP}/32`, "dev", "eth0"]);
  const first = await watch.waitForHolder(VIP, DEADLINE_MS, "node-1");
  await a.exec(["ip", "address", "del", `${VIP}/32`, "dev", "eth0"]);
  await b.exec(["ip", "address", "add", `${VIP}/32`, "dev", "eth0"]);
  const second = await watch.waitForHolder(VIP, DEADLINE_MS, "node-2");
  // Each node has its own watcher: the second one's report may come before the first one's.
  await watch.caughtUp(DEADLINE_MS);
  assert.equal(first.open, false);
  assert.ok(first.toMs < second.fromMs);
  watch.assertNoDoubles();
  await b.exec(["ip", "address", "del", `${VIP}/32`, "dev", "eth0"]);
  await watch.waitForNobody(VIP, DEADLINE_MS);
  assert.deepEqual(watch.holdings.of(VIP), [first, second]);
});

Deno.test("AddressWatch sees an address that came and went between two looks", async () => {
  await using lab = await Lab.create({ nodes: 1 });
  const [node] = lab.nodes;
  await using watch = await AddressWatch.start(lab.nodes);
  // Several at once: the looks are 5 ms apart, and see some of them.
  const vips = Array.from({ length: 20 }, (_, i) => `10.77.0.${100 + i}`);
  await node!.exec(
    ["ip", "-batch", "-"],
    vips.map((vip) => `address add ${vip}/32 dev eth0\naddress del ${vip}/32 dev eth0`).join("\n"),
  );
  await watch.caughtUp(DEADLINE_MS);
  for (const vip of vips) {
    assert.deepEqual(watch.holdings.of(vip).map(({ host, open }) => [host, open]), [
      [node!.name, false],
    ]);
  }
});

Deno.test("AddressWatch proves a double address", async () => {
  await using lab = await Lab.create({ nodes: 3 });
  const [a, , c] = lab.nodes;
  await using watch = await AddressWatch.start(lab.nodes);
  await a!.exec(["ip", "address", "add", `${VIP}/32`, "dev", "eth0"]);
  await watch.waitForHolder(VIP, DEADLINE_MS, "node-1");
  await c!.exec(["ip", "address", "add", `${VIP}/32`, "dev", "eth0"]);
  await watch.waitForHolder(VIP, DEADLINE_MS, "node-3");
  await watch.caughtUp(DEADLINE_MS);
  await c!.exec(["ip", "address", "del", `${VIP}/32`, "dev", "eth0"]);
  await a!.exec(["ip", "address", "del", `${VIP}/32`, "dev", "eth0"]);
  await watch.waitForNobody(VIP, DEADLINE_MS);
  assert.throws(
    () => watch.assertNoDoubles(),
    /10\.77\.0\.100 was on node-1 eth0 and on node-3 eth0 for \d+\.\d ms/,
  );
});
