import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatClassPlan,
  intendedElsewhere,
  PLAN_ANNOTATION,
  rangesOfOlder,
  readClassPlan,
} from "../../lib/classes/class_plan.ts";
import { nameHint } from "../../lib/classes/class_names.ts";
import { ALLOCATING_ANNOTATION, formatIntents } from "../../lib/pools/journal.ts";
import { describeRange } from "../../lib/pools/range.ts";
import { named } from "./seen.ts";

const pool = (addresses: string[]) => ({
  name: "p",
  addresses,
  autoAssign: true,
  avoidEnds: false,
  namespaces: [],
  serviceSelector: [],
});

const withPlan = (text: string) => {
  const lease = named("a");
  return { ...lease, metadata: { ...lease.metadata, annotations: { [PLAN_ANNOTATION]: text } } };
};

Deno.test("readClassPlan() reads what formatClassPlan() wrote", () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.array(fc.string())), (instance, pools) => {
      const { plan } = readClassPlan(withPlan(formatClassPlan(instance, pools.map(pool))));
      assert.deepEqual(plan, { instance, pools: pools.flat() });
    }),
  );
});

Deno.test("readClassPlan() takes whatever somebody wrote there for nothing said", () => {
  const nothing = { instance: "", pools: [] };
  assert.deepEqual(readClassPlan(named("a")), { plan: nothing, ranges: [] });
  for (const text of ["", "{", "null", "[]", "7", '{"instance":7,"pools":"10.0.0.0/8"}']) {
    assert.deepEqual(readClassPlan(withPlan(text)), { plan: nothing, ranges: [] }, text);
  }
  const { ranges } = readClassPlan(withPlan('{"pools":["10.0.0.0/31","oops",1]}'));
  assert.deepEqual(ranges.map(describeRange), ["10.0.0.0-10.0.0.1"]);
  fc.assert(fc.property(fc.json(), (text) => void readClassPlan(withPlan(text))));
});

Deno.test("formatClassPlan() stays short enough for an annotation", () => {
  const addresses = Array.from({ length: 10_000 }, (_, i) => `2001:db8::${i.toString(16)}`);
  assert.ok(formatClassPlan("x", [pool(addresses)]).length < 32_000);
});

Deno.test("rangesOfOlder() has the pools of older Leases that are held", () => {
  const leases = [
    named("own", { createdAt: "2026-01-02T00:00:00Z", pools: ["10.0.0.0/24"] }),
    named("older", { pools: ["10.0.0.1"] }),
    named("younger", { createdAt: "2026-01-03T00:00:00Z", pools: ["10.0.0.2"] }),
    named("left", { holder: "", pools: ["10.0.0.3"] }),
  ];
  const of = (name: string) =>
    rangesOfOlder({ namespace: "kube-system", name }, leases).map(describeRange);
  assert.deepEqual(of("own"), ["10.0.0.1"]);
  assert.deepEqual(of("older"), []);
  assert.equal(of("not-seen-yet").length, 3);
});

Deno.test("nameHint() has something to say of names that are not <network>-<environment>", () => {
  for (const name of ["public-prod", "example.com/private-dev", "io/storage-back-prod"]) {
    assert.equal(nameHint([name]), undefined);
  }
  for (const name of ["public", "example.com/internal", "a.b/", "-x", "Public-Prod", "x-"]) {
    assert.match(nameHint([name]) ?? "", /<network>-<environment>/, name);
  }
  assert.match(nameHint(["b", "public-prod", "a"]) ?? "", / than a, b$/);
});

Deno.test("formatClassPlan() says all of very many addresses, those in a row as one range", () => {
  const addresses = Array.from({ length: 600 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const pools = [pool(addresses), pool(["fd00::/120"])];
  assert.deepEqual(JSON.parse(formatClassPlan("a", pools)), {
    instance: "a",
    pools: ["10.0.0.0-10.0.2.87", "fd00::-fd00::ff"],
  });
});

Deno.test("intendedElsewhere() reads the journals of all Leases but the own one", () => {
  const giving = (name: string, text: string | undefined) => {
    const lease = named(name);
    const annotations = { ...lease.metadata!.annotations, [ALLOCATING_ANNOTATION]: text! };
    return { ...lease, metadata: { ...lease.metadata, annotations } };
  };
  const journal = (uid: string, ...addresses: string[]) =>
    formatIntents(new Map([[uid, { key: "shop/web", addresses }]]));
  const [own, other] = [
    giving("own", journal("a", "10.0.0.1")),
    giving("b", journal("b", "10.0.0.2", "fd00::2")),
  ];
  const { namespace = "", name = "" } = own.metadata;
  assert.deepEqual(
    [...intendedElsewhere({ namespace, name }, [own, other, giving("c", "nonsense"), named("d")])],
    [["10.0.0.2", "b"], ["fd00::2", "b"]],
  );
});
