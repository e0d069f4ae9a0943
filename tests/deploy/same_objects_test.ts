import assert from "node:assert/strict";
import { cli } from "../cli/cli_helper.ts";
import { build, findHelm, findKustomize, type Manifest, objectsIn } from "../cluster/manifests.ts";
import { run } from "../lab/command.ts";

const DEPLOY = new URL("../../deploy", import.meta.url).pathname;
const NAMESPACE = "classvip-system";
const PLAN = `leaseDuration: 5s
instances:
  - loadBalancerClass: public-prod
    leaseName: public
    namespaces: [shop, blog]
    poolConfigMap: kube-system/kubevip
    pools: [{ addresses: 192.0.2.16/28, namespaceSelector: { team: shop } }]
  - loadBalancerClass: example.com/internal
    leaseNamespace: tenant
    namespaces: dev
    leaseName: internal
    fastFailover: true
    interface: eth1
    beaconKeyFile: /etc/classvip/beacon.key
  - controlPlane: true
    address: 192.0.2.1
    interface: eth0
`;

const [kustomize, helm] = [await findKustomize(), await findHelm()];
const needs = (program: string | undefined, variable: string) => ({
  ignore: program === undefined,
  suffix: program === undefined ? ` (skipped: ${variable} names no program)` : "",
});

/** By kind and place, without namespaces: those stand apart in a chart and in bases. */
function byName(objects: readonly Manifest[]): Map<string, Manifest> {
  const named = objects.filter(({ kind }) => kind !== "Namespace")
    .map((object): [string, Manifest] => {
      const { kind, metadata } = object;
      return [`${kind} ${metadata.namespace ?? ""}/${metadata.name}`, object];
    }).sort(([a], [b]) => a < b ? -1 : 1);
  const byName = new Map(named);
  assert.equal(byName.size, named.length, `twice in:\n${named.map(([name]) => name).join("\n")}`);
  return byName;
}

async function manifest(flags: string[], files: Record<string, string> = {}): Promise<Manifest[]> {
  const { code, out, err } = await cli(["manifest", "daemonset", ...flags], {}, files);
  assert.equal(code, 0, err);
  return objectsIn(out);
}

async function chart(values: string[]): Promise<Manifest[]> {
  const args = ["template", "x", `${DEPLOY}/helm/classvip`, `--namespace=${NAMESPACE}`];
  return objectsIn(await run([helm!, ...args, "--kube-version=1.34.0", ...values]));
}

const kustomized = needs(kustomize, "KUSTOMIZE");
Deno.test({
  name: `deploy/kubernetes gives the objects of classvip manifest${kustomized.suffix}`,
  ignore: kustomized.ignore,
  async fn() {
    const wanted = [
      ...await manifest(["--loadBalancerClass=public-prod"]),
      ...await manifest(["--loadBalancerClass=private-dev"]),
    ];
    const built = await build(kustomize!, `${DEPLOY}/kubernetes`);
    assert.deepEqual(byName(built), byName(wanted));
    const namespaces = (objects: Manifest[]) => objects.filter(({ kind }) => kind === "Namespace");
    assert.deepEqual(namespaces(built), namespaces(wanted).slice(0, 1));
  },
});

const charted = needs(helm, "HELM");
const cases: { name: string; flags: string[] }[] = [
  { name: "a class", flags: ["--loadBalancerClass=public-prod"] },
  { name: "no class", flags: ["--namespaces=a,b", "--leaseName=x"] },
  {
    name: "fast failover, another port",
    flags: [
      "--loadBalancerClass=example.com/a",
      "--fastFailover=true",
      "--beaconKeyFile=/etc/keys/a.key",
      "--interface=eth1",
      "--httpAddress=[::]:8080",
      "--leaseNamespace=tenant",
    ],
  },
  {
    name: "the control plane's VIP",
    flags: ["--controlPlane=true", "--address=192.0.2.1"],
  },
  { name: "no HTTP, a ConfigMap with pools", flags: ["--httpAddress=off", "--poolConfigMap=a/b"] },
];
for (const { name, flags } of cases) {
  Deno.test({
    name: `deploy/helm gives the objects of classvip manifest: ${name}${charted.suffix}`,
    ignore: charted.ignore,
    async fn() {
      const values = flags.flatMap((flag) => {
        const [, key, value] = /^--([^=]+)=(.*)$/.exec(flag)!;
        return ["--set-string", `settings.${key}=${value!.replaceAll(",", "\\,")}`];
      });
      assert.deepEqual(byName(await chart(values)), byName(await manifest(flags)));
    },
  });
}

/** The objects of the plan, or of some of its instances, by the command and by the chart. */
async function ofPlan(
  only?: string,
  name?: string,
): Promise<{ printed: Manifest[]; charted: Manifest[] }> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, PLAN);
    const flags = [
      "--config=/here/plan.yaml",
      ...only === undefined ? [] : [`--only=${only}`],
      ...name === undefined ? [] : [`--name=${name}`],
    ];
    const values = [
      ...only === undefined ? [] : ["--set-string", `settings.only=${only.replaceAll(",", "\\,")}`],
      ...name === undefined ? [] : ["--set", `name=${name}`],
    ];
    return {
      printed: await manifest(flags, { "/here/plan.yaml": PLAN }),
      charted: await chart(["--set-file", `plan=${path}`, ...values]),
    };
  } finally {
    await Deno.remove(path);
  }
}

