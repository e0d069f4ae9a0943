import assert from "node:assert/strict";
import { Health } from "../../lib/agent/health.ts";
import { ServiceManager } from "../../lib/agent/service_manager.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

function start({ watchdogMs, reaches = () => true }: {
  watchdogMs?: number;
  reaches?: () => boolean;
} = {}) {
  const clock = new FakeClock();
  const health = new Health();
  const sent: string[] = [];
  const problems: { live?: string; gate?: string } = {};
  health.addLive({ name: "round", problem: () => problems.live });
  health.addReady({ instance: "a", name: "gate", problem: () => problems.gate });
  const manager = new ServiceManager({
    send: (state) => reaches() && sent.push(state) > 0,
    watchdogMs,
    monotonicTimeUs: () => 42n,
    health,
    clock,
    logger: keepingLogger([]),
  });
  const stop = new AbortController();
  return {
    clock,
    manager,
    problems,
    /** What came since the last look, but for signs of life. */
    news: () => sent.splice(0).filter((state) => state !== "WATCHDOG=1"),
    sent,
    run: () => manager.run(stop.signal),
    stop: () => stop.abort(),
  };
}

Deno.test("ServiceManager.run() is ready once every instance stands", async () => {
  const { clock, problems, news, run, stop } = start();
  problems.gate = "not looked yet";
  const running = run();
  assert.deepEqual(news(), ["STATUS=waiting: a gate: not looked yet"]);
  await clock.advance(2000);
  assert.deepEqual(news(), []);
  delete problems.gate;
  await clock.advance(500);
  assert.deepEqual(news(), ["STATUS=every instance stands for its Lease", "READY=1"]);
  await clock.advance(5000);
  assert.deepEqual(news(), []);
  stop();
  await running;
});

Deno.test("ServiceManager.run() holds a boot up for a bounded time, and says why", async () => {
  const { clock, problems, news, run, stop } = start();
  problems.gate = "no API server";
  const running = run();
  await clock.advance(29_500);
  assert.deepEqual(news(), ["STATUS=waiting: a gate: no API server"]);
  await clock.advance(500);
  assert.deepEqual(news(), ["READY=1"]);
  stop();
  await running;
});

Deno.test("ServiceManager.run() feeds the watchdog only while all parts live", async () => {
  const { clock, problems, sent, run, stop } = start({ watchdogMs: 1000 });
  const running = run();
  sent.length = 0;
  await clock.advance(1000);
  assert.equal(sent.filter((state) => state === "WATCHDOG=1").length, 4);
  problems.live = "last round 9 s ago";
  sent.length = 0;
  await clock.advance(1000);
  assert.deepEqual(sent, ["STATUS=waiting: round: last round 9 s ago"]);
  stop();
  await running;
});

Deno.test("ServiceManager.reloading() and reloaded() frame a reload", async () => {
  const { clock, manager, news, run, stop } = start();
  manager.reloading();
  assert.deepEqual(news(), [], "before it is ready there is nothing to reload");
  const running = run();
  news();
  manager.reloading();
  manager.reloaded(true);
  assert.deepEqual(news(), ["RELOADING=1\nMONOTONIC_USEC=42", "READY=1"]);
  manager.reloaded(false);
  await clock.advance(500);
  assert.match(news().join(), /READY=1,STATUS=every .*; the new settings are refused/);
  manager.stopping();
  await clock.advance(5000);
  assert.deepEqual(news(), ["STOPPING=1\nSTATUS=withdraws, verifies, releases"]);
  stop();
  await running;
});

Deno.test("ServiceManager sends again what did not go out", async () => {
  let reaches = false;
  const { clock, news, run, stop } = start({ reaches: () => reaches });
  const running = run();
  assert.deepEqual(news(), []);
  reaches = true;
  await clock.advance(500);
  assert.deepEqual(news(), ["STATUS=every instance stands for its Lease", "READY=1"]);
  stop();
  await running;
});
