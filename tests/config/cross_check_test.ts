import assert from "node:assert/strict";
import { load, problemsOf } from "./load_helper.ts";

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

Deno.test("checkInstance() wants an address for the control plane, and no Services beside it", async () => {
  const [missing, ...more] = await problemsOf({ flags: { controlPlane: "true" } });
  assert.match(missing!, /^controlPlane = "true" .*which VIP.*right would be: address with/);
  assert.deepEqual(more, []);
  for (
    const flag of [{ loadBalancerClass: "a" }, { namespaces: "a" }, { alsoClassless: "true" }]
  ) {
    const flags = { controlPlane: "true", address: "10.0.0.10", ...flag };
    const problems = await problemsOf({ flags });
    assert.equal(problems.length, 1, problems.join());
    assert.match(problems[0]!, /^controlPlane .*Services, not both/);
  }
});

Deno.test("checkInstances() lets the control plane be beside Services, and its VIP be there once", async () => {
  const instances = (second: string) =>
    `instances:\n  - {controlPlane: true, address: 10.0.0.10}\n  - ${second}\n`;
  assert.deepEqual(await problemsOf({ yaml: instances("{alsoClassless: true}") }), []);
  const twice = "{name: b, leaseName: b, controlPlane: true, address: 10.0.0.10}";
  const [problem, ...more] = await problemsOf({ yaml: instances(twice) });
  assert.match(problem!, /^address = "10.0.0.10" .*have the same VIP/);
  assert.deepEqual(more, []);
});

Deno.test("loadConfig() warns of what only the control plane's VIP has", async () => {
  const { warnings } = await load({ flags: { address: "10.0.0.10" }, env: { port: "6443" } });
  assert.deepEqual(warnings, [
    "flag --address, env port: no effect, it belongs to the control plane's VIP (controlPlane)",
  ]);
});

Deno.test("loadConfig() refuses addresses that no host can have", async () => {
  for (const address of ["10.0.0", "10.0.0.256", "010.0.0.1", "127.0.0.1", "224.0.0.1"]) {
    const problems = await problemsOf({ flags: { address } });
    assert.match(problems.join(), /^address = ".*(not an IPv4 address|no address for a host)/);
  }
  const problems = await problemsOf({ flags: { address: "2001:db8::1" } });
  assert.match(
    problems.join(),
    /the control plane's VIP is an IPv4 address: bootstrap probes by ARP/,
  );
});
