import assert from "node:assert/strict";
import { problemsOf } from "./load_helper.ts";

/** Problems of two instances, each given as a YAML flow mapping. */
async function pair(first: string, second: string): Promise<string[]> {
  return await problemsOf({ yaml: `instances:\n- {${first}}\n- {${second}}\n` });
}

const GOOD: [string, string, string][] = [
  ["two classes", "loadBalancerClass: a", "loadBalancerClass: b"],
  ["a class and classless", "loadBalancerClass: a", ""],
  ["namespaces apart", "namespaces: [a]", "namespaces: [b]"],
  [
    "one class in namespaces apart",
    "loadBalancerClass: a, namespaces: [a]",
    "loadBalancerClass: a, namespaces: [b]",
  ],
  [
    "one Lease name in two namespaces",
    "loadBalancerClass: a, leaseName: x",
    "loadBalancerClass: b, leaseName: x, leaseNamespace: other",
  ],
];
for (const [description, first, second] of GOOD) {
  Deno.test(`checkInstances() accepts ${description}`, async () => {
    assert.deepEqual(await pair(first, second), []);
  });
}

const BAD: [string, string, string, RegExp][] = [
  ["one class twice", "loadBalancerClass: a", "loadBalancerClass: a", /the class a would be/],
  ["classless twice", "", "", /Services without a class would be served by/],
  [
    "classless beside alsoClassless",
    "loadBalancerClass: a, alsoClassless: true",
    "",
    /Services without a class/,
  ],
  ["namespaces that meet", "namespaces: [a, b]", "namespaces: [b]", /Services without a class/],
  ["all namespaces beside one", "namespaces: [a]", "", /Services without a class/],
  ["one namespace beside all", "", "namespaces: [a]", /Services without a class/],
  [
    "one Lease for two classes",
    "loadBalancerClass: a, leaseName: x",
    "loadBalancerClass: b, leaseName: x",
    /leaseName = "x" \(file \/c.yaml:3\): the instances 1 \(a\) and 2 \(b\) have the same Lease \(file \/c.yaml:2\)/,
  ],
  [
    "one name twice",
    "loadBalancerClass: a, name: x",
    "loadBalancerClass: b, name: x",
    /instanceName = "x" \(file \/c.yaml:3\): the instances 1 \(x\) and 2 \(x\) have the same name/,
  ],
];
for (const [description, first, second, problem] of BAD) {
  Deno.test(`checkInstances() refuses ${description}`, async () => {
    const problems = await pair(first, second);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0]!, problem);
  });
}

Deno.test("checkInstances() says once what an instance shares with several others", async () => {
  const entries = ["a", "b", "c"].map((name) => `- loadBalancerClass: ${name}\n`).join("");
  const problems = await problemsOf({ yaml: `leaseName: x\ninstances:\n${entries}` });
  assert.equal(problems.length, 2, problems.join("\n"));
  assert.match(problems[0]!, /the instances 1 \(a\) and 2 \(b\) have the same Lease/);
  assert.match(problems[1]!, /the instances 1 \(a\) and 3 \(c\) have the same Lease/);
});
