import assert from "node:assert/strict";
import { load, problemsOf } from "./load_helper.ts";

const pool = (selector: string) => `
pools:
- addresses: 10.0.0.0/24
  serviceSelector:
${selector.replace(/^/gm, "    ")}
`;

Deno.test("loadConfig() reads selectors as Kubernetes has them", async () => {
  const yaml = pool(`
matchLabels: {tier: web}
matchExpressions:
- {key: stage, operator: In, values: [prod, canary]}
- {key: zone, operator: NotIn, values: [1]}
- {key: exposed, operator: Exists}
- {key: internal, operator: DoesNotExist, values: []}`);
  const { config } = await load({ yaml });
  assert.deepEqual(config.instances[0]?.pools[0]?.serviceSelector, [
    { key: "tier", operator: "In", values: ["web"] },
    { key: "stage", operator: "In", values: ["prod", "canary"] },
    { key: "zone", operator: "NotIn", values: ["1"] },
    { key: "exposed", operator: "Exists", values: [] },
    { key: "internal", operator: "DoesNotExist", values: [] },
  ]);
});

Deno.test("loadConfig() takes a selector that asks for nothing, and labels named as its parts", async () => {
  for (
    const [selector, read] of [
      ["matchLabels:\nmatchExpressions: []", []],
      ["matchLabels: yes", [{ key: "matchLabels", operator: "In", values: ["yes"] }]],
    ] as const
  ) {
    const { config } = await load({ yaml: pool(selector) });
    assert.deepEqual(config.instances[0]?.pools[0]?.serviceSelector, read);
  }
});

Deno.test("loadConfig() says of each part of a selector what is wrong with it, and where", async () => {
  const yaml = pool(`matchExpressions:
- web
- {operator: Exists}
- {key: a}
- {key: b, operator: NotIN, values: [c]}
- {key: d, operator: Like, values: [c]}
- {key: e, operator: In}
- {key: f, operator: NotIn, values: g}
- {key: h, operator: Exists, values: [c]}
- {key: i, operator: Exists, value: c}
- {key: j, operator: Exists}`);
  assert.deepEqual(
    await problemsOf({ yaml }),
    [
      ":6): not an expression; right would be: {key: team, operator: In, values: [web, shop]}",
      ":7): an expression without key; right would be: {key: team, operator: In, values: [web, shop]}",
      ":8): an expression without operator (a); right would be: one of In, NotIn, Exists, DoesNotExist",
      ":9): no such operator: NotIN (b); right would be: NotIn",
      ":10): no such operator: Like (d); right would be: one of In, NotIn, Exists, DoesNotExist",
      ":11): values that do not go with In (e); right would be: values: [web, shop]",
      ":12): values that do not go with NotIn (f); right would be: values: [web, shop]",
      ":13): values that do not go with Exists (h); right would be: none",
      ":14): no such key of an expression: value; right would be: values",
    ].map((problem) => `serviceSelector (file /c.yaml${problem}`),
  );
});

Deno.test("loadConfig() refuses what is half a selector of Kubernetes", async () => {
  const right = "right would be:";
  for (
    const [selector, problem] of [
      [
        "team: web\nmatchLabels: {a: b}",
        `:5): labels beside matchLabels or matchExpressions; ${right} matchLabels: {team: web} for those`,
      ],
      ["matchLables: {a: b}", `:5): a label whose value is not a word; ${right} matchLabels`],
      ["matchLabels: [a]", `:5): matchLabels is not a mapping; ${right} {team: web}`],
      [
        "matchExpressions: {a: b}",
        `:5): matchExpressions is not a list; ${right} - {key: team, operator: In, values: [web, shop]}`,
      ],
    ] as const
  ) {
    const problems = await problemsOf({ yaml: pool(selector) });
    assert.equal(problems[0]?.replace(/:\d+\)/, ":5)"), `serviceSelector (file /c.yaml${problem}`);
  }
});
