import assert from "node:assert/strict";
import { effectiveOf, load, problemsOf } from "./load_helper.ts";

Deno.test("loadConfig() makes one instance of the defaults", async () => {
  const { config, warnings } = await load({ env: { PATH: "/bin", HOME: "/root" } });
  assert.deepEqual(warnings, []);
  assert.deepEqual(config, {
    nodeName: "node-1",
    kubeconfig: undefined,
    kubernetesServer: undefined,
    httpAddress: "127.0.0.1:2112",
    httpAddressChosen: false,
    logLevel: "info",
    logFormat: "json",
    instances: [{
      name: "classless",
      loadBalancerClass: undefined,
      alsoClassless: false,
      namespaces: [],
      leaseName: "classvip",
      leaseNamespace: "kube-system",
      leaseDurationMs: 5000,
      renewIntervalMs: 1500,
      priority: 100,
      failback: false,
      onApiLoss: "withdraw",
      leaseAnnotations: {},
      interface: "auto",
      announceIntervalMs: 60_000,
      fastFailover: false,
      addressProbe: true,
      beaconIntervalMs: 50,
      beaconKeyFile: undefined,
      pools: [],
      poolConfigMap: undefined,
      maxVips: 0,
      maxVipsPerNamespace: 0,
      eventsPerSecond: 10,
      statusWritesPerSecond: 100,
      logLevel: "info",
      controlPlane: undefined,
    }],
  });
});

Deno.test("loadConfig() takes the class and the Lease of the multi-instance guide", async () => {
  const { config, warnings } = await load({
    env: { loadBalancerClass: "internal-vip" },
    flags: { leaseName: "custom-lease-name" },
  });
  assert.equal(config.instances[0]?.loadBalancerClass, "internal-vip");
  assert.equal(config.instances[0]?.leaseName, "custom-lease-name");
  assert.deepEqual(warnings, []);
});

Deno.test("loadConfig() prefers flag, env, alias, file, default in this order", async () => {
  const levels = {
    flags: { loadBalancerClass: "by-flag" },
    env: { CLASSVIP_LOAD_BALANCER_CLASS: "by-env", loadBalancerClass: "by-alias" },
    yaml: "loadBalancerClass: by-file",
  };
  const of = async (given: Parameters<typeof load>[0]) =>
    (await load(given)).config.instances[0]?.loadBalancerClass;
  assert.equal(await of(levels), "by-flag");
  assert.equal(await of({ ...levels, flags: {} }), "by-env");
  const { loadBalancerClass } = levels.env;
  assert.equal(await of({ ...levels, flags: {}, env: { loadBalancerClass } }), "by-alias");
  assert.equal(await of({ yaml: levels.yaml }), "by-file");
  assert.equal(await of({}), undefined);
});

Deno.test("loadConfig() warns of a variable beside another name that says otherwise", async () => {
  const env = { CLASSVIP_INTERFACE: "eth0", vip_interface: "eth1" };
  assert.deepEqual((await load({ env })).warnings, [
    'env vip_interface ("eth1") is overruled by env CLASSVIP_INTERFACE ("eth0")',
  ]);
  const same = { CLASSVIP_LEASE_DURATION: "15s", vip_leaseduration: "15" };
  assert.deepEqual((await load({ env: same })).warnings, []);
});

Deno.test("loadConfig() refuses two values for one setting at one level", async () => {
  const twice = await problemsOf({ flags: [["leaseName", "a"], ["leaseName", "b"]] });
  assert.match(twice.join(), /^leaseName = "b" \(flag --leaseName\): flag --leaseName says "a"/);
  assert.deepEqual(await problemsOf({ flags: [["leaseName", "a"], ["leaseName", "a"]] }), []);
  const names = await problemsOf({ env: { loadBalancerClass: "a", lb_class_name: "b" } });
  assert.match(names.join(), /env lb_class_name\): env loadBalancerClass says "a"/);
});

