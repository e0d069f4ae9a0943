import assert from "node:assert/strict";
import { classvipCommand } from "../lab/agent.ts";
import type { LabHost } from "../lab/host.ts";
import { kubeconfig } from "../lab/kubeconfig.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { logged, type Stage } from "../scenarios/stage.ts";
import { apply, build, findKustomize, type Manifest } from "./manifests.ts";
import type { RealPlane } from "./real_plane.ts";

const DEPLOY = new URL("../../deploy/kubernetes", import.meta.url).pathname;

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
      const accounts = shipped.map(accountOf);
      const requests = (await stage.world.plane.requests())
        .filter(({ user }) => accounts.includes(user));
      assert.deepEqual(requests.filter(({ status }) => status === 403), []);
      // Nothing is granted that nobody uses.
      const used = new Set(requests.map(({ right }) => right));
      for (const right of grantedTo(manifests, "classvip-public-prod")) {
        assert.ok(used.has(right), `"${right}" is granted and was never used`);
      }
    },
  },
  {
    name: "a right is missing: said with verb and resource, and waited for",
    async run(stage) {
      const path = await tokenFile(stage, stage.namespace, "stranger", true);
      const agent = await stage.startAgent(stage.nodes[0]!, { kubeconfig: path });
      const { reason } = await logged(agent, "does not stand");
      assert.match(
        String(reason),
        /^Not allowed to list leases in namespace "\S+": the Role .* must grant verb "list" on resource "leases" in API group "coordination.k8s.io"/,
      );
      assert.equal((await agent.terminate()).code, 0);
      const look = stage.nodes[0]!.spawn([
        ...await classvipCommand(),
        "classes",
        `--kubeconfig=${path}`,
      ]);
      assert.equal((await look.status).code, 1);
      assert.match(
        look.text,
        /^classvip: Not allowed to list leases in all namespaces: .*must grant/,
      );
    },
  },
];

/** Runs what a DaemonSet says, with the rights that its pods have, through a whole life. */
async function serve(stage: Stage<RealPlane>, daemonSet: Manifest): Promise<void> {
  const [container] = daemonSet["spec"].template.spec.containers;
  const env: Record<string, string> = {};
  for (const { name, value } of container.env) if (value !== undefined) env[name] = value;
  const { namespace } = daemonSet.metadata;
  const { serviceAccountName } = daemonSet["spec"].template.spec;
  const path = await tokenFile(stage, namespace!, serviceAccountName);
  const start = (node: LabHost) =>
    stage.run(node, { kubeconfig: path, env: { ...env, POD_NAMESPACE: namespace! } });
  const className = env["CLASSVIP_LOAD_BALANCER_CLASS"]!;

  const [vip, broken] = [stage.freshVip(), "127.0.0.1"];
  const service = await stage.createService({ addresses: vip, class: className });
  const refused = await stage.createService({ addresses: broken, class: className });
  const agent = await start(stage.nodes[0]!);
  await stage.served(service, vip, stage.nodes[0]);
  await stage.event("Service", service, "Announced");
  await stage.event("Service", refused, "AddressRefused");
  await logged(await start(stage.nodes[1]!), "another holder is seen");
  await agent.terminate();
  await stage.served(service, vip, stage.nodes[1]);
  // An annotation that says to leave it alone: its status is cleared by reading it first.
  await stage.kube.patch("Service", service, {
    metadata: { annotations: { "classvip.io/ignore": "true" } },
  });
  await stage.gone(vip);
  await stage.status(service, []);
  await stage.event("Service", service, "Withdrawn");
}

/** Makes a kubeconfig with a token of a ServiceAccount and nothing else. @returns its path. */
async function tokenFile(
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

function accountOf({ metadata, spec }: Manifest): string {
  const { serviceAccountName } = spec.template.spec;
  return `system:serviceaccount:${metadata.namespace}:${serviceAccountName}`;
}

/** "verb resource" of every rule of the roles with this name. */
function grantedTo(manifests: readonly Manifest[], role: string): string[] {
  return manifests.filter(({ kind, metadata }) => kind.endsWith("Role") && metadata.name === role)
    .flatMap(({ rules }) => rules)
    .flatMap(({ verbs, resources }: { verbs: string[]; resources: string[] }) =>
      verbs.flatMap((verb) => resources.map((resource) => `${verb} ${resource}`))
    );
}
