import assert from "node:assert/strict";
import { effectiveOf, load, problemsOf } from "./load_helper.ts";

Deno.test("loadConfig() makes one pool of the addresses of flags", async () => {
  const loaded = await load({ flags: [["pool", "10.0.0.0/24"], ["pool", "fd00::1-fd00::9"]] });
  assert.deepEqual(loaded.config.instances[0]?.pools, [{
    name: "default",
    addresses: ["10.0.0.0/24", "fd00::1-fd00::9"],
    autoAssign: true,
    avoidEnds: false,
    namespaces: [],
    serviceSelector: [],
  }]);
  assert.deepEqual(effectiveOf(loaded, "pools"), ["10.0.0.0/24,fd00::1-fd00::9", "flag --pool"]);
});

Deno.test("loadConfig() reads the pools of a plan, and tells each instance those of the others", async () => {
  const yaml = `
instances:
- name: public-prod
  loadBalancerClass: public
  pools:
  - name: lan
    addresses: [10.0.0.0/24, 10.0.1.1]
    avoidEnds: true
    namespaces: [b, a]
    serviceSelector: {tier: web}
    namespaceSelector: {team: shop}
  - addresses: 10.0.2.0/24
    autoAssign: false
    serviceSelector: {matchLabels: {tier: db}}
- name: private-dev
  loadBalancerClass: private
  poolConfigMap: kube-system/kubevip
`;
  const { config: { instances: [first, second] } } = await load({ yaml });
  const pools = [{
    name: "lan",
    addresses: ["10.0.0.0/24", "10.0.1.1"],
    autoAssign: true,
    avoidEnds: true,
    namespaces: ["a", "b"],
    serviceSelector: [{ key: "tier", operator: "In", values: ["web"] }],
    namespaceSelector: [{ key: "team", operator: "In", values: ["shop"] }],
  }, {
    name: "10.0.2.0/24",
    addresses: ["10.0.2.0/24"],
    autoAssign: false,
    avoidEnds: false,
    namespaces: [],
    serviceSelector: [{ key: "tier", operator: "In", values: ["db"] }],
  }];
  assert.deepEqual(first?.pools, pools);
  assert.equal(first?.foreignPools, undefined);
  assert.deepEqual([second?.pools, second?.poolConfigMap], [[], "kube-system/kubevip"]);
  assert.deepEqual(
    second?.foreignPools,
    pools.map((pool) => ({ instance: "public-prod", pool })),
  );
});

Deno.test("loadConfig() reports all that is wrong with pools at once, each with its line", async () => {
  const yaml = `
instances:
- name: a
  loadBalancerClass: a
  pools:
  - name: one
    addresses:
    - 10.0.0.5/24
    - 10.0.0.9-10.0.0.3
    - 10.0.1.0/24
    avoidEnd: true
  - name: two
    addresses: [10.0.1.128/25]
  - name: three
  - lan
- name: b
  loadBalancerClass: b
  pools:
  - name: one
    addresses: [10.0.1.7, 10.0.3.0/24]
    namespaces: [A_B]
    serviceSelector: web
`;
  assert.deepEqual(await problemsOf({ yaml }), [
    "avoidEnd (file /c.yaml:11): no such key of a pool; right would be: avoidEnds",
    "addresses (file /c.yaml:8): 10.0.0.5/24: it has host bits; right would be: 10.0.0.0/24 for " +
    "the network, or 10.0.0.5 for the address",
    "addresses (file /c.yaml:9): 10.0.0.9-10.0.0.3: the range is backwards; right would be: " +
    "10.0.0.3-10.0.0.9",
    "addresses (file /c.yaml:14): the pool has no addresses; right would be: `- addresses: " +
    "[10.0.0.0/24]` for each pool",
    "pools (file /c.yaml:15): entry 4 is not a mapping; right would be: `- addresses: " +
    "[10.0.0.0/24]` for each pool",
    "namespaces (file /c.yaml:21): not a namespace name: entry 1 (A_B); right would be: names " +
    "with commas, such as a,b, of lower-case letters, digits and '-'",
    "serviceSelector (file /c.yaml:22): not a mapping; right would be: labels such as {team: " +
    "web}, all of which a Service must have",
    'pools = "one" (file /c.yaml:19): a pool of instance a has the same name (file /c.yaml:6); ' +
    "right would be: a name of its own for each pool",
    'pools = "10.0.1.128/25" (file /c.yaml:13): it overlaps with 10.0.1.0/24 in pool one of this ' +
    "instance (file /c.yaml:10); right would be: each address in one pool only",
    'pools = "10.0.1.7" (file /c.yaml:20): it overlaps with 10.0.1.0/24 in pool one of instance a ' +
    "(file /c.yaml:10); right would be: each address in one pool only",
  ]);
});