Deno.test("loadConfig() reports every problem at once with its source", async () => {
  const problems = await problemsOf({
    flags: { leaseDuration: "1s", nope: "x", renewInterval: undefined },
    env: { CLASSVIP_INTERFACE: "a/b", CLASSVIP_LEASENAME: "x", bgp_enable: "true" },
    yaml: "logLevel: loud\nlogformat: text\n",
  });
  const starts = [
    /^nope \(flag --nope\): no such flag/,
    /^renewInterval \(flag --renewInterval\): its value is missing/,
    /^CLASSVIP_LEASENAME \(env .*: no such setting; right would be: CLASSVIP_LEASE_NAME$/,
    /^bgp_enable = "true" \(env bgp_enable\): classvip does not do/,
    /^logformat \(file \/c.yaml:2\): no such setting; right would be: logFormat$/,
    /^logLevel = "loud" \(file \/c.yaml:1\): unknown word/,
    /^leaseDuration = "1s" \(flag --leaseDuration\): too short/,
    /^interface = "a\/b" \(env CLASSVIP_INTERFACE\): not an interface name/,
  ];
  assert.equal(problems.length, starts.length, problems.join("\n"));
  starts.forEach((start, i) => assert.match(problems[i]!, start));
});

Deno.test("loadConfig() lets Kubernetes' variables for a Service pass", async () => {
  const names = [
    "CLASSVIP_SERVICE_HOST",
    "CLASSVIP_SERVICE_PORT",
    "CLASSVIP_SERVICE_PORT_METRICS",
    "CLASSVIP_PORT",
    "CLASSVIP_PORT_2112_TCP",
    "CLASSVIP_PORT_2112_TCP_ADDR",
    "CLASSVIP_METRICS_SERVICE_HOST",
    "CLASSVIP_METRICS_PORT_2112_TCP_PROTO",
  ];
  assert.deepEqual(await problemsOf({ env: Object.fromEntries(names.map((n) => [n, "x"])) }), []);
});

Deno.test("loadConfig() hides credentials", async () => {
  const flags = { kubernetesServer: "https://me:hunter2@a" };
  const problems = await problemsOf({ flags, env: { CLASSVIP_TOKEN: "hunter2" } });
  assert.equal(problems.length, 2);
  assert.doesNotMatch(problems.join(), /hunter2/);
});

Deno.test("loadConfig() takes an empty variable as not set", async () => {
  const { config } = await load({ env: { CLASSVIP_INTERFACE: "", lb_class_name: " " } });
  assert.equal(config.instances[0]?.interface, "auto");
});

Deno.test("loadConfig() finds the Lease's namespace where the pod runs", async () => {
  const path = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
  const files = { [path]: "vips\n" };
  assert.deepEqual(effectiveOf(await load({ files }), "leaseNamespace"), ["vips", `file ${path}`]);
  const loaded = await load({ files, env: { POD_NAMESPACE: "mine" } });
  assert.deepEqual(effectiveOf(loaded, "leaseNamespace"), ["mine", "env POD_NAMESPACE"]);
});

Deno.test("loadConfig() finds the node's name", async () => {
  const loaded = await load({ env: { NODE_NAME: "n1" } });
  assert.deepEqual(effectiveOf(loaded, "nodeName"), ["n1", "env NODE_NAME"]);
});

Deno.test("loadConfig() chooses the log format by the terminal", async () => {
  assert.equal((await load({ isTerminal: true })).config.logFormat, "text");
  const loaded = await load({ isTerminal: true, flags: { logFormat: "json" } });
  assert.equal(loaded.config.logFormat, "json");
});

Deno.test("loadConfig() knows who chose the port", async () => {
  const chosen = async (env: Record<string, string>) =>
    (await load({ env })).config.httpAddressChosen;
  assert.equal(await chosen({ CLASSVIP_HTTP_ADDRESS: ":2112" }), true);
  assert.equal(await chosen({ prometheus_server: ":9000" }), true);
  // In every generated manifest of kube-vip.
  assert.equal(await chosen({ prometheus_server: ":2112" }), false);
  assert.equal((await load({ flags: { httpAddress: "off" } })).config.httpAddress, undefined);
});

Deno.test("loadConfig() wants at least two renewals in a leaseDuration", async () => {
  const flags = { leaseDuration: "4s", renewInterval: "2001ms" };
  assert.match((await problemsOf({ flags })).join(), /renewInterval = "2001ms".*half.*at most 2s/);
  assert.deepEqual(await problemsOf({ flags: { ...flags, renewInterval: "2s" } }), []);
  assert.match((await problemsOf({ flags: { renewInterval: "199ms" } })).join(), /too short/);
});

/** The quickest of some runs: what else the machine does makes the others slower. */
async function quickestMs(yaml: string): Promise<number> {
  let quickest = Infinity;
  for (let i = 0; i < 3; i++) {
    const beganMs = performance.now();
    await load({ yaml });
    quickest = Math.min(quickest, performance.now() - beganMs);
  }
  return quickest;
}

Deno.test("loadConfig() takes four times as long for a plan four times as large, not sixteen times", async () => {
  const instances = (count: number) =>
    Array.from({ length: count }, (_, i) => `- {name: i${i}, loadBalancerClass: c${i}}`);
  // As many ranges as an instance may have.
  const pools = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const addresses = Array.from(
        { length: 500 },
        (_, j) => `10.${i}.${j >> 7}.${(j & 127) * 2}`,
      );
      return `- {loadBalancerClass: c${i}, pools: [{addresses: [${addresses.join(", ")}]}]}`;
    });
  for (const [make, count] of [[instances, 750], [pools, 10]] as const) {
    const plan = (count: number) => `instances:\n${make(count).join("\n")}\n`;
    const [small, large] = [await quickestMs(plan(count)), await quickestMs(plan(4 * count))];
    assert.ok(large < 10 * small, `${small} ms, ${large} ms`);
  }
});

