import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/2020";
import { parse } from "yaml";
import { KEYS } from "../../lib/config/pool_file.ts";
import { configSchema, POOL } from "../../lib/config/schema.ts";
import { settingNames, yamlKeyOf } from "../../lib/config/settings.ts";
import { problemsOf } from "./load_helper.ts";

const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(configSchema());

/** @returns where the schema objects. */
function objections(yaml: string): string[] {
  return validate(parse(yaml)) ? [] : validate.errors!.map(({ instancePath }) => instancePath);
}

Deno.test("configSchema() describes every key of the file, and no other", () => {
  const { properties } = configSchema() as { properties: Record<string, { description: string }> };
  const keys = settingNames.flatMap((name) => yamlKeyOf(name) ?? []);
  assert.deepEqual(Object.keys(properties), [...keys, "instances"]);
  for (const [key, { description }] of Object.entries(properties)) {
    assert.ok(description.length > 20, key);
  }
});

Deno.test("configSchema() describes every key of a pool, and no other", () => {
  assert.deepEqual(Object.keys(POOL.properties).sort(), [...KEYS].sort());
});

const RIGHT = [
  "interface: eth0\ninstances:\n- loadBalancerClass: a\n  namespaces: [b, c]\n",
  "leaseDuration: 5s\nrenewInterval: 1.5\nannounceInterval: 1m30s\nleaseName:\n",
  "pools:\n- {addresses: 10.0.0.0/24, namespaceSelector: {a: b}, serviceSelector: {a: b}}\n",
  "pools:\n- {addresses: 10.0.0.0/24, serviceSelector: {matchLabels: , matchExpressions: " +
  "[{key: a, operator: NotIn, values: [b]}, {key: c, operator: Exists}]}}\n",
  "pools:\n- {addresses: 10.0.0.0/24, namespaceSelector: {matchLabels: {a: b}}}\n",
  "instances:\n- {name: public-prod, maxVips: 50, eventsPerSecond: 0.5, priority: 0}\n",
  "instances:\n- {fastFailover: false, onApiLoss: hold, namespaces: 'a,b', logLevel: debug}\n",
  "leaseAnnotations: {example.com/team: network}\nhttpAddress: off\n",
];
for (const yaml of RIGHT) {
  Deno.test(`configSchema() accepts ${JSON.stringify(yaml)}, as loadConfig() does`, async () => {
    assert.deepEqual(await problemsOf({ yaml }), []);
    assert.deepEqual(objections(yaml), []);
  });
}

const WRONG = [
  "intrface: eth0",
  "instances: []",
  "instances:\n- maxVps: 50",
  "instances:\n- maxVips: -1",
  "instances:\n- {httpAddress: ':80'}",
  "pools:\n- {addresses: 10.0.0.0/24, namespaceSelectors: {a: b}}",
  "pools:\n- {addresses: 10.0.0.0/24, serviceSelector: {matchExpressions: [{key: a}]}}",
  "pools:\n- {addresses: 10.0.0.0/24, serviceSelector: {matchExpressions: " +
  "[{key: a, operator: In}]}}",
  "pools:\n- {addresses: 10.0.0.0/24, serviceSelector: {matchExpressions: " +
  "[{key: a, operator: Exists, values: [b]}]}}",
  "pools:\n- {addresses: 10.0.0.0/24, serviceSelector: {matchExpressions: {a: b}}}",
  "pools:\n- {addresses: 10.0.0.0/24, serviceSelector: {a: b, matchLabels: {c: d}}}",
  "priority: 101",
  "onApiLoss: cry",
  "leaseDuration: often",
  "eventsPerSecond: 0",
];
for (const yaml of WRONG) {
  Deno.test(`configSchema() refuses ${JSON.stringify(yaml)}, as loadConfig() does`, async () => {
    assert.notDeepEqual(await problemsOf({ yaml }), []);
    assert.notDeepEqual(objections(yaml), []);
  });
}

for (const name of ["plan.yaml", "tenants.yaml"]) {
  Deno.test(`configSchema() accepts the example ${name}, as loadConfig() does`, async () => {
    const yaml = await Deno.readTextFile(
      new URL(`../../deploy/examples/${name}`, import.meta.url),
    );
    assert.deepEqual(await problemsOf({ yaml }), []);
    assert.deepEqual(objections(yaml), []);
  });
}
