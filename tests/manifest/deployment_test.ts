import assert from "node:assert/strict";
import { portOf } from "../../lib/manifest/deployment.ts";
import { cli } from "../cli/cli_helper.ts";
import { type Manifest, objectsIn } from "../cluster/manifests.ts";

async function manifest(kind: string, ...flags: string[]): Promise<Manifest[]> {
  return objectsIn(await printed(kind, flags));
}

async function printed(kind: string, flags: string[], plan = ""): Promise<string> {
  const args = ["manifest", kind, ...flags];
  const { code, out, err } = await cli(args, { NODE_NAME: "here" }, { "/plan.yaml": plan });
  assert.equal(code, 0, err);
  return out;
}

async function podOf(...flags: string[]) {
  const objects = await manifest("daemonset", ...flags);
  return objects.find(({ kind }) => kind === "DaemonSet")!["spec"].template.spec;
}

Deno.test("portOf() stays the same, within its range", () => {
  assert.equal(portOf("classvip-public-prod"), 21804);
  for (let i = 0; i < 1000; i++) {
    const port = portOf(`classvip-${i}`);
    assert.ok(port >= 21120 && port < 22120, `${port}`);
  }
});

Deno.test("planDeployment() carries the settings that were chosen, not those of this machine", async () => {
  const { containers: [container] } = await podOf(
    "--nodeName=here",
    "--kubeconfig=/here",
    "--loadBalancerClass=a",
    '--leaseAnnotations={"x":"y"}',
  );
  assert.deepEqual(container.args, [
    "run",
    `--httpAddress=127.0.0.1:${portOf("classvip-a")}`,
    '--leaseAnnotations={"x":"y"}',
    "--loadBalancerClass=a",
  ]);
});

Deno.test("planDeployment() names all objects as it is told, whatever comes first in the plan", async () => {
  const [one, two] = ["- {loadBalancerClass: one}\n", "- {loadBalancerClass: two}\n"];
  const of = async (instances: string, ...flags: string[]) => {
    const text = await printed("daemonset", ["--config=/plan.yaml", ...flags], instances);
    const names = objectsIn(text).filter(({ kind }) => kind !== "Namespace")
      .map(({ kind, metadata: { name } }) => `${kind} ${name}`);
    return { text, names: [...new Set(names)].sort() };
  };
  const first = await of(`instances:\n${one}${two}`, "--name=all");
  assert.deepEqual(first.names, [
    "ClusterRole classvip-system:all",
    "ClusterRoleBinding classvip-system:all",
    "ConfigMap all-plan",
    "DaemonSet all",
    "Role classvip-system:all",
    "RoleBinding classvip-system:all",
    "ServiceAccount all",
  ]);
  assert.deepEqual((await of(`instances:\n${two}${one}`, "--name=all")).names, first.names);
  const unnamed = await of(`instances:\n${one}${two}`);
  assert.ok(unnamed.names.includes("DaemonSet classvip-one"));
  assert.match(unnamed.text, /^# .*with --name=classvip-one they still are/m);
  for (const quiet of [first, await of(`instances:\n${one}`)]) {
    assert.ok(!quiet.text.includes("--name="), "nothing to recall");
  }
});

Deno.test("podSpec() mounts what fast failover needs, and nothing without it", async () => {
  assert.equal((await podOf("--loadBalancerClass=a")).volumes, undefined);
  const fast = await podOf("--fastFailover", "--beaconKeyFile=/k/a.key", "--interface=eth0");
  assert.deepEqual(fast.volumes.map(({ name }: { name: string }) => name), ["tun", "beacon-keys"]);
  assert.equal(fast.volumes[1].secret.defaultMode, 0o400);
});

Deno.test("rbac() grants writes only where the instance serves", async () => {
  const rules = async (...flags: string[]) =>
    (await manifest("rbac", ...flags)).filter(({ kind }) => kind.endsWith("Role"))
      .map(({ kind, metadata, rules }) => [
        kind,
        metadata.namespace,
        rules.flatMap(({ resources }: { resources: string[] }) => resources).join(),
      ]);
  assert.deepEqual(await rules("--leaseName=a", "--namespaces=shop", "--namespace=vips"), [
    ["ClusterRole", undefined, "services,nodes,leases"],
    ["Role", "shop", "services,services/status,events"],
    ["Role", "vips", "leases,leases,events"],
  ]);
  assert.deepEqual(await rules("--leaseName=a", "--namespace=vips"), [
    ["ClusterRole", undefined, "services,nodes,leases,services,services/status,events"],
    ["Role", "vips", "leases,leases"],
  ]);
});

Deno.test("rulesOf() for the control plane's VIP is the role that is shipped, and nothing of Services", async () => {
  const flags = ["--controlPlane", "--address=192.0.2.1", "--namespace=kube-system"];
  const rules = (objects: Manifest[]) =>
    objects.filter(({ kind }) => kind.endsWith("Role")).map(({ kind, metadata, rules }) => [
      `${kind} in ${metadata.namespace}`,
      rules.map((rule: unknown) => JSON.stringify(rule, Object.keys(rule as object).sort())).sort(),
    ]).sort();
  const shipped = await Deno.readTextFile("deploy/control-plane/rbac.yaml");
  assert.deepEqual(rules(await manifest("rbac", ...flags)), rules(objectsIn(shipped)));
});

Deno.test("staticPod() for the control plane's VIP does what the one that is shipped does", async () => {
  const [printed] = await manifest("static-pod", "--controlPlane", "--address=10.0.0.10");
  const [shipped] = objectsIn(await Deno.readTextFile("deploy/control-plane/static-pod.yaml"));
  // Its port is another, and so are the flags in another order.
  const comparable = ({ metadata: { name, namespace }, spec }: Manifest) => {
    const [{ securityContext, resources, volumeMounts, env, args }] = spec.containers;
    return {
      ...{ name, namespace, securityContext, resources, volumeMounts, volumes: spec.volumes },
      env: env.filter(({ name }: { name: string }) => name === "CLASSVIP_NODE_NAME"),
      flags: args.map((arg: string) => arg.replace(/=true$/, ""))
        .filter((arg: string) => !/^--(httpAddress|port)=/.test(arg)).sort(),
      network: [spec.hostNetwork, spec.dnsPolicy, spec.priorityClassName],
    };
  };
  assert.deepEqual(comparable(printed!), comparable(shipped!));
});
