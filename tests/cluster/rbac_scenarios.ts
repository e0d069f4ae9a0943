import assert from "node:assert/strict";
import { cli } from "../cli/cli_helper.ts";
import type { Agent } from "../lab/agent.ts";
import { classvipCommand } from "../lab/agent.ts";
import type { LabHost } from "../lab/host.ts";
import { kubeconfig } from "../lab/kubeconfig.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { DEADLINE_MS, LEASE_SECONDS, logged, type Stage, until } from "../scenarios/stage.ts";
import { apply, build, findKustomize, type Manifest, objectsIn } from "./manifests.ts";
import type { RealPlane } from "./real_plane.ts";

const DEPLOY = new URL("../../deploy/kubernetes", import.meta.url).pathname;

/** One verb of one rule: what a role without it lacks. */
export interface Right {
  readonly role: Manifest;
  /** Index in the role. */
  readonly rule: number;
  readonly verb: string;
  readonly resource: string;
}

/** The rights that are shipped, enforced by a real API server. */
export const rbacScenarios: Scenario<RealPlane>[] = [
  {
    name: "manifests and rights as shipped: the whole path, and no request refused",
    skip: async () =>
      await findKustomize() === undefined
        ? "kustomize is neither on PATH nor named by KUSTOMIZE"
        : undefined,
    async run(stage) {
      const manifests = await build((await findKustomize())!, DEPLOY);
      await apply(stage.kube, manifests);
      const shipped = manifests.filter(({ kind }) => kind === "DaemonSet");
      assert.deepEqual(shipped.map(({ metadata }) => metadata.name).sort(), [
        "classvip-private-dev",
        "classvip-public-prod",
      ]);
      for (const daemonSet of shipped) await serve(stage, daemonSet);
      for (const daemonSet of shipped) await assertLeast(stage, manifests, daemonSet);
    },
  },
  {
    name: "rights of one namespace, with pools of a ConfigMap: every feature, and no more",
    async run(stage) {
      const manifests = await printed(stage);
      await apply(stage.kube, manifests);
      const daemonSet = manifests.find(({ kind }) => kind === "DaemonSet")!;
      const roles = manifests.filter(({ kind }) => kind === "ClusterRole");
      // What is written is written where the instance serves.
      assert.deepEqual(roles.flatMap((role) => rightsOf(role).map(describe)), [
        ...["list services", "watch services", "list nodes", "watch nodes"],
        ...["list leases", "watch leases"],
      ]);
      const vips = [stage.freshVip(), stage.freshVip()];
      await configMap(stage, vips);
      await serve(stage, daemonSet, vips[0]);
      const given = await stage.createService();
      const agent = await startAs(stage, daemonSet, stage.nodes[0]!);
      await until("an address of the pool", async () => {
        const { status } = await stage.kube.get("Service", given);
        return status?.loadBalancer?.ingress?.[0]?.ip;
      });
      await stage.event("Service", given, "Announced");
      await agent.terminate();
      await assertLeast(stage, manifests, daemonSet);
    },
  },
  {
    name: "a role without any one right: it breaks, and the right is named",
    async run(stage) {
      const manifests = await printed(stage);
      await apply(stage.kube, manifests);
      const daemonSet = manifests.find(({ kind }) => kind === "DaemonSet")!;
      const vip = stage.freshVip();
      await configMap(stage, [vip]);
      const roles = manifests.filter(({ kind }) => kind.endsWith("Role"));
      const rights = roles.flatMap(rightsOf);
      assert.ok(rights.length >= 14, `${rights.length}`);
      for (const right of rights) await assertNeeded(stage, right, daemonSet, vip);
    },
  },
  {
    name: "a right is missing: said with verb and resource, and waited for",
    async run(stage) {
      const path = await tokenFile(stage, stage.namespace, "stranger", true);
      const agent = await stage.startAgent(stage.nodes[0]!, { kubeconfig: path });
      const { error } = await agent.waitForLog(
        (line) => /leases in namespace/.test(String(line["error"])),
        DEADLINE_MS,
      );
      assert.match(
        String(error),
        /Not allowed to list leases in namespace "s\d+": the Role .* must grant verb "list" on resource "leases" in API group "coordination.k8s.io"/,
      );
      assert.equal((await agent.terminate()).code, 0);
      const look = stage.nodes[0]!.spawn([
        ...await classvipCommand(),
        "classes",
        `--kubeconfig=${path}`,
      ]);
      assert.equal((await look.status).code, 5);
      assert.match(
        look.text,
        /^classvip: Not allowed to list leases in all namespaces: .*must grant/,
      );
    },
  },
];

