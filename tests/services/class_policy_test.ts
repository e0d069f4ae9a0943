import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ClassPolicy,
  describeScope,
  isInScope,
  parseScope,
  scopesOverlap,
  whyNotServed,
} from "../../lib/services/class_policy.ts";
import { type Sketch, view } from "./views.ts";

const BLUE: ClassPolicy = { loadBalancerClass: "blue", alsoClassless: false, namespaces: [] };
const NONE: ClassPolicy = { ...BLUE, loadBalancerClass: undefined };
const BOTH: ClassPolicy = { ...BLUE, alsoClassless: true };
const SHOP: ClassPolicy = { ...BLUE, namespaces: ["bar", "shop"] };
const NONE_IN_SHOP: ClassPolicy = { ...NONE, namespaces: ["shop"] };

const CASES: [string, ClassPolicy, Sketch, string | undefined][] = [
  ["its class", BLUE, {}, undefined],
  ["another class", BLUE, { class: "red" }, "its class is red"],
  ["other case", BLUE, { class: "Blue" }, "its class is Blue"],
  ["a longer class", BLUE, { class: "blue2" }, "its class is blue2"],
  ["with a prefix", BLUE, { class: "acme.com/blue" }, "its class is acme.com/blue"],
  ["no class", BLUE, { class: undefined }, "it has no class"],
  ["an empty class", BLUE, { class: "" }, "it has no class"],
  ["no class for an instance without", NONE, { class: undefined }, undefined],
  ["a class for an instance without", NONE, { class: "blue" }, "its class is blue"],
  ["no class for both", BOTH, { class: undefined }, undefined],
  ["its class for both", BOTH, {}, undefined],
  ["another class for both", BOTH, { class: "red" }, "its class is red"],
  ["its namespace", SHOP, { namespace: "shop" }, undefined],
  ["another namespace", SHOP, { namespace: "foo" }, "namespace foo is not served"],
  ["its namespace, another class", SHOP, { class: "red" }, "its class is red"],
  ["its namespace, no class", SHOP, { class: undefined }, "it has no class"],
  ["namespaces alone", NONE_IN_SHOP, { class: undefined }, undefined],
  ["namespaces alone, a class", NONE_IN_SHOP, {}, "its class is blue"],
  [
    "namespaces alone, elsewhere",
    NONE_IN_SHOP,
    { class: undefined, namespace: "foo" },
    "namespace foo is not served",
  ],
  ["its type changed", BLUE, { type: "ClusterIP" }, "it is not of type LoadBalancer any more"],
  ["deleting", BLUE, { deleting: true }, "it is being deleted"],
  [
    "ignored",
    BLUE,
    { annotations: { "classvip.io/ignore": "true" } },
    "an annotation says to ignore it",
  ],
];

for (const [what, policy, sketch, reason] of CASES) {
  Deno.test(`whyNotServed() judges ${what}`, () => {
    assert.equal(whyNotServed(policy, view("web", sketch)), reason);
  });
}

Deno.test("describeScope() tells different policies apart", () => {
  const scopes = [BLUE, NONE, BOTH, SHOP, NONE_IN_SHOP].map(describeScope);
  assert.deepEqual(scopes, [
    "class blue",
    "no class",
    "class blue or no class",
    "class blue in namespaces bar,shop",
    "no class in namespaces shop",
  ]);
});

const policies = fc.record({
  loadBalancerClass: fc.constantFrom(undefined, "x", "example.com/y"),
  alsoClassless: fc.boolean(),
  namespaces: fc.subarray(["a", "b", "c"]),
}).map((policy) => ({
  ...policy,
  alsoClassless: policy.alsoClassless && policy.loadBalancerClass !== undefined,
}));

Deno.test("parseScope() undoes describeScope(), and nothing else", () => {
  fc.assert(fc.property(policies, (policy) => {
    assert.deepEqual(parseScope(describeScope(policy)), policy);
  }));
  for (
    const text of [undefined, "", "class", "class a b", "no class in namespaces", "x no class"]
  ) {
    assert.equal(parseScope(text), undefined, text);
  }
});

Deno.test("scopesOverlap() is so exactly where a Service is in both", () => {
  const services = ["a", "b", "c", "d"].flatMap((namespace) =>
    [undefined, "x", "example.com/y"].map((name) => view("s", { namespace, class: name }))
  );
  fc.assert(fc.property(policies, policies, (one, two) => {
    const both = services.some((service) => isInScope(one, service) && isInScope(two, service));
    assert.equal(scopesOverlap(describeScope(one), describeScope(two)), both);
  }));
  assert.ok(scopesOverlap("what an old version wrote", "what an old version wrote"));
  assert.ok(!scopesOverlap("what an old version wrote", "class x"));
});
