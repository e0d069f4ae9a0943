import assert from "node:assert/strict";
import fc from "fast-check";
import { findMixUps, type MixUp } from "../../lib/classes/mix_ups.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { describeScope, isInScope } from "../../lib/services/class_policy.ts";
import { view } from "../services/views.ts";
import { input, named, NOW_MS, seen } from "./seen.ts";

/** An instance of this process, with a Lease of this name. */
const standing = (name: string, scope: string, usedFor?: string) => ({
  instance: "mine",
  namespace: "kube-system",
  name,
  scope,
  usedFor,
});

const said = (mixUps: readonly MixUp[]) =>
  mixUps.map(({ kind, object }) => `${kind} ${object.kind} ${object.name}`);

Deno.test("findMixUps() finds nothing where each class has one live Lease", () => {
  const leases = [
    seen(named("blue", { pools: ["10.0.0.0/24"] })),
    seen(named("red", { scope: "class red", pools: ["10.0.1.0/24"] })),
    seen(named("none", { scope: "no class" })),
    seen(named("a", { scope: "class green in namespaces a" })),
    seen(named("b", { scope: "class green in namespaces b" })),
  ];
  const services = [
    view("web", { wish: "10.0.0.1" }),
    view("shop", { class: "red", wish: "10.0.1.1", shows: ["10.0.1.1"] }),
    view("other", { class: undefined }),
  ];
  assert.deepEqual(findMixUps(input(leases, services)), []);
});

Deno.test("findMixUps() names the younger of two live Leases of one class", () => {
  const leases = [
    seen(named("b", { createdAt: "2026-01-02T00:00:00Z" })),
    seen(named("a", { createdAt: "2026-01-03T00:00:00Z" })),
    seen(named("c", { createdAt: "2026-01-01T00:00:00Z" }), "dead"),
  ];
  const [found, ...more] = findMixUps(input(leases));
  assert.deepEqual(more, []);
  assert.equal(found?.object.name, "a");
  assert.equal(
    found?.message,
    "Lease kube-system/a is for class blue, which is served under Lease kube-system/b already",
  );
});

Deno.test("findMixUps() tells two scopes that overlap, by namespaces and without a class", () => {
  const two = (a: string, b: string) => {
    const old = named("a", { scope: a });
    const young = named("b", { scope: b, createdAt: "2026-01-02T00:00:00Z" });
    return said(findMixUps(input([seen(old), seen(young)])));
  };
  const twice = ["ClassServedTwice Lease b"];
  assert.deepEqual(two("class x in namespaces a,b", "class x in namespaces b,c"), twice);
  assert.deepEqual(two("class x", "class x in namespaces c"), twice);
  assert.deepEqual(two("class x in namespaces c", "class x"), twice);
  assert.deepEqual(two("class x or no class", "class y or no class"), twice);
  assert.deepEqual(two("no class", "class y or no class in namespaces a"), twice);
  assert.deepEqual(two("class x in namespaces a", "class x in namespaces b"), []);
  assert.deepEqual(two("class x or no class in namespaces a", "no class in namespaces b"), []);
  assert.deepEqual(two("class x or no class", "class y"), []);
});

Deno.test("findMixUps() names an instance that is kept from its Lease, and leaves no trace on it", () => {
  const own = standing("mine", "class blue");
  const leases = [seen(named("theirs"))];
  const found = said(findMixUps(input(leases, [], { own: [own] })));
  assert.deepEqual(found, ["ClassServedTwice Lease mine"]);
  const same = { ...own, name: "theirs" };
  assert.deepEqual(findMixUps(input(leases, [], { own: [same] })), []);
  const dead = leases.map(({ lease }) => seen(lease, "unknown"));
  assert.deepEqual(findMixUps(input(dead, [], { own: [own] })), [], "not known to be alive");
});

Deno.test("findMixUps() tells that a Lease is used for another class", () => {
  const own = standing("blue", "class red", "class blue");
  const found = findMixUps(input([seen(named("blue"))], [], { own: [own] }));
  assert.deepEqual(said(found), ["LeaseShared Lease blue"]);
  assert.equal(
    found[0]?.message,
    "Lease kube-system/blue is used for class blue, and an instance for class red has it as its own",
  );
});

Deno.test("findMixUps() names the younger of two Leases with the same addresses in their pools", () => {
  const leases = [
    seen(named("old", { pools: ["10.0.0.0/24", "fd00::/120"] })),
    seen(named("young", {
      scope: "class red",
      pools: ["10.1.0.0/24", "10.0.0.250-10.0.1.9"],
      createdAt: "2026-01-02T00:00:00Z",
    })),
    seen(named("left", { scope: "class left", holder: "", pools: ["10.0.0.0/8"] })),
  ];
  const found = findMixUps(input(leases)).filter(({ kind }) => kind === "PoolsOverlap");
  assert.deepEqual(said(found), ["PoolsOverlap Lease young"]);
  assert.match(found[0]!.message, /^10\.0\.0\.250-10\.0\.0\.255 is in pools of Lease \S+young and/);
});

Deno.test("findMixUps() names the Service that does not get an address of another class", () => {
  const leases = [seen(named("blue")), seen(named("red", { scope: "class red" }))];
  const services = [
    view("first", { wish: "10.0.0.1" }),
    view("second", { wish: "10.0.0.1", createdAt: "2026-01-02T00:00:00Z" }),
    view("third", { class: "red", wish: "10.0.0.1", createdAt: "2026-01-03T00:00:00Z" }),
    view("foreign", { class: "x.io/y", wish: "10.0.0.1", shows: ["192.0.2.9"] }),
  ];
  const found = findMixUps(input(leases, services));
  assert.deepEqual(said(found), ["AddressAskedTwice Service third"]);
  assert.match(found[0]!.message, /^10\.0\.0\.1 is asked for by Service shop\/third \(class red\)/);
});