Deno.test("loadConfig() refuses pools of flags with a clear word", async () => {
  assert.deepEqual(
    await problemsOf({ flags: { pools: "10.0.0.1/24", poolConfigMap: "kubevip" } }),
    [
      'pools = "10.0.0.1/24" (flag --pools): 10.0.0.1/24: it has host bits; right would be: ' +
      "10.0.0.0/24 for the network, or 10.0.0.1 for the address",
      'poolConfigMap = "kubevip" (flag --poolConfigMap): not a ConfigMap; right would be: ' +
      "namespace/name, such as kube-system/kubevip",
    ],
  );
});

Deno.test("loadConfig() reports all that is wrong with a plan at once: keys, classes, Leases, pools", async () => {
  const yaml = `
instances:
- name: a
  loadBalancerClass: x
  leaseName: one
  maxVps: 5
  pools: [{name: p, addresses: [10.0.0.0/24]}]
- name: b
  loadBalancerClass: x
  pools: [{name: p, addresses: [10.0.0.9-10.0.0.3, 10.0.0.7/30]}]
- name: c
  loadBalancerClass: y
  leaseName: one
  pools: [{addresses: [10.0.0.128/25]}]
  name: d
- name: e
  controlPlane: true
  address: 10.0.0.10
`;
  const problems = await problemsOf({ yaml });
  assert.deepEqual(
    problems.map((text) => text.replace(/; right would be.*/, "")).sort(),
    [
      "addresses (file /c.yaml:10): 10.0.0.7/30: it has host bits",
      "addresses (file /c.yaml:10): 10.0.0.9-10.0.0.3: the range is backwards",
      'address = "10.0.0.10" (file /c.yaml:17): the control plane\'s VIP (instance e) is in pool p ' +
      "of instance a (file /c.yaml:7)",
      'leaseName = "one" (file /c.yaml:13): the instances 1 (a) and 3 (d) have the same Lease ' +
      "(file /c.yaml:5)",
      'loadBalancerClass = "x" (file /c.yaml:9): the class x would be served by the instances ' +
      "1 (a) and 2 (b)",
      "maxVps (file /c.yaml:6): no such setting",
      "name (file /c.yaml:15): it stands there twice",
      'pools = "10.0.0.128/25" (file /c.yaml:14): it overlaps with 10.0.0.0/24 in pool p of ' +
      "instance a (file /c.yaml:7)",
      'pools = "p" (file /c.yaml:10): a pool of instance a has the same name (file /c.yaml:7)',
    ].sort(),
  );
});

Deno.test("loadConfig() refuses more ranges than a Lease can tell of, but not as many addresses", async () => {
  const every = (step: number) =>
    Array.from({ length: 600 }, (_, i) => `10.0.${i * step >> 8}.${i * step & 255}`).join(",");
  assert.deepEqual(await problemsOf({ flags: { pools: every(1) } }), []);
  const [problem, ...more] = await problemsOf({ flags: { pools: every(2) } });
  assert.match(problem!, /^pools \(flag --pools\): the instance has 600 ranges .*at most 500/);
  assert.deepEqual(more, []);
});

Deno.test("loadConfig() refuses a pool for namespaces that its instance does not serve", async () => {
  const yaml = `instances:
- loadBalancerClass: public
  namespaces: [shop, dev]
  pools:
  - {name: lan, addresses: 10.0.0.0/24, namespaces: [shop, shpo]}
- loadBalancerClass: private
  pools:
  - {name: all, addresses: 10.0.1.0/24, namespaces: [anything]}
`;
  assert.deepEqual(await problemsOf({ yaml }), [
    'namespaces = "shpo" (file /c.yaml:5): pool lan is for what its instance does not serve; ' +
    "right would be: namespaces of the instance: dev,shop (file /c.yaml:3)",
  ]);
});
