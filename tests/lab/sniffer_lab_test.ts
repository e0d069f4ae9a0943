import assert from "node:assert/strict";
import { receiveArp } from "./arp_frames.ts";
import { nowMs } from "./clock.ts";
import { startHelper } from "./helper.ts";
import { Lab } from "./lab.ts";
import { Sniffer } from "./sniffer.ts";

Deno.test("Sniffer hears a node's gratuitous ARP at the client", async () => {
  await using lab = await Lab.create({ nodes: 2 });
  const node = lab.nodes[0]!;
  const vip = lab.address(100);
  await using sniffer = await Sniffer.start(lab.client);
  const sinceMs = nowMs();
  await startHelper(node, "announce_main.ts", [node.interface, vip]);
  const claim = await sniffer.waitForClaim(vip, 30_000, { mac: node.mac, sinceMs });
  assert.ok(claim.atMs <= nowMs());
  const reply = await sniffer.waitFor((frame) => frame.operation === "reply", 30_000);
  const both = [claim, reply].map(({ atMs: _, ...rest }) => rest);
  const common = {
    senderMac: node.mac,
    senderIp: vip,
    targetIp: vip,
    source: node.mac,
    destination: "ff:ff:ff:ff:ff:ff",
    gratuitous: true,
  };
  assert.deepEqual(both, [
    { ...common, operation: "request", targetMac: "00:00:00:00:00:00" },
    { ...common, operation: "reply", targetMac: node.mac },
  ]);
});

Deno.test("Sniffer tells a question from an announcement", async () => {
  await using lab = await Lab.create({ nodes: 1 });
  await using sniffer = await Sniffer.start(lab.client);
  const node = lab.nodes[0]!;
  // Whatever the node sends to an address that it does not know begins with a question.
  const script = `exec 3<>/dev/udp/${lab.address(99)}/9; echo >&3`;
  await node.exec(["bash", "-c", script]);
  const frame = await sniffer.waitFor(({ targetIp }) => targetIp === lab.address(99), 30_000);
  assert.equal(frame.gratuitous, false);
  assert.equal(frame.operation, "request");
  await assert.rejects(sniffer.waitForClaim(lab.address(99), 50), /Nothing that fits/);
});

Deno.test("receiveArp() hears the bridge from this process, until it is told to stop", async () => {
  await using lab = await Lab.create({ nodes: 1 });
  const node = lab.nodes[0]!;
  const stop = new AbortController();
  const frames = receiveArp(lab.bridge, stop.signal);
  const first = frames.next();
  await startHelper(node, "announce_main.ts", [node.interface, lab.address(100)]);
  assert.equal((await first).value?.senderMac, node.mac);
  assert.equal((await frames.next()).value?.operation, "reply");
  const last = frames.next();
  stop.abort();
  assert.equal((await last).done, true);
});
