import assert from "node:assert/strict";
import { load, problemsOf } from "./load_helper.ts";

const TWO = `
interface: eth0
instances:
  - name: public
    loadBalancerClass: example.com/public
  - loadBalancerClass: internal-vip
    leaseName: custom-lease-name
    interface: eth1
    namespaces: [b, a]
    leaseAnnotations: { example.com/team: network }
    leaseDuration: 10
`;

Deno.test("parseConfigFile() makes an instance of each entry", async () => {
  const { config, effective } = await load({ yaml: TWO });
  const [first, second] = config.instances;
  assert.equal(first?.name, "public");
  assert.equal(first?.interface, "eth0");
  assert.equal(first?.leaseName, "classvip-example.com.public");
  assert.equal(second?.name, "internal-vip@a,b");
  assert.equal(second?.interface, "eth1");
  assert.deepEqual(second?.namespaces, ["a", "b"]);
  assert.deepEqual(second?.leaseAnnotations, { "example.com/team": "network" });
  assert.equal(second?.leaseDurationMs, 10_000);
  const sources = effective.filter(({ name }) => name === "interface");
  assert.deepEqual(sources.map(({ instance, source }) => [instance, source]), [
    ["public", "file /c.yaml:2"],
    ["internal-vip@a,b", "file /c.yaml:8"],
  ]);
});

Deno.test("parseConfigFile() follows anchors, and takes nothing from empty values", async () => {
  const yaml = "instances:\n- loadBalancerClass: a\n  interface: &i eth7\n" +
    "- loadBalancerClass: b\n  interface: *i\n  leaseName:\n";
  const { config } = await load({ yaml });
  assert.deepEqual(config.instances.map((i) => i.interface), ["eth7", "eth7"]);
  assert.equal(config.instances[1]?.leaseName, "classvip-b");
});

Deno.test("parseConfigFile() takes numbers as they are written", async () => {
  const { config } = await load({ yaml: "loadBalancerClass: 1.10\n" });
  assert.equal(config.instances[0]?.loadBalancerClass, "1.10");
});

Deno.test("loadConfig() refuses a file that says nothing: it would mean an instance of no class", async () => {
  for (const yaml of ["", "# later\n", "---\n", "{}\n"]) {
    assert.match((await problemsOf({ yaml })).join(), /^config = "\/c.yaml" .*: says nothing;/);
  }
});

const WRONG: [description: string, yaml: string, problem: RegExp][] = [
  ["invalid YAML", "a: [", /config \(file \/c.yaml:\d\): .*valid YAML/],
  [
    "a key twice",
    "logLevel: info\nlogLevel: warn",
    /logLevel \(file \/c.yaml:2\): it stands there twice; right would be: one/,
  ],
  ["a list at the top", "- a", /not a mapping/],
  ["an unknown key", "leasename: a", /file \/c.yaml:1\): no such setting; .* leaseName$/],
  ["an alias's name", "lb_class_name: a", /no such setting; right would be: loadBalancerClass$/],
  ["a key that is like no other", "colour: red", /one of those that `classvip help` lists$/],
  ["the flag's name of the instance", "instanceName: a", /no such setting; right would be: name$/],
  ["a list for one value", "interface: [a, b]", /not a value of the right shape/],
  ["a mapping for a list", "namespaces: {a: b}", /right would be: a list/],
  ["no list of instances", "instances: {a: b}", /c.yaml:1\): not a list;/],
  ["an empty list of instances", "instances: []", /c.yaml:1\): the list is empty/],
  [
    "a word among instances",
    "instances:\n- loadBalancerClass: a\n- b\n",
    /instances \(file \/c.yaml:3\): entry 2 is not a mapping/,
  ],
  [
    "an entry with nothing",
    "instances:\n- loadBalancerClass: a\n-\n",
    /instances \(file \/c.yaml:3\): entry 2 is not a mapping/,
  ],
  [
    "a setting of the process in an instance",
    "instances:\n- httpAddress: :80",
    /httpAddress \(file \/c.yaml:2\): it is set for the whole process.*at the top level/,
  ],
];
for (const [description, yaml, problem] of WRONG) {
  Deno.test(`parseConfigFile() refuses ${description}`, async () => {
    const problems = await problemsOf({ yaml });
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0]!, problem);
  });
}