Deno.test("loadConfig() refuses a file that is larger than a plan can be", async () => {
  const [problem] = await problemsOf({ yaml: `leaseDuration: 5s\n${"# x\n".repeat(300_000)}` });
  assert.match(
    problem!,
    /^config = "\/c.yaml" .*it has 1200018 characters; right would be: at most/,
  );
});

Deno.test("loadConfig() knows names with commas in only, as instances with namespaces have them", async () => {
  const yaml = "instances:\n- {loadBalancerClass: x, namespaces: [a, b]}\n" +
    "- {loadBalancerClass: y, namespaces: [a, b]}\n- {loadBalancerClass: z}\n";
  const names = async (...only: string[]) =>
    (await load({ yaml, flags: only.map((name): [string, string] => ["only", name]) })).config
      .instances
      .map(({ name }) => name);
  assert.deepEqual(await names("x@a,b"), ["x@a,b"]);
  assert.deepEqual(await names("z,y@a,b", "x@a,b"), ["x@a,b", "y@a,b", "z"]);
  const [problem, ...more] = await problemsOf({ yaml, flags: { only: "x@a,c" } });
  assert.match(
    problem!,
    /^only = "x@a" .*no instance has this name; right would be: one of x@a,b, y@a,b, z$/,
  );
  assert.equal(more.length, 1);
});

Deno.test("loadConfig() warns of an instance in a list that names no class, unless it is said", async () => {
  const warningsOf = async (entry: string, top = "") =>
    (await load({ yaml: `${top}instances:\n- {loadBalancerClass: a}\n- ${entry}\n` })).warnings;
  assert.deepEqual(await warningsOf("interface: eth0\n  name: b"), [
    "file /c.yaml:3: instance b has no loadBalancerClass, so it serves exactly the Services " +
    'without a class; loadBalancerClass: "" says that this is meant',
  ]);
  assert.match((await warningsOf("{}")).join(), /^file \/c.yaml:1: instance classless has no/);
  assert.deepEqual(await warningsOf('{loadBalancerClass: ""}'), []);
  assert.deepEqual(await warningsOf("{controlPlane: true, address: 10.0.0.10}"), []);
  assert.deepEqual((await load({ yaml: "interface: eth0\n" })).warnings, []);
});
