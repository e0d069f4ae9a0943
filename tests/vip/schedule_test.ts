import assert from "node:assert/strict";
import fc from "fast-check";
import { AnnouncementQueue, BURST_MS } from "../../lib/vip/schedule.ts";

const SCHEDULE = { burstMs: BURST_MS, refreshMs: 60_000 };

Deno.test("take() follows the burst, then the slow refresh", () => {
  const queue = new AnnouncementQueue<string>(SCHEDULE);
  assert.equal(queue.nextAtMs, Infinity);
  queue.start("vip", 1000);
  const times: number[] = [];
  for (let i = 0; i < 7; i++) {
    const atMs = queue.nextAtMs;
    assert.deepEqual(queue.take(atMs - 1, 10), []);
    assert.deepEqual(queue.take(atMs, 10), ["vip"]);
    times.push(atMs - 1000);
  }
  assert.deepEqual(times, [100, 500, 1500, 3500, 7500, 67_500, 127_500]);
});

Deno.test("take() takes no more than asked for, and leaves the rest due", () => {
  const queue = new AnnouncementQueue<number>(SCHEDULE);
  for (let i = 0; i < 5; i++) queue.start(i, i);
  assert.deepEqual(queue.take(200, 2), [0, 1]);
  assert.ok(queue.nextAtMs <= 200);
  assert.deepEqual(queue.take(200, 2), [2, 3]);
  assert.deepEqual(queue.take(200, 2), [4]);
  assert.deepEqual(queue.take(200, 2), []);
});

Deno.test("stop() ends it, and start() begins anew", () => {
  const queue = new AnnouncementQueue<string>(SCHEDULE);
  queue.start("a", 0);
  queue.start("b", 50);
  queue.stop("a");
  assert.equal(queue.nextAtMs, 150);
  queue.start("b", 100);
  assert.equal(queue.nextAtMs, 200, "the earlier plan is void");
  assert.deepEqual(queue.take(1000, 10), ["b"]);
  queue.stop("b");
  queue.stop("never started");
  assert.equal(queue.nextAtMs, Infinity);
});

Deno.test("take() returns every key once at its time, whatever starts and stops", () => {
  const commands = fc.array(
    fc.record({ key: fc.nat(4), start: fc.boolean(), ms: fc.nat(3000) }),
    { maxLength: 40 },
  );
  fc.assert(fc.property(commands, (list) => {
    const queue = new AnnouncementQueue<number>({ burstMs: [100, 200], refreshMs: 1000 });
    const plan = new Map<number, { atMs: number; step: number }>();
    const pauses = [100, 200, 1000];
    let nowMs = 0;
    for (const { key, start, ms } of list) {
      if (start) {
        queue.start(key, nowMs);
        plan.set(key, { atMs: nowMs + 100, step: 0 });
      } else {
        queue.stop(key);
        plan.delete(key);
      }
      nowMs += ms;
      const due = new Set<number>();
      for (const key of queue.take(nowMs, Infinity)) {
        assert.ok(!due.has(key));
        due.add(key);
      }
      for (const [key, { atMs, step }] of plan) {
        assert.equal(due.delete(key), atMs <= nowMs);
        if (atMs > nowMs) continue;
        const next = Math.min(step + 1, 2);
        plan.set(key, { atMs: nowMs + pauses[next]!, step: next });
      }
      assert.equal(due.size, 0);
      assert.equal(queue.nextAtMs, Math.min(...[...plan.values()].map(({ atMs }) => atMs)));
    }
  }));
});
