import assert from "node:assert/strict";
import fc from "fast-check";
import { defaultLeaseName } from "../../lib/config/lease_name.ts";
import { parseClass, parseObjectName } from "../../lib/config/values.ts";

Deno.test("defaultLeaseName() is the class where that cannot be mistaken", () => {
  const cases: [string | undefined, string][] = [
    [undefined, "classvip"],
    ["internal-vip", "classvip-internal-vip"],
    ["example.com/internal-vip", "classvip-example.com.internal-vip"],
  ];
  for (const [name, wanted] of cases) assert.equal(defaultLeaseName(name, []), wanted);
});

Deno.test("defaultLeaseName() stays the same from release to release", () => {
  assert.equal(defaultLeaseName("Internal_VIP", []), "classvip-internal-vip-efad9376");
  assert.equal(defaultLeaseName("internal-vip", ["a", "b"]), "classvip-internal-vip-d292cbb3");
});

Deno.test("defaultLeaseName() tells classes apart that look alike", () => {
  const classes = ["a.b", "a/b", "A.b", "a_b", "a-b", "a.b/c", "a/b.c", "a.b.c", "a/B.c"];
  const twin = defaultLeaseName("Foo", []).slice("classvip-".length);
  const alike = [...classes, "Foo", "foo", twin, "x".repeat(63), `p/${"x".repeat(63)}`];
  const names = alike.map((name) => defaultLeaseName(name, []));
  assert.equal(new Set(names).size, alike.length, names.join("\n"));
});

/** Few letters, so that look-alikes are common. */
const className = fc.stringMatching(/^([ab]([.-]?[ab])?\/)?[abAB]([-_.abAB]{0,3}[abAB])?$/);
const namespaces = fc.uniqueArray(fc.constantFrom("a", "b", "c"), { maxLength: 2 })
  .map((names) => names.sort());
const instance = fc.tuple(fc.option(className, { nil: undefined }), namespaces);

Deno.test("defaultLeaseName() gives different instances different names", () => {
  fc.assert(
    fc.property(fc.array(instance, { maxLength: 50 }), (instances) => {
      const keys = new Set(instances.map((i) => JSON.stringify([i[0] ?? null, i[1]])));
      const names = new Set(instances.map((i) => defaultLeaseName(...i)));
      assert.equal(names.size, keys.size);
    }),
    // A hash of 32 bits may collide: always the same examples.
    { seed: 1 },
  );
});

Deno.test("defaultLeaseName() is a name that Kubernetes accepts, at most 63 long", () => {
  const part = fc.stringMatching(/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/);
  const prefix = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,80}[a-z0-9])?(\.[a-z0-9]{1,9}){0,3}$/);
  const anyClass = fc.oneof(part, fc.tuple(prefix, part).map((parts) => parts.join("/")));
  fc.assert(fc.property(anyClass, namespaces, (name, served) => {
    assert.ok(parseClass(name).ok);
    const lease = defaultLeaseName(name, served);
    assert.ok(parseObjectName(lease).ok && lease.length <= 63, lease);
  }));
});
