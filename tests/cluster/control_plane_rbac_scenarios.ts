import assert from "node:assert/strict";
import { cli } from "../cli/cli_helper.ts";
import { classvipCommand } from "../lab/agent.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { DEADLINE_MS, logged, type Stage, until } from "../scenarios/stage.ts";
import { apply, type Manifest, objectsIn } from "./manifests.ts";
import { describe, rightsOf, tokenFile, without } from "./rbac_scenarios.ts";
import type { AuditedRequest, RealPlane } from "./real_plane.ts";

const NAME = "classvip-control-plane";

/** The rights for the control plane's VIP; deploy/control-plane/rbac.yaml grants the same. */
export const controlPlaneRbacScenarios: Scenario<RealPlane>[] = [
  {
    name: "rights for the control plane's VIP: every one is used, and no other",
    async run(stage) {
      const { roles, account } = await install(stage);
      const { kubeconfig, flags } = await settings(stage);
      const [one, two] = stage.nodes;
      const first = await stage.run(one!, { kubeconfig, flags });
      await logged(first, "announces a VIP");
      const second = await stage.run(two!, { kubeconfig, flags });
      await logged(second, "another holder is seen");
      const command = one!.spawn([
        ...await classvipCommand(),
        ...["handover", `--to=${two!.name}`, `--kubeconfig=${kubeconfig}`, ...flags],
      ]);
      assert.ok((await command.status).success, command.text);
      await logged(second, "announces a VIP");
      const granted = new Set(roles.flatMap(rightsOf).map(describe));
      assert.equal(granted.size, 10, [...granted].join());
      await until("every right is used", async () => {
        const used = new Set((await requestsOf(stage, account)).map(rightOf));
        return [...granted].every((right) => used.has(right)) || undefined;
      });
      const requests = await requestsOf(stage, account);
      assert.deepEqual(requests.filter(({ status }) => status === 403), []);
      for (const request of requests) {
        const right = rightOf(request);
        assert.ok(granted.has(right), `"${right}" is not granted`);
      }
    },
  },
  {
    name: "rights for the control plane's VIP: without any one of them a request is refused",
    async run(stage) {
      const { roles, account } = await install(stage);
      const { kubeconfig, flags } = await settings(stage);
      const node = stage.nodes[0]!;
      for (const right of roles.flatMap(rightsOf)) {
        const wanted = describe(right);
        await apply(stage.kube, [without(right)]);
        const lease = { metadata: { namespace: stage.namespace, name: NAME } };
        if (wanted === "create leases") await stage.kube.delete("Lease", lease);
        const before = (await requestsOf(stage, account)).length;
        const agent = await stage.run(node, { kubeconfig, flags });
        // Reading one Lease is what the command does.
        if (wanted === "get leases") {
          const command = node.spawn([
            ...await classvipCommand(),
            ...["handover", "--to=nobody", `--kubeconfig=${kubeconfig}`, ...flags],
          ]);
          assert.equal((await command.status).code, 5, command.text);
        }
        await until(`a request is refused without "${wanted}"`, async () => {
          const since = (await requestsOf(stage, account)).slice(before);
          return since.some((one) => one.status === 403 && rightOf(one) === wanted) || undefined;
        }, 2 * DEADLINE_MS);
        await agent.terminate();
        await apply(stage.kube, [right.role]);
      }
    },
  },
];

async function install(stage: Stage<RealPlane>): Promise<{ roles: Manifest[]; account: string }> {
  const { code, out, err } = await cli([
    ...["manifest", "rbac", "--controlPlane", "--address=192.0.2.1"],
    `--namespace=${stage.namespace}`,
  ]);
  assert.equal(code, 0, err);
  const objects = objectsIn(out);
  await apply(stage.kube, objects);
  // Everybody may ask for it, by these: the role must do without.
  const bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
  for (const name of ["system:discovery", "system:public-info-viewer", "system:monitoring"]) {
    const binding = await stage.kube.request<{ metadata: object }>("GET", `${bindings}/${name}`);
    const { resourceVersion: _, uid: __, ...metadata } = binding.metadata as Record<string, string>;
    await stage.kube.request("DELETE", `${bindings}/${name}`);
    stage.defer(async () =>
      void await stage.kube.request("POST", bindings, { ...binding, metadata })
    );
  }
  // The API servers keep it themselves, but for this one.
  const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
  await stage.kube.request("POST", slices, {
    metadata: { name: "kubernetes", labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: "IPv4",
    endpoints: [],
    ports: [],
  });
  stage.defer(async () => void await stage.kube.request("DELETE", `${slices}/kubernetes`));
  return {
    roles: objects.filter(({ kind }) => kind.endsWith("Role")),
    account: `system:serviceaccount:${stage.namespace}:${NAME}`,
  };
}

async function settings(
  stage: Stage<RealPlane>,
): Promise<{ kubeconfig: string; flags: string[] }> {
  return {
    kubeconfig: await tokenFile(stage, stage.namespace, NAME),
    flags: [
      "--controlPlane",
      `--address=${stage.freshVip()}`,
      `--kubernetesServer=${stage.world.plane.url}`,
      `--leaseNamespace=${stage.namespace}`,
      "--leaseDuration=3s",
    ],
  };
}

/** But for the version, which any cluster tells to all, and which may stay untold. */
async function requestsOf(stage: Stage<RealPlane>, account: string): Promise<AuditedRequest[]> {
  return (await stage.world.plane.requests()).filter(({ user, path }) =>
    user === account && path !== "/version"
  );
}

/** As a role grants it. */
function rightOf({ right, path }: AuditedRequest): string {
  return right.endsWith(" ") ? `${right}${path}` : right;
}
