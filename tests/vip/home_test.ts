import assert from "node:assert/strict";
import { parseIp } from "../../lib/net/ip.ts";
import { BURST_MS } from "../../lib/vip/schedule.ts";
import { type VipClaim, type VipObserver, Vips } from "../../lib/vip/vips.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { ethernet, FakeNetwork } from "../doubles/fake_network.ts";
import { recorder } from "../doubles/recorder.ts";

const MARK = 7;
const ETH0 = 1;
const TUN = 9;
const claim: VipClaim<string> = {
  ip: parseIp("192.0.2.1")!,
  linkIndex: ETH0,
  interface: "eth0",
  owner: "shop/web",
};

function world() {
  const clock = new FakeClock();
  const network = new FakeNetwork(clock, [
    ethernet(ETH0, "eth0"),
    ethernet(TUN, "classvip0", { mac: new Uint8Array() }),
  ]);
  const home: { index: number | undefined } = { index: TUN };
  const vips = new Vips<string>({
    network,
    clock,
    mark: MARK,
    schedule: { burstMs: BURST_MS, refreshMs: 60_000 },
    observer: recorder<VipObserver<string>>([]),
    homeOf: () => home.index,
  });
  vips.granted(clock.nowMs() + 5000);
  const on = () => network.addresses().map(({ ip, linkIndex }) => [ip.text, linkIndex]);
  return { clock, network, vips, home, on };
}

Deno.test("claim() puts addresses on their home, and announces them on the interface", () => {
  const { vips, network, on, clock } = world();
  vips.claim([claim]);
  assert.deepEqual(on(), [["192.0.2.1", TUN]]);
  assert.deepEqual(network.frames.map(({ linkIndex }) => linkIndex), [ETH0, ETH0]);
  vips.granted(clock.nowMs() + 9000);
  assert.deepEqual(on(), [["192.0.2.1", TUN]]);
  vips.claim([claim]);
  assert.equal(network.frames.length, 2, "nothing changed");
  assert.ok(vips.withdraw("stopping"));
  assert.deepEqual(on(), []);
});

Deno.test("claim() moves addresses to the interface when their home can't have them any more", () => {
  for (const lost of ["told", "gone"] as const) {
    const { vips, network, home, on } = world();
    vips.claim([claim]);
    if (lost === "told") home.index = undefined;
    else network.linkList = [ethernet(ETH0, "eth0")];
    vips.claim([claim]);
    assert.deepEqual(on(), [["192.0.2.1", ETH0]], lost);
  }
});