/** What `classvip manifest` prints for the stage's class, in the stage's namespace alone. */
async function printed({ className, namespace }: Stage<RealPlane>): Promise<Manifest[]> {
  const { code, out, err } = await cli([
    ...["manifest", "daemonset", `--namespace=${namespace}`],
    `--loadBalancerClass=${className}`,
    `--namespaces=${namespace}`,
    `--poolConfigMap=${namespace}/kubevip`,
    `--leaseDuration=${LEASE_SECONDS}s`,
  ]);
  assert.equal(code, 0, err);
  return objectsIn(out);
}

async function configMap(stage: Stage<RealPlane>, vips: readonly string[]): Promise<void> {
  await stage.kube.request("POST", `/api/v1/namespaces/${stage.namespace}/configmaps`, {
    metadata: { name: "kubevip" },
    data: { "range-global": vips.map((vip) => `${vip}-${vip}`).join(",") },
  });
}

/** Starts what a DaemonSet says on a node, with the rights that its pods have. */
async function startAs(
  stage: Stage<RealPlane>,
  { metadata, spec }: Manifest,
  node: LabHost,
): Promise<Agent> {
  const [container] = spec.template.spec.containers;
  const { serviceAccountName } = spec.template.spec;
  const path = await tokenFile(stage, metadata.namespace!, serviceAccountName);
  const [command, ...flags] = container.args;
  assert.equal(command, "run");
  return await stage.run(node, {
    kubeconfig: path,
    flags: [...flags, "--logLevel=debug"],
    env: { POD_NAMESPACE: metadata.namespace! },
  });
}

/** Runs what a DaemonSet says through a whole life. */
async function serve(
  stage: Stage<RealPlane>,
  daemonSet: Manifest,
  vip = stage.freshVip(),
): Promise<void> {
  const [container] = daemonSet["spec"].template.spec.containers;
  const settings = container.args.filter((arg: string) => /^--(loadB|namesp|lease)/.test(arg));
  const [, className] = /--loadBalancerClass=(\S+)/.exec(container.args.join(" "))!;
  const service = await stage.createService({ addresses: vip, class: className! });
  const refused = await stage.createService({ addresses: "127.0.0.1", class: className! });
  const agent = await startAs(stage, daemonSet, stage.nodes[0]!);
  await stage.served(service, vip, stage.nodes[0]);
  await stage.event("Service", service, "Announced");
  await stage.event("Service", refused, "AddressRefused");
  const lease = {
    metadata: { name: daemonSet.metadata.name, namespace: daemonSet.metadata.namespace! },
  };
  await stage.event("Lease", lease, "Elected");
  await logged(await startAs(stage, daemonSet, stage.nodes[1]!), "another holder is seen");
  // Asked for by the same account, as somebody does in a pod.
  const { metadata: { namespace: own }, spec } = daemonSet;
  const path = await tokenFile(stage, own!, spec.template.spec.serviceAccountName);
  const command = stage.nodes[0]!.spawn([
    ...await classvipCommand(),
    ...["handover", `--to=${stage.nodes[1]!.name}`, `--kubeconfig=${path}`],
    `--leaseNamespace=${own}`,
    ...settings,
  ]);
  assert.ok((await command.status).success, command.text);
  await stage.served(service, vip, stage.nodes[1]);
  await agent.terminate();
  const { users: [{ user: { token } }] } = JSON.parse(await Deno.readTextFile(path));
  assert.ok(agent.logs.some(({ level }) => level === "debug"));
  for (const { text } of [agent, command]) assert.ok(!text.includes(token), "the token is told");
  // An annotation that says to leave it alone: its status is cleared by reading it first.
  await stage.kube.patch("Service", service, {
    metadata: { annotations: { "classvip.io/ignore": "true" } },
  });
  await stage.gone(vip);
  await stage.status(service, []);
  await stage.event("Service", service, "Withdrawn");
}

