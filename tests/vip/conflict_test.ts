import assert from "node:assert/strict";
import { arpProbeFrame, arpRequestFrame, gratuitousArpFrames } from "../../lib/net/arp.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { parseMac } from "../../lib/net/mac.ts";
import { readProbe } from "../../lib/vip/conflict.ts";

const VIP = parseIp("192.0.2.7")!;
const MAC = "02:00:00:00:00:09";
const mac = parseMac(MAC)!;
const asked = (vip: string) => vip === VIP.text;

Deno.test("readProbe() tells a probe of another machine from all else", () => {
  const probe = arpProbeFrame(mac, VIP);
  assert.deepEqual(readProbe(probe, asked, new Set()), { vip: VIP.text, mac: MAC });
  assert.equal(readProbe(probe, asked, new Set([MAC])), undefined, "its own");
  assert.equal(readProbe(probe, () => false, new Set()), undefined, "of another address");
  for (let length = 0; length < probe.length; length++) {
    assert.equal(readProbe(probe.subarray(0, length), asked, new Set()), undefined);
  }
  const { request, reply } = gratuitousArpFrames(mac, VIP);
  const question = arpRequestFrame({
    senderMac: mac,
    senderIp: parseIp("192.0.2.1")!,
    targetIp: VIP,
  });
  for (const frame of [request, reply, question]) {
    assert.equal(readProbe(frame, asked, new Set()), undefined);
  }
});
