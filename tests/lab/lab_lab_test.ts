import assert from "node:assert/strict";
import { nowMs } from "./clock.ts";
import { run } from "./command.ts";
import type { LabHost } from "./host.ts";
import { Lab } from "./lab.ts";
import { until } from "../scenarios/stage.ts";
import { neighbour, startServers, Traffic } from "./traffic.ts";

const DEADLINE_MS = 30_000;

/** Whether a TCP connection from the host to an address can be made within the time. */
async function connects(
  host: LabHost,
  ip: string,
  port: number,
  deadlineSeconds = 30,
): Promise<boolean> {
  const script = `exec 3<>/dev/tcp/${ip}/${port}`;
  return await host.exec(["timeout", `${deadlineSeconds}`, "bash", "-c", script])
    .then(() => true, () => false);
}

Deno.test("Lab.create() makes nodes and a client that reach each other and the gateway", async () => {
  await using lab = await Lab.create({ nodes: 2 });
  assert.deepEqual(lab.nodes.map(({ name, ip }) => [name, ip]), [
    ["node-1", "10.77.0.11"],
    ["node-2", "10.77.0.12"],
  ]);
  const [address] = await lab.nodes[0]!.addresses();
  assert.deepEqual(
    address,
    { interface: "eth0", ip: "10.77.0.11", prefixLength: 22, validSeconds: Infinity },
  );
  await startServers(lab.nodes, 80);
  assert.ok(await connects(lab.client, lab.nodes[1]!.ip, 80));
  assert.equal(await neighbour(lab.client, lab.nodes[1]!.ip), lab.nodes[1]!.mac);
  using _api = Deno.listen({ hostname: lab.gatewayIp, port: 6443 });
  assert.ok(await connects(lab.nodes[0]!, lab.gatewayIp, 6443));
});

Deno.test("Lab.create() leaves nothing behind when it fails", async () => {
  // The name of node-2's cable is taken.
  await run(["ip", "link", "add", "p-node-2", "type", "veth", "peer", "name", "other"]);
  await assert.rejects(Lab.create({ nodes: 2 }), /File exists/);
  await run(["ip", "link", "del", "p-node-2"]);
  await using _lab = await Lab.create({ nodes: 1 });
});

Deno.test("Lab.create() refuses a second lab beside one", async () => {
  await using _lab = await Lab.create({ nodes: 1 });
  await assert.rejects(Lab.create({ nodes: 1 }), /namespace is in use/);
});

Deno.test("LabHost.linkDown() takes the carrier away and leaves the interface up", async () => {
  await using lab = await Lab.create({ nodes: 1 });
  const node = lab.nodes[0]!;
  const flags = async () =>
    JSON.parse(await node.exec(["ip", "-j", "link", "show", node.interface]))[0].flags as string[];
  await node.linkDown();
  assert.ok((await flags()).includes("UP"));
  assert.ok((await flags()).includes("NO-CARRIER"));
  await node.linkUp();
  assert.ok((await flags()).includes("LOWER_UP"));
});

Deno.test("LabHost.cutApi() loses packets silently, and the API server's alone", async () => {
  await using lab = await Lab.create({ nodes: 2 });
  const [node, other] = [lab.nodes[0]!, lab.nodes[1]!];
  await startServers([other], 80);
  using _api = Deno.listen({ hostname: lab.gatewayIp, port: 6443 });
  await node.cutApi();
  const sinceMs = nowMs();
  assert.equal(await connects(node, lab.gatewayIp, 6443, 0.5), false);
  assert.ok(nowMs() - sinceMs > 450, "an error came back: not silent");
  assert.ok(await connects(node, other.ip, 80));
  assert.ok(await connects(other, lab.gatewayIp, 6443));
  await node.restoreApi();
  assert.ok(await connects(node, lab.gatewayIp, 6443));
});

Deno.test("LabHost.cutApi() outlasts cables that move", async () => {
  await using lab = await Lab.create({ nodes: 2 });
  const node = lab.nodes[0]!;
  await node.cutApi();
  await lab.partition([...lab.nodes, lab.client]);
  await lab.heal();
  // Fails when the entry is gone by which packets to the host got lost.
  await node.restoreApi();
});

Deno.test("Lab.partition() separates its hosts from all others until heal()", async () => {
  await using lab = await Lab.create({ nodes: 3 });
  const [a, b, c] = [lab.nodes[0]!, lab.nodes[1]!, lab.nodes[2]!];
  await startServers([b, c], 80);
  using _api = Deno.listen({ hostname: lab.gatewayIp, port: 6443 });
  await lab.partition([a, b]);
  assert.ok(await connects(a, b.ip, 80));
  assert.equal(await connects(a, c.ip, 80, 0.5), false);
  assert.equal(await connects(a, lab.gatewayIp, 6443, 0.5), false);
  assert.ok(await connects(c, lab.gatewayIp, 6443));
  await lab.heal();
  // The kernel asks for a neighbour that did not answer once a second, on both sides.
  assert.ok(await connects(a, lab.gatewayIp, 6443));
});

Deno.test("Traffic counts answers by node, and sees a gap", async () => {
  await using lab = await Lab.create({ nodes: 1 });
  const node = lab.nodes[0]!;
  await startServers([node], 80);
  const deadlineMs = 1000;
  await using traffic = await Traffic.start(lab.client, { ip: node.ip, port: 80, deadlineMs });
  await traffic.waitForAnswer(DEADLINE_MS, { node: "node-1" });
  assert.equal(traffic.summary().failures, 0);

  await node.linkDown();
  const downMs = nowMs();
  await until(
    "attempts fail",
    () => Promise.resolve(traffic.summary().failures >= 5 || undefined),
  );
  const upMs = nowMs();
  await node.linkUp();
  await traffic.waitForAnswer(DEADLINE_MS, { sinceMs: nowMs() });
  const { failures, longestGapMs, answers, attempts } = traffic.summary();
  // What was begun just before the cable was back may still have got through.
  assert.ok(longestGapMs >= upMs - downMs - deadlineMs, `gap ${longestGapMs} ms`);
  assert.equal(answers["node-1"], attempts - failures);
});