/** Checks that nothing was refused, and that nothing is granted that nobody used. */
async function assertLeast(
  stage: Stage<RealPlane>,
  manifests: readonly Manifest[],
  daemonSet: Manifest,
): Promise<void> {
  const { serviceAccountName } = daemonSet["spec"].template.spec;
  const account = `system:serviceaccount:${daemonSet.metadata.namespace}:${serviceAccountName}`;
  const requests = (await stage.world.plane.requests()).filter(({ user }) => user === account);
  assert.ok(requests.length > 0);
  assert.deepEqual(requests.filter(({ status }) => status === 403), []);
  const used = new Set(requests.map(({ right }) => right));
  const name = `${daemonSet.metadata.namespace}:${serviceAccountName}`;
  const roles = manifests.filter(({ kind, metadata }) =>
    kind.endsWith("Role") && metadata.name === name
  );
  const granted = new Set(roles.flatMap(rightsOf).map(describe));
  for (const right of granted) assert.ok(used.has(right), `"${right}" is granted and never used`);
  for (const right of used) {
    assert.ok(granted.has(right) || right === "get ", `"${right}" is used and not granted`);
  }
}

export function rightsOf(role: Manifest): Right[] {
  const rules: { verbs: string[]; resources?: string[]; nonResourceURLs?: string[] }[] =
    role["rules"];
  return rules.flatMap(({ verbs, resources = [], nonResourceURLs = [] }, rule) =>
    verbs.flatMap((verb) =>
      [...resources, ...nonResourceURLs].map((resource) => ({ role, rule, verb, resource }))
    )
  );
}

export function describe({ verb, resource }: Pick<Right, "verb" | "resource">): string {
  return `${verb} ${resource}`;
}

/** @returns the role as it is without the right */
export function without({ role, rule, verb }: Right): Manifest {
  const rules = role["rules"].map((one: { verbs: string[] }, i: number) =>
    i === rule ? { ...one, verbs: one.verbs.filter((other) => other !== verb) } : one
  ).filter(({ verbs }: { verbs: string[] }) => verbs.length > 0);
  return { ...role, rules };
}

/** Takes one right away, runs an agent until it says so, and gives it back. */
async function assertNeeded(
  stage: Stage<RealPlane>,
  right: Right,
  daemonSet: Manifest,
  vip: string,
): Promise<void> {
  const { role, verb, resource } = right;
  await apply(stage.kube, [without(right)]);
  const className = /--loadBalancerClass=(\S+)/
    .exec(daemonSet["spec"].template.spec.containers[0].args.join(" "))![1]!;
  const service = await stage.createService({ addresses: vip, class: className });
  if (describe(right) === "create leases") {
    const { name, namespace } = daemonSet.metadata;
    await stage.kube.delete("Lease", { metadata: { name, namespace: namespace! } });
  }
  const agent = await startAs(stage, daemonSet, stage.nodes[0]!);
  const says = `must grant verb "${verb}" on resource "${resource}"`;
  const missed = agent.waitForLog((line) =>
    JSON.stringify(Object.values(line)).replaceAll("\\", "")
      .includes(says), DEADLINE_MS);
  // Reading a Service is needed for what is not served any more.
  void agent.waitForLog((line) => line["message"] === "wrote a status", DEADLINE_MS).then(() =>
    stage.kube.patch("Service", service, {
      metadata: { annotations: { "classvip.io/ignore": "true" } },
    })
  ).catch(() => {});
  try {
    await missed;
  } catch (error) {
    throw new Error(`nothing is missed without "${describe(right)}" of ${role.kind}`, {
      cause: error,
    });
  }
  await agent.terminate();
  await stage.kube.delete("Service", service);
  await apply(stage.kube, [role]);
}

/** Makes a kubeconfig with a token of a ServiceAccount and nothing else. @returns its path. */
export async function tokenFile(
  stage: Stage,
  namespace: string,
  account: string,
  make = false,
): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  if (make) await stage.kube.request("POST", accounts, { metadata: { name: account } });
  const { status } = await stage.kube.request<{ status: { token: string } }>(
    "POST",
    `${accounts}/${account}/token`,
    { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  );
  const { url: server, caCert } = stage.world.plane;
  const path = `${stage.world.dir}/${namespace}-${account}`;
  await Deno.writeTextFile(path, kubeconfig({ server, caCert, token: status.token }));
  return path;
}
