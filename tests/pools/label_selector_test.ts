import assert from "node:assert/strict";
import { type LabelRequirement, type Labels, whatLacks } from "../../lib/pools/label_selector.ts";

type Case = [
  operator: LabelRequirement["operator"],
  values: string[],
  fitting: Labels[],
  lacking: Labels[],
  text: string,
];

const CASES: Case[] = [
  ["In", ["web"], [{ tier: "web" }], [{ tier: "db" }, {}], "tier=web"],
  ["In", ["web", "db"], [{ tier: "db" }], [{ tier: "x" }, {}], "tier in (web,db)"],
  // What lacks the label is not in the list either.
  ["NotIn", ["web"], [{ tier: "db" }, {}], [{ tier: "web" }], "tier!=web"],
  ["NotIn", ["web", "db"], [{ tier: "x" }, {}], [{ tier: "db" }], "tier notin (web,db)"],
  ["Exists", [], [{ tier: "" }], [{ other: "tier" }], "tier"],
  ["DoesNotExist", [], [{}], [{ tier: "" }], "!tier"],
];

for (const [operator, values, fitting, lacking, text] of CASES) {
  Deno.test(`whatLacks() goes by "${text}"`, () => {
    const selector = [{ key: "tier", operator, values }];
    for (const labels of fitting) assert.equal(whatLacks(selector, labels), undefined);
    for (const labels of lacking) assert.equal(whatLacks(selector, labels), text);
  });
}

Deno.test("whatLacks() asks for all, and an empty selector for nothing", () => {
  const selector: LabelRequirement[] = [
    { key: "a", operator: "In", values: ["1"] },
    { key: "b", operator: "DoesNotExist", values: [] },
  ];
  assert.equal(whatLacks(selector, { a: "1" }), undefined);
  assert.equal(whatLacks(selector, { a: "1", b: "2" }), "!b");
  assert.equal(whatLacks([], {}), undefined);
});
