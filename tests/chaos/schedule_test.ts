import assert from "node:assert/strict";
import fc from "fast-check";
import { GAP_BOUND_MS } from "./bound.ts";
import { KINDS, occupied, schedule } from "./schedule.ts";

const options = fc.record({
  seed: fc.nat(2 ** 32 - 1),
  nodes: fc.integer({ min: 3, max: 5 }),
  durationMs: fc.integer({ min: 15_000, max: 300_000 }),
  embedded: fc.boolean(),
});

Deno.test("schedule() gives the same faults for the same seed, and others for another", () => {
  const some = { nodes: 3, durationMs: 120_000, embedded: true };
  assert.deepEqual(schedule({ ...some, seed: 1 }), schedule({ ...some, seed: 1 }));
  assert.notDeepEqual(schedule({ ...some, seed: 1 }), schedule({ ...some, seed: 2 }));
});

Deno.test("schedule() does no two things at a time that exclude each other", () => {
  fc.assert(fc.property(options, (one) => {
    const freeAtMs = new Map<string, number>();
    let beforeMs = 0;
    for (const { kind, atMs, forMs, nodes } of schedule(one)) {
      assert.ok(atMs >= beforeMs);
      beforeMs = atMs;
      for (const key of occupied(kind, nodes)) {
        assert.ok((freeAtMs.get(key) ?? 0) <= atMs, `${kind} at ${atMs} ms: ${key} is taken`);
        freeAtMs.set(key, atMs + forMs);
      }
    }
  }));
});

Deno.test("schedule() leaves time to recover at the end", () => {
  fc.assert(fc.property(options, (one) => {
    for (const { atMs, forMs } of schedule(one)) {
      assert.ok(atMs + forMs + GAP_BOUND_MS <= one.durationMs, `at ${atMs} ms for ${forMs} ms`);
    }
  }));
});

Deno.test("schedule() asks a real API server for nothing that it can't do", () => {
  fc.assert(fc.property(options, (one) => {
    const asked = schedule({ ...one, embedded: false }).map(({ kind }) => KINDS[kind]);
    assert.ok(!asked.some((kind) => "embeddedOnly" in kind));
  }));
});

Deno.test("schedule() has every fault in it, sooner or later", () => {
  const steps = schedule({ seed: 3, nodes: 4, durationMs: 1_800_000, embedded: true });
  const missing = new Set(Object.keys(KINDS)).difference(new Set(steps.map(({ kind }) => kind)));
  assert.deepEqual([...missing], []);
  assert.ok(steps.every(({ nodes }) => nodes.every((node) => node >= 0 && node < 4)));
});