for (const only of [undefined, "public-prod@blog,shop", "control-plane"]) {
  const which = only === undefined ? "a plan" : `${only} of a plan`;
  Deno.test({
    name: `deploy/helm gives the objects of classvip manifest: ${which}${charted.suffix}`,
    ignore: charted.ignore,
    async fn() {
      const { printed, charted } = await ofPlan(only);
      assert.deepEqual(byName(charted), byName(printed));
    },
  });
}

Deno.test({
  name: `deploy/helm gives the objects of classvip manifest: a name for a plan${charted.suffix}`,
  ignore: charted.ignore,
  async fn() {
    const { printed, charted } = await ofPlan(undefined, "all-classes");
    assert.ok(byName(charted).has(`DaemonSet ${NAMESPACE}/all-classes`));
    assert.deepEqual(byName(charted), byName(printed));
  },
});

Deno.test({
  name: `deploy/helm never names an object of another release of one plan${charted.suffix}`,
  ignore: charted.ignore,
  async fn() {
    const [one, two] = [await ofPlan("control-plane"), await ofPlan("example.com/internal@dev")];
    assertApart(one.charted, two.charted);
    await assert.rejects(ofPlan("publc"), /no instance has this name/);
  },
});

Deno.test({
  name: `deploy/helm asks for a Lease name where it cannot find it${charted.suffix}`,
  ignore: charted.ignore,
  async fn() {
    await assert.rejects(
      chart(["--set", "settings.loadBalancerClass=Upper"]),
      /leaseName must be set for the class Upper/,
    );
  },
});

Deno.test({
  name: `deploy/helm refuses values that there are not${charted.suffix}`,
  ignore: charted.ignore,
  async fn() {
    for (const value of ["settings.priorty=50", "setings.priority=50"]) {
      await assert.rejects(chart(["--set", value]), /priorty|setings/, value);
    }
  },
});

/** Two processes in one namespace: of one class each, of a plan and of a class in no plan. */
const PAIRS: [string, string[], string[]][] = [
  ["two classes", ["--loadBalancerClass=a"], ["--loadBalancerClass=b"]],
  ["a class and its continuation", ["--loadBalancerClass=a"], ["--loadBalancerClass=a-plan"]],
  ["no class and one", [], ["--loadBalancerClass=a"]],
  ["tenants of a class", ["--namespaces=x"], ["--namespaces=y"]],
  ["two plans", ["--config=/one.yaml"], ["--config=/two.yaml"]],
  ["Services and the control plane", [], ["--controlPlane", "--address=192.0.2.1"]],
];
const PLANS = {
  "/one.yaml": "instances:\n- {loadBalancerClass: a}\n- {loadBalancerClass: b}\n",
  "/two.yaml": "instances:\n- {loadBalancerClass: c}\n- {loadBalancerClass: d}\n",
};
for (const [name, one, two] of PAIRS) {
  Deno.test(`classvip manifest never names an object, or a port, of another process: ${name}`, async () => {
    const [first, second] = [await manifest(one, PLANS), await manifest(two, PLANS)];
    assertApart(first, second);
  });
}

Deno.test({
  name: `deploy/helm never names an object, or a port, of another release${charted.suffix}`,
  ignore: charted.ignore,
  async fn() {
    assertApart(
      await chart(["--set", "settings.loadBalancerClass=a"]),
      await chart(["--set", "settings.loadBalancerClass=b"]),
    );
  },
});

Deno.test({
  name:
    `deploy/kubernetes never names an object, or a port, of another overlay${kustomized.suffix}`,
  ignore: kustomized.ignore,
  async fn() {
    const overlay = (name: string) => build(kustomize!, `${DEPLOY}/kubernetes/overlays/${name}`);
    assertApart(await overlay("public-prod"), await overlay("private-dev"));
  },
});

function assertApart(one: readonly Manifest[], two: readonly Manifest[]): void {
  const [first, second] = [byName(one), byName(two)];
  assert.ok(first.size > 0 && second.size > 0);
  assert.deepEqual([...first.keys()].filter((name) => second.has(name)), []);
  const resources = (objects: readonly Manifest[]) => {
    const [{ spec }] = objects.filter(({ kind }) => kind === "DaemonSet") as [Manifest];
    return {
      port: spec.template.spec.containers[0].ports[0].hostPort,
      labels: JSON.stringify(spec.selector.matchLabels),
      account: spec.template.spec.serviceAccountName,
    };
  };
  const [a, b] = [resources(one), resources(two)];
  for (const key of ["port", "labels", "account"] as const) assert.notEqual(a[key], b[key]);
}
