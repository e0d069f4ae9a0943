import assert from "node:assert/strict";
import { KubeError } from "../../lib/kube/errors.ts";
import { cli } from "../cli/cli_helper.ts";
import { Kube } from "../scenarios/kube.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { type Stage, until } from "../scenarios/stage.ts";
import { apply, objectsIn } from "./manifests.ts";
import type { RealPlane } from "./real_plane.ts";

const LEASES = "/apis/coordination.k8s.io/v1";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";

/** What somebody may do who has the token of an agent: docs/security.md, "A stolen token". */
export const tokenScenarios: Scenario<RealPlane>[] = [
  {
    name: "a stolen token: statuses, Events, the Leases it names, and nothing else",
    async run(stage) {
      const flags = [`--loadBalancerClass=${stage.className}`, "--leaseName=mine"];
      const { account, token } = await install(stage, ...flags);
      assert.deepEqual(await rights(stage, token), [
        "create events",
        "create leases",
        "get leases mine",
        "get services",
        "list leases",
        "list nodes",
        "list services",
        "patch services/status",
        "update leases mine",
        "watch leases",
        "watch nodes",
        "watch services",
      ]);
      const { namespace } = stage;
      const service = (await stage.createService({ name: "web" })).metadata!;
      const elsewhere = await stage.kube.create("Service", {
        metadata: { namespace: "default", name: `${namespace}-web` },
        spec: { type: "LoadBalancer", loadBalancerClass: "x/y", ports: [{ port: 80 }] },
      });
      stage.defer(() => stage.kube.delete("Service", elsewhere));
      const here = `/api/v1/namespaces/${namespace}`;
      const web = `${here}/services/${service.name}`;
      const status = { status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } } };
      const lease = (name: string) => ({ metadata: { name } });
      const event = {
        metadata: { name: "x" },
        involvedObject: { kind: "Service", namespace, name: service.name },
      };
      const foreign = `${namespace}-foreign`;
      await stage.kube.create("Lease", { metadata: { namespace, name: foreign } });
      const mine = `${LEASES}/namespaces/${namespace}/leases`;

      const can: Attempt[] = [
        ["GET", "/api/v1/services"],
        ["GET", "/api/v1/nodes"],
        ["GET", `${LEASES}/leases`],
        ["PATCH", `${web}/status`, status],
        ["PATCH", `/api/v1/namespaces/default/services/${namespace}-web/status`, status],
        ["POST", `${here}/events`, event],
        ["POST", mine, lease("mine")],
        ["POST", mine, lease("another")],
        ["GET", `${mine}/mine`],
      ];
      const cannot: Attempt[] = [
        ["GET", "/api/v1/secrets"],
        ["GET", `${here}/secrets/x`],
        ["GET", "/api/v1/configmaps"],
        ["GET", "/api/v1/pods"],
        ["GET", "/api/v1/namespaces"],
        ["GET", "/apis/discovery.k8s.io/v1/endpointslices"],
        ["PATCH", web, { spec: { selector: { app: "thief" } } }],
        ["DELETE", web],
        ["POST", `${here}/services`, { metadata: { name: "x" }, spec: { ports: [{ port: 80 }] } }],
        ["POST", `${here}/pods`, { metadata: { name: "x" } }],
        ["POST", `${here}/endpoints`, { metadata: { name: "web" } }],
        ["PATCH", "/api/v1/nodes/x", { spec: { unschedulable: true } }],
        ["PATCH", "/api/v1/nodes/x/status", {}],
        ["PUT", `${mine}/${foreign}`, lease(foreign)],
        ["DELETE", `${mine}/mine`],
        ["POST", `${LEASES}/namespaces/kube-system/leases`, lease("x")],
        ["PUT", `${LEASES}/namespaces/kube-system/leases/kube-scheduler`, lease("x")],
        ["DELETE", `${here}/events/x`],
        ["POST", `${here}/serviceaccounts/default/token`, {}],
        ["PATCH", `${RBAC}/clusterroles/${namespace}:${account}`, { rules: [] }],
        ["POST", `${RBAC}/clusterrolebindings`, { metadata: { name: "x" } }],
      ];
      using thief = new Kube({ ...planeOf(stage), token });
      for (const attempt of can) assert.equal(await answer(thief, attempt), 200, attempt.join(" "));
      const held = await thief.get("Lease", { metadata: { namespace, name: "mine" } });
      await thief.request("PUT", `${mine}/mine`, { ...held, spec: { holderIdentity: "thief" } });
      for (const attempt of cannot) {
        assert.equal(await answer(thief, attempt), 403, attempt.join(" "));
      }
    },
  },
  {
    name: "a stolen token of an instance with namespaces: statuses and Events in those alone",
    async run(stage) {
      const { token } = await install(
        stage,
        `--loadBalancerClass=${stage.className}`,
        `--namespaces=${stage.namespace}`,
      );
      using thief = new Kube({ ...planeOf(stage), token });
      const write = (namespace: string): Attempt => [
        "PATCH",
        `/api/v1/namespaces/${namespace}/services/x/status`,
        {},
      ];
      assert.equal(await answer(thief, write(stage.namespace)), 404);
      assert.equal(await answer(thief, write("default")), 403);
      const event: Attempt = ["POST", "/api/v1/namespaces/default/events", {}];
      assert.equal(await answer(thief, event), 403);
    },
  },
  {
    name: "a stolen token of the control plane's VIP: nothing of Services",
    async run(stage) {
      const flags = ["--controlPlane", "--address=192.0.2.1", "--leaseName=cp"];
      const { token } = await install(stage, ...flags);
      assert.deepEqual(await rights(stage, token), [
        "create events",
        "create leases",
        "get leases cp",
        "list leases",
        "list nodes",
        "update leases cp",
        "watch leases",
        "watch nodes",
      ]);
      assert.deepEqual(await rights(stage, token, "default"), [
        "get endpointslices kubernetes",
        "list leases",
        "list nodes",
        "watch leases",
        "watch nodes",
      ]);
      using thief = new Kube({ ...planeOf(stage), token });
      for (const path of ["/api/v1/services", "/api/v1/secrets", "/metrics", "/logs/"]) {
        assert.equal(await answer(thief, ["GET", path]), 403, path);
      }
    },
  },
  {
    name: "the token of a pod ends with the pod",
    async run(stage) {
      const { namespace, kube } = stage;
      const here = `/api/v1/namespaces/${namespace}`;
      const { account } = await install(stage, `--loadBalancerClass=${stage.className}`);
      const pod = await kube.request<{ metadata: { name: string; uid: string } }>(
        "POST",
        `${here}/pods`,
        {
          metadata: { name: "agent" },
          spec: { serviceAccountName: account, containers: [{ name: "x", image: "x" }] },
        },
      );
      const boundObjectRef = { kind: "Pod", apiVersion: "v1", ...pod.metadata };
      const token = await tokenOf(stage, account, { boundObjectRef });
      using thief = new Kube({ ...planeOf(stage), token });
      const look: Attempt = ["GET", "/api/v1/services"];
      assert.equal(await answer(thief, look), 200);
      await kube.request("DELETE", `${here}/pods/agent?gracePeriodSeconds=0`);
      // The API server remembers for 10 s whom it knew.
      await until(
        "the token is refused",
        async () => await answer(thief, look) === 401 || undefined,
      );
    },
  },
];

