import assert from "node:assert/strict";
import { Health, youngEnough } from "../../lib/agent/health.ts";

Deno.test("live() leaves out what only readiness asks for", () => {
  const health = new Health();
  let problem = undefined as string | undefined;
  health.addLive({ name: "loop", problem: () => undefined });
  health.addReady({ instance: "blue", name: "Lease", problem: () => problem });
  assert.deepEqual(health.live(), { healthy: true, checks: [{ name: "loop", ok: true }] });
  assert.ok(health.ready().healthy);
  problem = "no answer";
  assert.ok(health.live().healthy);
  assert.deepEqual(health.ready(), {
    healthy: false,
    checks: [
      { name: "loop", ok: true },
      { instance: "blue", name: "Lease", ok: false, problem: "no answer" },
    ],
  });
});

Deno.test("ready() is never healthier than live()", () => {
  const health = new Health();
  health.addLive({ name: "loop", problem: () => "stands still" });
  assert.ok(!health.ready().healthy);
});

Deno.test("youngEnough() tells not yet, young, and too old apart", () => {
  let [nowMs, lastMs] = [0, undefined as number | undefined];
  const check = youngEnough("renewal", () => nowMs, () => lastMs, () => 5000);
  assert.equal(check(), "no renewal yet");
  lastMs = -Infinity;
  assert.equal(check(), "no renewal yet");
  lastMs = 1000;
  nowMs = 6000;
  assert.equal(check(), undefined);
  nowMs = 6100;
  assert.equal(check(), "last renewal 5.1 s ago, at most 5 s is right");
});
