import assert from "node:assert/strict";
import fc from "fast-check";
import { isOlder } from "../../lib/services/address_owners.ts";
import { beyondLimits } from "../../lib/services/limits.ts";
import { view } from "./views.ts";

function candidate(name: string, namespace: string, createdAt: string) {
  return { ip: { text: name }, service: view(name, { namespace, createdAt }) };
}
const [OLD, MIDDLE, NEW] = ["2026-01-01", "2026-01-02", "2026-01-03"];

Deno.test("beyondLimits() lets everything in without limits", () => {
  const all = [candidate("a", "x", OLD!), candidate("b", "x", NEW!)];
  assert.equal(beyondLimits(all, { maxVips: 0, maxVipsPerNamespace: 0 }, () => false).size, 0);
});

Deno.test("beyondLimits() lets the oldest in, and names the limit", () => {
  const [b, c, a] = [
    candidate("b", "x", MIDDLE!),
    candidate("c", "y", NEW!),
    candidate("a", "x", OLD!),
  ];
  const show = (maxVips: number, maxVipsPerNamespace: number, announced: string[] = []) =>
    [...beyondLimits(
      [b, c, a],
      { maxVips, maxVipsPerNamespace },
      ({ ip }) => announced.includes(ip.text),
    )]
      .map(([{ ip }, limit]) => `${ip.text} ${limit}`);
  assert.deepEqual(show(2, 0), ["c maxVips"]);
  assert.deepEqual(show(0, 1), ["b maxVipsPerNamespace"]);
  assert.deepEqual(show(1, 1), ["b maxVips", "c maxVips"]);
  // What is announced stays, though it is newer, and though the limit is below it by now.
  assert.deepEqual(show(2, 0, ["c"]), ["b maxVips"]);
  assert.deepEqual(show(1, 0, ["b", "c"]), ["a maxVips"]);
});

Deno.test("beyondLimits() keeps to the limits, drops nothing announced, wastes no room", () => {
  const candidates = fc.array(
    fc.record({
      namespace: fc.constantFrom("x", "y", "z"),
      day: fc.integer({ min: 1, max: 9 }),
      announced: fc.boolean(),
    }),
    { maxLength: 30 },
  );
  fc.assert(fc.property(candidates, fc.nat(12), fc.nat(6), (sketches, most, mostOfOne) => {
    const all = sketches.map(({ namespace, day, announced }, i) => ({
      ...candidate(`s${i}`, namespace, `2026-01-0${day}`),
      announced,
    }));
    const limits = { maxVips: most, maxVipsPerNamespace: mostOfOne };
    const waiting = beyondLimits(all, limits, ({ announced }) => announced);
    const served = all.filter((one) => !waiting.has(one));
    const sizes = Object.values(Object.groupBy(served, ({ service }) => service.namespace))
      .map((group) => group!.length);
    const room = most === 0 ? Infinity : most - served.length;
    const isFull = (namespace: string) =>
      mostOfOne > 0 &&
      served.filter(({ service }) => service.namespace === namespace).length >= mostOfOne;
    if (served.some(({ announced }) => !announced)) {
      assert.ok(room >= 0);
    }
    for (const one of all) if (one.announced) assert.ok(!waiting.has(one));
    if (all.every(({ announced }) => !announced)) {
      assert.ok(sizes.every((size) => mostOfOne === 0 || size <= mostOfOne));
    }
    for (const [{ service }, limit] of waiting) {
      assert.ok(limit === "maxVips" ? room <= 0 : isFull(service.namespace));
      // Nobody of its namespace that is younger got in before it.
      for (const other of served) {
        if (other.announced || other.service.namespace !== service.namespace) continue;
        assert.ok(isOlder(other.service, service));
      }
    }
  }));
});