type Attempt = readonly [method: string, path: string, body?: unknown];

function planeOf({ world: { plane: { url, caCert } } }: Stage<RealPlane>) {
  return { url, caCert };
}

/** @returns the status of the answer; 200 for each one that is good */
async function answer(kube: Kube, [method, path, body]: Attempt): Promise<number> {
  try {
    await kube.request(method, path, body);
    return 200;
  } catch (error) {
    if (error instanceof KubeError) return error.status;
    throw error;
  }
}

/** Applies the rights that belong to the settings. @returns the account, and a token of it */
async function install(
  stage: Stage<RealPlane>,
  ...flags: readonly string[]
): Promise<{ account: string; token: string }> {
  const args = ["manifest", "rbac", `--namespace=${stage.namespace}`, ...flags];
  const { code, out, err } = await cli(args);
  assert.equal(code, 0, err);
  const objects = objectsIn(out);
  await apply(stage.kube, objects);
  const account = objects.find(({ kind }) => kind === "ServiceAccount")!.metadata.name;
  return { account, token: await tokenOf(stage, account) };
}

async function tokenOf(stage: Stage<RealPlane>, account: string, spec = {}): Promise<string> {
  const { status } = await stage.kube.request<{ status: { token: string } }>(
    "POST",
    `/api/v1/namespaces/${stage.namespace}/serviceaccounts/${account}/token`,
    { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec },
  );
  return status.token;
}

/** What the API server says that a token may do in a namespace, but for what everybody may. */
async function rights(
  stage: Stage<RealPlane>,
  token: string,
  namespace = stage.namespace,
): Promise<string[]> {
  using kube = new Kube({ ...planeOf(stage), token });
  const { status } = await kube.request<{
    status: {
      resourceRules: {
        verbs: string[];
        apiGroups: string[];
        resources: string[];
        resourceNames?: string[];
      }[];
    };
  }>("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", { spec: { namespace } });
  return status.resourceRules
    .filter(({ apiGroups }) => !apiGroups.some((group) => /^auth.*\.k8s\.io$/.test(group)))
    .flatMap(({ verbs, resources, resourceNames = [""] }) =>
      verbs.flatMap((verb) =>
        resources.flatMap((resource) =>
          resourceNames.map((name) => `${verb} ${resource} ${name}`.trim())
        )
      )
    ).sort();
}
