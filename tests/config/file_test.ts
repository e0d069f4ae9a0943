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

Deno.test("parseConfigFile() takes an empty file as nothing", async () => {
  assert.equal((await load({ yaml: "# nothing\n" })).config.instances.length, 1);
});

const WRONG: [description: string, yaml: string, problem: RegExp][] = [
  ["invalid YAML", "a: [", /config \(file \/c.yaml:\d\): .*valid YAML/],
  ["a key twice", "logLevel: info\nlogLevel: warn", /file \/c.yaml:2\): .*unique/],
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
    "instances:\n- logLevel: info",
    /logLevel \(file \/c.yaml:2\): it is set for the whole process.*at the top level/,
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
  assert.match(problems.join(), /^config = "\/none" \(flag --config\): cannot be read: no file/);
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

Deno.test("loadConfig() says once what is wrong for all instances", async () => {
  const yaml = "leaseDuration: 1s\ninstances:\n- loadBalancerClass: a\n- loadBalancerClass: b";
  assert.equal((await problemsOf({ yaml })).length, 1);
});
