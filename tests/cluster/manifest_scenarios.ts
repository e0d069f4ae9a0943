import assert from "node:assert/strict";
import { cli } from "../cli/cli_helper.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import type { Stage } from "../scenarios/stage.ts";
import { apply, type Manifest, objectsIn } from "./manifests.ts";
import type { RealPlane } from "./real_plane.ts";

const PLAN = `instances:
  - loadBalancerClass: public-prod
    poolConfigMap: kube-system/kubevip
  - loadBalancerClass: private-dev
    namespaces: [dev]
    fastFailover: true
    interface: eth1
    beaconKeyFile: /etc/classvip/beacon.key
  - controlPlane: true
    address: 192.0.2.1
    interface: eth1
`;

/** What `classvip manifest` prints, as a real API server sees it. */
export const manifestScenarios: Scenario<RealPlane>[] = [
  {
    name: "manifest of each kind: accepted, strictly, without a warning, and two never the same",
    async run(stage) {
      const { namespace } = stage;
      await label(stage, namespace, "privileged");
      await account(stage);
      const own = `--namespace=${namespace}`;
      const printed = [
        await print(["daemonset", own, "--config=/plan.yaml"]),
        await print(["daemonset", own, "--loadBalancerClass=example.com/a"]),
        await print(["static-pod", own, "--config=/plan.yaml"]),
        await print(["static-pod", own, "--controlPlane", "--address=192.0.2.1"]),
      ];
      await stage.kube.createNamespace("dev");
      for (const objects of printed) {
        for (const object of objects) {
          assert.deepEqual(await dryRun(stage, object), [], `${object.kind} has warnings`);
        }
      }
      // Side by side: nothing of the one is in the other.
      const names = printed.slice(0, 2).map((objects) =>
        new Set(
          objects.filter(({ kind }) => kind !== "Namespace").map(({ kind, metadata }) =>
            `${kind} ${metadata.namespace}/${metadata.name}`
          ),
        )
      );
      assert.deepEqual([...names[0]!.intersection(names[1]!)], []);
      const ports = printed.slice(0, 2).map((objects) =>
        objects.find(({ kind }) => kind === "DaemonSet")!["spec"].template.spec.containers[0]
          .ports[0].hostPort
      );
      assert.notEqual(ports[0], ports[1]);
    },
  },
  {
    name: "manifest and Pod Security: the namespace's label is needed, and is enough",
    async run(stage) {
      const objects = await print(["daemonset", `--namespace=${stage.namespace}`]);
      const { spec } = objects.find(({ kind }) => kind === "DaemonSet")!;
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "x", namespace: stage.namespace },
        spec: { ...spec.template.spec, serviceAccountName: "default" },
      };
      await account(stage);
      await label(stage, stage.namespace, "baseline");
      await assert.rejects(dryRun(stage, pod), /violates PodSecurity .*hostNetwork=true/);
      await apply(stage.kube, objects.filter(({ kind }) => kind === "Namespace"));
      assert.deepEqual(await dryRun(stage, pod), []);
    },
  },
];

async function print(args: string[]): Promise<Manifest[]> {
  const { code, out, err } = await cli(["manifest", ...args], {}, { "/plan.yaml": PLAN });
  assert.equal(code, 0, err);
  return objectsIn(out);
}

/** What a controller makes in every namespace. */
async function account({ kube, namespace }: Stage<RealPlane>): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await kube.request("POST", path, { metadata: { name: "default" } });
}

async function label(stage: Stage<RealPlane>, namespace: string, level: string): Promise<void> {
  await stage.kube.request("PATCH", `/api/v1/namespaces/${namespace}`, {
    metadata: { labels: { "pod-security.kubernetes.io/enforce": level } },
  });
}

/** Server-side dry run of a creation, with unknown and double fields refused. @returns its warnings */
async function dryRun(stage: Stage<RealPlane>, object: Manifest): Promise<string[]> {
  const { url, caCert, token } = stage.world.plane;
  const { apiVersion, kind, metadata: { namespace, name } } = object;
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  using client = Deno.createHttpClient({ caCerts: [caCert] });
  const response = await fetch(
    `${url}${root}${scope}/${kind.toLowerCase()}s/${name}?dryRun=All&fieldManager=test&force=true` +
      "&fieldValidation=Strict",
    {
      method: "PATCH",
      client,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/apply-patch+yaml",
      },
      body: JSON.stringify(object),
    },
  );
  const text = await response.text();
  if (!response.ok) throw new Error(`${kind} ${name}: ${response.status} ${text}`);
  const warning = response.headers.get("warning");
  return warning === null ? [] : [warning];
}
