import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressOwners } from "../../lib/services/address_owners.ts";
import { ServiceIndex } from "../../lib/services/service_index.ts";
import { type Sketch, view } from "./views.ts";

const A = "192.0.2.1";
const BLUE = { loadBalancerClass: "blue", alsoClassless: false, namespaces: [] };
const RED = { loadBalancerClass: "red", alsoClassless: true, namespaces: ["shop"] };

function setUp() {
  const index = new ServiceIndex();
  const woken = { blue: 0, red: 0 };
  const blue = index.open(BLUE, () => woken.blue++);
  const red = index.open(RED, () => woken.red++);
  const put = (name: string, sketch: Sketch) => {
    const service = view(name, sketch);
    index.put(service.key, service);
    return service;
  };
  return { index, woken, blue, red, put };
}

Deno.test("contested() tells the addresses that several Services name, for as long as they do", () => {
  const { index, put } = setUp();
  const contested = () => [...index.owners.contested()];
  put("a", { wish: A });
  assert.deepEqual(contested(), []);
  put("b", { wish: A, class: "red" });
  put("c", { wish: A, class: "red" });
  assert.deepEqual(contested(), [A]);
  put("b", { wish: "192.0.2.2", class: "red" });
  assert.deepEqual(contested(), [A], "two are left");
  index.put("shop/a", undefined);
  assert.deepEqual(contested(), []);
  put("a", { wish: A });
  assert.deepEqual(contested(), [A]);
});

Deno.test("put() wakes and tells exactly the instances that a Service concerns", () => {
  const { index, woken, blue, red, put } = setUp();
  put("a", { class: "blue" });
  put("b", { class: "red" });
  put("c", { class: undefined });
  put("d", { class: "red", namespace: "bank" });
  put("e", { class: "green" });
  assert.deepEqual([...blue.services.keys()], ["shop/a"]);
  assert.deepEqual([...red.services.keys()], ["shop/b", "shop/c"]);
  assert.deepEqual(woken, { blue: 1, red: 2 });
  put("a", { class: "red" });
  assert.deepEqual([blue.services.size, red.services.size], [0, 3]);
  assert.deepEqual(woken, { blue: 2, red: 3 });
  index.put("shop/a", undefined);
  assert.deepEqual(woken, { blue: 2, red: 4 });
});

Deno.test("put() wakes the other class when an address gets another owner, and only then", () => {
  const { index, woken, put } = setUp();
  put("a", { class: "blue", wish: A, createdAt: "2026-01-02T00:00:00Z" });
  assert.deepEqual(woken, { blue: 1, red: 0 });
  put("young", { class: "red", wish: A, createdAt: "2026-01-03T00:00:00Z" });
  assert.deepEqual(woken, { blue: 1, red: 1 });
  put("old", { class: "red", wish: A, createdAt: "2026-01-01T00:00:00Z" });
  assert.deepEqual(woken, { blue: 2, red: 2 });
  put("old", { class: "red", wish: A, createdAt: "2026-01-01T00:00:00Z", annotations: { x: "y" } });
  assert.deepEqual(woken, { blue: 2, red: 3 });
  index.put("shop/old", undefined);
  assert.deepEqual(woken, { blue: 3, red: 4 });
});

Deno.test("open() shows what is known already, and ends with its disposal", () => {
  const { index, put } = setUp();
  put("a", { class: "blue" });
  let woken = 0;
  {
    using late = index.open(BLUE, () => woken++);
    assert.deepEqual([...late.services.keys()], ["shop/a"]);
    put("b", { class: "blue" });
  }
  put("c", { class: "blue" });
  assert.equal(woken, 1);
});

Deno.test("AddressOwners says after any changes what it says of the Services that are left", () => {
  const change = fc.record({
    name: fc.constantFrom("a", "b", "c", "d", "e"),
    gone: fc.boolean(),
    wish: fc.constantFrom("192.0.2.1", "192.0.2.2", "192.0.2.1,192.0.2.2", "broken"),
    shows: fc.constantFrom<string[][]>([], ["192.0.2.1"], ["192.0.2.2"]),
    day: fc.integer({ min: 1, max: 3 }),
    class: fc.constantFrom("blue", "red"),
    deleting: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
    const index = new ServiceIndex();
    const left = new Map<string, ReturnType<typeof view>>();
    for (const { name, gone, day, ...sketch } of changes) {
      const service = gone
        ? undefined
        : view(name, { ...sketch, createdAt: `2026-01-0${day}T00:00:00Z` });
      index.put(`shop/${name}`, service);
      if (service === undefined) left.delete(name);
      else left.set(name, service);
    }
    const fresh = new AddressOwners(left.values());
    for (const vip of ["192.0.2.1", "192.0.2.2"]) {
      assert.equal(index.owners.owner(vip), fresh.owner(vip));
      assert.deepEqual(new Set(index.owners.naming(vip)), new Set(fresh.naming(vip)));
    }
  }));
});