Deno.test("loadConfig() refuses a file that cannot be read", async () => {
  const problems = await problemsOf({ flags: { config: "/none" } });
  assert.match(problems.join(), /^config = "\/none" \(flag --config\): no file/);
});

Deno.test("loadConfig() refuses flags and env for one instance beside a list", async () => {
  const problems = await problemsOf({
    yaml: TWO,
    flags: { leaseName: "a" },
    env: { vip_interface: "eth0", CLASSVIP_LOG_LEVEL: "debug" },
  });
  assert.equal(problems.length, 2, problems.join("\n"));
  assert.match(problems[0]!, /^leaseName = "a" .*but file \/c.yaml:3 lists instances/);
  assert.match(problems[1]!, /^interface = "eth0" \(env vip_interface\)/);
});

const PLAN = `instances:
- {name: public-prod, loadBalancerClass: a, leaseName: l-a, logLevel: debug}
- {name: private-dev, loadBalancerClass: b, leaseName: l-b, maxVips: 50}
`;

Deno.test("loadConfig() runs only the instances that are named", async () => {
  const names = async (flags: [string, string][], env = {}) =>
    (await load({ yaml: PLAN, flags, env })).config.instances.map(({ name }) => name);
  assert.deepEqual(await names([]), ["public-prod", "private-dev"]);
  assert.deepEqual(await names([["only", "private-dev"]]), ["private-dev"]);
  assert.deepEqual(await names([["only", "private-dev"], ["only", "public-prod"]]), [
    "public-prod",
    "private-dev",
  ]);
  assert.deepEqual(await names([["only", "public-prod,private-dev"]]), await names([]));
  assert.deepEqual(await names([], { CLASSVIP_ONLY: "public-prod" }), ["public-prod"]);
});

Deno.test("loadConfig() names the instance that was probably meant by --only", async () => {
  const problems = await problemsOf({ yaml: PLAN, flags: { only: "publc-prod,zzz" } });
  assert.deepEqual(problems, [
    'only = "publc-prod" (flag --only): no instance has this name; right would be: public-prod',
    'only = "zzz" (flag --only): no instance has this name; right would be: one of public-prod, ' +
    "private-dev",
  ]);
});

Deno.test("loadConfig() checks the whole plan, whatever runs of it", async () => {
  const yaml = PLAN + "- {name: other, loadBalancerClass: a, leaseName: l-a, maxVps: 3}\n";
  const problems = await problemsOf({ yaml, flags: { only: "private-dev" } });
  assert.deepEqual(problems.map((line) => /^\S+.*?\)/.exec(line)?.[0]), [
    "maxVps (file /c.yaml:4)",
    'loadBalancerClass = "a" (file /c.yaml:4)',
    'leaseName = "l-a" (file /c.yaml:4)',
  ]);
  assert.match(problems[0]!, /right would be: maxVips$/);
});

Deno.test("loadConfig() gives each instance a log level of its own", async () => {
  const { config } = await load({ yaml: PLAN, flags: { logLevel: "warn" } });
  assert.equal(config.logLevel, "warn");
  assert.deepEqual(config.instances.map(({ logLevel }) => logLevel), ["debug", "warn"]);
});

Deno.test("loadConfig() refuses limits and rates out of range, each with its line", async () => {
  const yaml = `instances:
- loadBalancerClass: a
  maxVips: -1
  maxVipsPerNamespace: 200000
  eventsPerSecond: 0
  statusWritesPerSecond: 1e9
`;
  const problems = await problemsOf({ yaml });
  assert.deepEqual(problems.map((line) => /^(\w+).*:(\d)\)/.exec(line)?.slice(1).join()), [
    "maxVips,3",
    "maxVipsPerNamespace,4",
    "eventsPerSecond,5",
    "statusWritesPerSecond,6",
  ]);
});

Deno.test("loadConfig() says once what is wrong for all instances", async () => {
  const yaml = "leaseDuration: 1s\ninstances:\n- loadBalancerClass: a\n- loadBalancerClass: b";
  assert.equal((await problemsOf({ yaml })).length, 1);
});
