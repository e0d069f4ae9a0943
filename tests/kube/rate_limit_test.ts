import assert from "node:assert/strict";
import { RateLimit } from "../../lib/kube/rate_limit.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";

Deno.test("tryTake() allows a burst, then the rate, and follows a rate that changes", async () => {
  const clock = new FakeClock();
  let perSecond = 10;
  const limit = new RateLimit(clock, () => perSecond, 2);
  const taken = () => {
    let count = 0;
    while (limit.tryTake() === 0) count++;
    return count;
  };
  assert.equal(taken(), 20);
  assert.equal(limit.tryTake(), 100);
  await clock.advance(1000);
  assert.equal(taken(), 10);
  await clock.advance(60_000);
  assert.equal(taken(), 20);
  perSecond = 0.5;
  assert.equal(limit.tryTake(), 2000);
  await clock.advance(2000);
  assert.equal(taken(), 1);
});

Deno.test("take() waits for its token, and no longer than the signal", async () => {
  const clock = new FakeClock();
  const limit = new RateLimit(clock, () => 1, 1);
  const stop = new AbortController();
  await limit.take(stop.signal);
  const second = limit.take(stop.signal).then(() => clock.nowMs());
  const startedMs = clock.nowMs();
  await clock.advance(1000);
  assert.equal(await second, startedMs + 1000);
  const third = limit.take(stop.signal);
  stop.abort();
  await third;
  await settled();
  assert.equal(clock.waiting, 0);
});
