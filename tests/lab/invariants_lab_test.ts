import assert from "node:assert/strict";
import { AddressWatch } from "./invariants.ts";
import { Lab } from "./lab.ts";

const VIP = "10.77.0.100";

Deno.test("AddressWatch sees an address move, and no double", async () => {
  await using lab = await Lab.create({ nodes: 2 });
  const [a, b] = [lab.nodes[0]!, lab.nodes[1]!];
  await using watch = await AddressWatch.start(lab.nodes);
  await a.exec(["ip", "address", "add", `${VIP}/32`, "dev", "eth0"]);
  const first = await watch.waitForHolder(VIP, 2000, "node-1");
  await a.exec(["ip", "address", "del", `${VIP}/32`, "dev", "eth0"]);
  await b.exec(["ip", "address", "add", `${VIP}/32`, "dev", "eth0"]);
  const second = await watch.waitForHolder(VIP, 2000, "node-2");
  assert.equal(first.open, false);
  assert.ok(first.toMs < second.fromMs);
  watch.assertNoDoubles();
  await b.exec(["ip", "address", "del", `${VIP}/32`, "dev", "eth0"]);
  await watch.waitForNobody(VIP, 2000);
  assert.deepEqual(watch.holdings.of(VIP), [first, second]);
  assert.ok(watch.holdings.longestPauseMs < 500, `${watch.holdings.longestPauseMs} ms`);
});

Deno.test("AddressWatch proves a double address that lasted 30 ms", async () => {
  await using lab = await Lab.create({ nodes: 3 });
  const [a, , c] = lab.nodes;
  await using watch = await AddressWatch.start(lab.nodes);
  await a!.exec(["ip", "address", "add", `${VIP}/32`, "dev", "eth0"]);
  await watch.waitForHolder(VIP, 2000, "node-1");
  await c!.exec([
    "sh",
    "-c",
    `ip addr add ${VIP}/32 dev eth0; sleep 0.03; ip addr flush to ${VIP}`,
  ]);
  await a!.exec(["ip", "address", "del", `${VIP}/32`, "dev", "eth0"]);
  await watch.waitForNobody(VIP, 2000);
  assert.throws(
    () => watch.assertNoDoubles(),
    /10\.77\.0\.100 was on node-1 eth0 and on node-3 eth0 for \d+\.\d ms/,
  );
});
