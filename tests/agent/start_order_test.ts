import assert from "node:assert/strict";
import { StartOrder, type StartStage } from "../../lib/agent/start_order.ts";
import { FakeClock } from "../doubles/fake_clock.ts";

Deno.test("turn() waits for those of higher priority, for a bounded time", async () => {
  const clock = new FakeClock();
  let reached: StartStage = 0;
  const order = new StartOrder(clock, (stage) => reached < stage);
  const never = new AbortController().signal;
  const startedMs = clock.nowMs();
  const first = order.turn(1, never).then(() => clock.nowMs() - startedMs);
  await clock.advance(300);
  reached = 1;
  await clock.advance(10);
  assert.equal(await first, 310);
  const second = order.turn(2, never).then(() => clock.nowMs() - startedMs);
  await clock.advance(5000);
  assert.equal(await second, 1000);
  assert.equal(order.waitMs(2), 0);
});

Deno.test("turn() does not wait once the start is long over", async () => {
  const clock = new FakeClock();
  const order = new StartOrder(clock, () => true);
  await clock.advance(15_000);
  assert.equal(order.waitMs(1), 0);
});
