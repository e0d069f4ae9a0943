import assert from "node:assert/strict";
import fc from "fast-check";
import { GAP_BOUND_MS } from "./bound.ts";
import { KINDS, occupied, schedule } from "./schedule.ts";

const options = fc.record({
  seed: fc.nat(2 ** 32 - 1),
  nodes: fc.integer({ min: 3, max: 5 }),
  durationMs: fc.integer({ min: 15_000, max: 300_000 }),
  embedded: fc.boolean(),
  clock: fc.boolean(),
  fast: fc.boolean(),
});

Deno.test("schedule() gives the same faults for the same seed, and others for another", () => {
  const some = { nodes: 3, durationMs: 120_000, embedded: true, clock: true, fast: false };
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

Deno.test("schedule() begins with handovers while nothing else happens, crashes too in fast mode", () => {
  fc.assert(fc.property(options, (one) => {
    const steps = schedule(one);
    const calm = steps.filter(({ calm }) => calm);
    const crashes = calm.filter(({ kind }) => kind === "SIGKILL");
    assert.equal(calm.length > 0, one.durationMs >= 35_000);
    assert.equal(crashes.length > 0, one.durationMs >= 35_000 && one.fast);
    for (const { atMs } of calm) {
      assert.ok(steps.every((other) => Math.abs(other.atMs - atMs) > 2500 || other.atMs === atMs));
    }
  }));
});

Deno.test("schedule() sets no wall clock where that can't be done", () => {
  fc.assert(fc.property(options, (one) => {
    assert.ok(schedule({ ...one, clock: false }).every(({ kind }) => kind !== "wall clock wrong"));
  }));
});

Deno.test("schedule() has every fault in it, sooner or later", () => {
  const steps = schedule({
    seed: 3,
    nodes: 4,
    durationMs: 1_800_000,
    embedded: true,
    clock: true,
    fast: true,
  });
  const missing = new Set(Object.keys(KINDS)).difference(new Set(steps.map(({ kind }) => kind)));
  assert.deepEqual([...missing], []);
  assert.ok(steps.every(({ nodes }) => nodes.every((node) => node >= 0 && node < 4)));
});