Deno.test("findMixUps() names Services of a class that nobody serves, once they are a minute old", () => {
  const leases = [
    seen(named("blue"), "dead"),
    seen(named("red", { scope: "class red in namespaces a" })),
  ];
  const created = new Date(NOW_MS - 60_000).toISOString();
  const services = [
    view("young", { createdAt: created }),
    view("served", { shows: ["10.0.0.1"] }),
    view("ignored", { annotations: { "classvip.io/ignore": "true" } }),
    view("none", { class: undefined }),
    view("lost", { createdAt: "2026-01-02T00:00:00Z" }),
    view("elsewhere", { class: "red" }),
    view("here", { class: "red", namespace: "a" }),
  ];
  const lost = (more = {}) =>
    said(findMixUps(input(leases, services, more))).filter((text) => text.includes("Service"));
  assert.deepEqual(lost(), ["ClassNotServed Service elsewhere", "ClassNotServed Service lost"]);
  assert.equal(lost({ wallClockMs: NOW_MS + 1 }).length, 3);
  assert.deepEqual(lost({ complete: false }), [], "others may be out of sight");
});

Deno.test("findMixUps() names a Lease that nobody keeps, unless another one is for the same", () => {
  const gone = seen(named("gone"), "dead");
  assert.deepEqual(said(findMixUps(input([gone]))), ["NoLiveInstance Lease gone"]);
  assert.deepEqual(findMixUps(input([gone], [], { complete: false })), []);
  assert.deepEqual(findMixUps(input([gone, seen(named("new"))])), []);
  const part = seen(named("new", { scope: "class blue in namespaces a" }));
  assert.equal(findMixUps(input([gone, part])).length, 1);
  const foreign = seen(named("foreign", { scope: "" }), "dead");
  assert.deepEqual(findMixUps(input([foreign])), []);
});

Deno.test("findMixUps() tells whose each mix-up is: the instance, and the class", () => {
  const createdAt = "2026-01-02T00:00:00Z";
  const leases = [
    seen(named("blue", { pools: ["10.0.0.0/24"] })),
    seen(named("red", { scope: "class red", pools: ["10.0.0.0/24"], createdAt })),
    seen(named("again", { scope: "class red", pools: [], createdAt: "2026-01-03T00:00:00Z" })),
    seen(named("gone", { scope: "class old or no class", pools: [] }), "dead"),
  ];
  const services = [
    view("first", { wish: "10.0.0.1" }),
    view("second", { class: "red", wish: "10.0.0.1", createdAt }),
    view("lost", { class: "publc" }),
  ];
  const own = [standing("blue", "class green", "class blue")];
  const whose = findMixUps(input(leases, services, { own })).map((mixUp) =>
    `${mixUp.kind} ${mixUp.instance || "-"} ${mixUp.class}`
  );
  assert.deepEqual(whose, [
    "ClassServedTwice again red",
    "LeaseShared mine green",
    "PoolsOverlap red red",
    "AddressAskedTwice red red",
    "ClassNotServed - publc",
    "NoLiveInstance gone old",
  ]);
});

const policies = fc.record({
  loadBalancerClass: fc.constantFrom(undefined, "x", "y"),
  alsoClassless: fc.boolean(),
  namespaces: fc.subarray(["a", "b", "c"]),
}).map((policy) => ({
  ...policy,
  alsoClassless: policy.alsoClassless && policy.loadBalancerClass !== undefined,
}));

Deno.test("findMixUps() finds a class served twice exactly where a Service could have two holders", () => {
  const services = ["a", "b", "c", "d"].flatMap((namespace) =>
    [undefined, "x", "y"].map((name) => view("s", { namespace, class: name, shows: ["10.0.0.1"] }))
  );
  fc.assert(fc.property(fc.array(policies, { maxLength: 5 }), (list) => {
    const leases = list.map((policy, i) => seen(named(`l${i}`, { scope: describeScope(policy) })));
    const younger = list.filter((policy, i) =>
      services.some((service) =>
        isInScope(policy, service) && list.slice(0, i).some((older) => isInScope(older, service))
      )
    );
    const found = findMixUps(input(leases)).filter(({ kind }) => kind === "ClassServedTwice");
    assert.equal(found.length, younger.length);
  }));
});

Deno.test("findMixUps() finds pools that overlap exactly where two Leases have an address", () => {
  const range = fc.tuple(fc.nat(40), fc.nat(10))
    .map(([first, more]) => ({ first, last: first + more }));
  fc.assert(fc.property(fc.array(fc.array(range, { maxLength: 3 }), { maxLength: 4 }), (lists) => {
    const leases = lists.map((ranges, i) =>
      seen(named(`l${i}`, {
        scope: `class c${i}`,
        pools: ranges.map(({ first, last }) => `10.0.0.${first}-10.0.0.${last}`),
      }))
    );
    const pairs = lists.flatMap((mine, i) =>
      lists.slice(0, i).flatMap((theirs, j) =>
        mine.some((a) => theirs.some((b) => a.first <= b.last && b.first <= a.last))
          ? [`l${i} l${j}`]
          : []
      )
    );
    const found = findMixUps(input(leases)).map(({ object, message }) => {
      const [from] = message.split(/[- ]/);
      assert.ok(parseIp(from!), message);
      return `${object.name} ${/and of Lease kube-system\/(\w+)/.exec(message)?.[1]}`;
    });
    assert.deepEqual(found.sort(), pairs.sort());
  }));
});
