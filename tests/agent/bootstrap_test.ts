import assert from "node:assert/strict";
import { Bootstrap } from "../../lib/agent/bootstrap.ts";
import { FixedClaim } from "../../lib/agent/fixed_claim.ts";
import { KubeError } from "../../lib/kube/errors.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { createMetrics } from "../../lib/observe/metrics.ts";
import { Vips } from "../../lib/vip/vips.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { FakeNetwork } from "../doubles/fake_network.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

const VIP = "192.0.2.10";
const MARK = 7;
const LEASE_MS = 5000;
/** The longest that probing takes (RFC 5227). */
const PROBED_MS = 7000;
const AWAY = new KubeError("away", { status: 0, reason: "Unreachable" });
const FORBIDDEN = new KubeError("forbidden", { status: 403, reason: "Forbidden" });

function start() {
  const clock = new FakeClock();
  const network = new FakeNetwork(clock);
  network.add(1, "192.0.2.1/24");
  const ip = parseIp(VIP)!;
  const logger = keepingLogger();
  const nothing = () => {};
  const vips = new Vips<never>({
    network,
    clock,
    mark: MARK,
    schedule: { burstMs: [0], refreshMs: Infinity },
    observer: {
      claimed: nothing,
      dropped: nothing,
      vipFailed: nothing,
      sent: nothing,
      fenced: nothing,
    },
  });
  const claim = new FixedClaim({
    ip,
    network,
    interface: "auto",
    mark: MARK,
    vips: vips as never,
    metrics: createMetrics({ version: "" }).instance("x", "x"),
    logger,
  });
  let answer: Lease | undefined | KubeError = AWAY;
  let heard = (_mac: string) => {};
  const bootstrap = new Bootstrap({
    ip,
    claim,
    vips: vips as never,
    api: {
      get: () => answer instanceof KubeError ? Promise.reject(answer) : Promise.resolve(answer),
    },
    node: "node-a",
    leaseDurationMs: LEASE_MS,
    fenceMarginMs: 450,
    requestTimeoutMs: 1000,
    network,
    claims: {
      subscribe: ({ holds, claimed }) => {
        heard = (mac) => holds(VIP) && claimed({ vip: VIP, mac });
        return nothing;
      },
    },
    clock,
    random: () => 0.999,
    logger,
  });
  const stop = new AbortController();
  const run = bootstrap.run(stop.signal);
  return {
    clock,
    network,
    bootstrap,
    vips: () => network.vips(MARK),
    answers: (next: Lease | undefined | KubeError) => answer = next,
    hear: (mac: string) => heard(mac),
    stop: async () => {
      stop.abort();
      await run;
    },
  };
}

function held(by?: string): Lease {
  return { spec: { ...by && { holderIdentity: by }, leaseTransitions: 1 } };
}

Deno.test("Bootstrap probes three times before it puts the VIP up", async () => {
  const { clock, network, vips, stop } = start();
  await clock.advance(5100);
  assert.deepEqual(network.probed, [VIP, VIP, VIP]);
  assert.deepEqual(vips(), []);
  await clock.advance(PROBED_MS - 5100);
  assert.deepEqual(vips(), [VIP]);
  await clock.advance(60_000);
  assert.deepEqual(vips(), [VIP], "as long as there is no API server");
  await stop();
  assert.deepEqual(vips(), []);
});

Deno.test("Bootstrap counts a refusal as no answer: rights come later", async () => {
  const { clock, vips, answers, stop } = start();
  answers(FORBIDDEN);
  await clock.advance(PROBED_MS);
  assert.deepEqual(vips(), [VIP]);
  await stop();
});

Deno.test("Bootstrap does nothing once the API server answers", async () => {
  for (const lease of [undefined, held(), held("node-a"), held("node-b")]) {
    const { clock, network, vips, answers, stop } = start();
    answers(lease);
    await clock.advance(30_000);
    answers(AWAY);
    await clock.advance(30_000);
    assert.deepEqual(vips(), []);
    assert.ok(network.frames.length <= 3);
    await stop();
  }
});

Deno.test("Bootstrap leaves an address alone that somebody has, and looks again later", async () => {
  const { clock, vips, hear, stop } = start();
  await clock.advance(1500);
  hear("02:00:00:00:00:09");
  await clock.advance(9000);
  assert.deepEqual(vips(), []);
  await clock.advance(3000 + PROBED_MS);
  assert.deepEqual(vips(), [VIP]);
  await stop();
});

Deno.test("Bootstrap withdraws at the first packet of somebody who has the address", async () => {
  const { clock, vips, hear, stop } = start();
  await clock.advance(PROBED_MS);
  hear("02:00:00:00:00:09");
  assert.deepEqual(vips(), []);
  await clock.advance(4000);
  hear("02:00:00:00:00:09");
  await clock.advance(6000);
  assert.deepEqual(vips(), []);
  await stop();
});

Deno.test("Bootstrap probes nothing without a carrier: silence proves nothing then", async () => {
  const { clock, network, vips, stop } = start();
  network.linkList = network.linkList.map((link) => ({ ...link, carrier: false }));
  await clock.advance(60_000);
  assert.deepEqual(vips(), []);
  await stop();
});

Deno.test("Bootstrap withdraws when the Lease names another node", async () => {
  const { clock, vips, answers, stop } = start();
  await clock.advance(PROBED_MS);
  answers(held("node-b"));
  await clock.advance(250);
  assert.deepEqual(vips(), []);
  answers(AWAY);
  await clock.advance(60_000);
  assert.deepEqual(vips(), [], "for good");
  await stop();
});

Deno.test("Bootstrap leaves the address to the election, and withdraws when it takes a minute", async () => {
  const joined = start();
  await joined.clock.advance(PROBED_MS);
  joined.answers(held());
  await joined.clock.advance(6000);
  joined.bootstrap.joined();
  await joined.stop();
  assert.deepEqual(joined.vips(), [VIP], "that is the election's now");
  const late = start();
  await late.clock.advance(PROBED_MS);
  late.answers(undefined);
  await late.clock.advance(59_000);
  assert.deepEqual(late.vips(), [VIP]);
  await late.clock.advance(2000);
  assert.deepEqual(late.vips(), []);
  await late.stop();
});

Deno.test("Bootstrap gives up after a quarter of an hour", async () => {
  const { clock, vips, stop } = start();
  await clock.advance(15 * 60_000 - 1000);
  assert.deepEqual(vips(), [VIP]);
  await clock.advance(2000);
  assert.deepEqual(vips(), []);
  await stop();
});
