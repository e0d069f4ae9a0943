import assert from "node:assert/strict";
import { FormerOwners, versionNumber } from "../../lib/services/former_owners.ts";
import { ServiceIndex } from "../../lib/services/service_index.ts";
import { type Sketch, view } from "./views.ts";

const A = "192.0.2.1";
const BLUE = { loadBalancerClass: "blue", alsoClassless: false, namespaces: [] };
const RED = { loadBalancerClass: "red", alsoClassless: false, namespaces: [] };

function setUp() {
  const index = new ServiceIndex();
  const woken = { blue: 0, red: 0 };
  const blue = index.open(BLUE, () => woken.blue++);
  const red = index.open(RED, () => woken.red++);
  let version = 0;
  const put = (name: string, sketch: Sketch | undefined, gap = false) => {
    const resourceVersion = String(++version);
    const service = sketch && { ...view(name, sketch), resourceVersion };
    index.put(`shop/${name}`, service, resourceVersion, gap);
  };
  const formers = () =>
    [...index.formers.of(A)].map(({ side, version }) => [side?.loadBalancerClass, version]);
  return { index, woken, blue, red, put, formers };
}

Deno.test("put() keeps whose address it was until it changed sides, and tells who lost it", () => {
  const { put, formers, blue, red, woken } = setUp();
  put("a", { class: "blue", wish: A });
  assert.deepEqual(formers(), []);
  put("a", { class: "blue", wish: A, shows: [A] });
  assert.deepEqual(formers(), [], "the same side");
  put("a", undefined);
  assert.deepEqual([formers(), blue.lostAt], [[["blue", 3]], 0], "nobody waits for it");
  woken.blue = 0;
  put("b", { class: "red", wish: A });
  assert.deepEqual([formers(), blue.lostAt, woken.blue], [[["blue", 3]], 3, 1]);
  put("b", { class: "blue", wish: A });
  assert.deepEqual(formers(), [["blue", 3], ["red", 5]]);
  assert.deepEqual([blue.lostAt, red.lostAt, blue.version], [3, 5, 5]);
});

Deno.test("put() takes what it missed for anybody's, up to the newest version", () => {
  const { put, formers } = setUp();
  put("a", { class: "blue", wish: A });
  put("a", { class: "blue", wish: A }, true);
  assert.deepEqual(formers(), [[undefined, 2]]);
  put("b", { class: "red", wish: A }, true);
  assert.deepEqual(formers(), [[undefined, 3]]);
});

Deno.test("forget() says which addresses it is about", () => {
  const formers = new FormerOwners();
  const side = { namespace: "shop", loadBalancerClass: "blue" };
  formers.add({ vip: A, side, version: 3 });
  formers.add({ vip: A, side, version: 2 });
  formers.add({ vip: "192.0.2.2", side, version: 5 });
  assert.deepEqual([...formers.forget(({ version }) => version <= 3)], [A]);
  assert.deepEqual([formers.size, ...formers.of(A)], [1]);
});

Deno.test("versionNumber() takes for old what is no number", () => {
  assert.deepEqual(["12", "", undefined, "x1", "-1", "9".repeat(16)].map(versionNumber), [
    12,
    0,
    0,
    0,
    0,
    0,
  ]);
});
