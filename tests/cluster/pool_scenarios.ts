import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import type { Scenario } from "../scenarios/scenario.ts";
import { logged } from "../scenarios/stage.ts";
import type { Manifest } from "./manifests.ts";
import type { RealPlane } from "./real_plane.ts";

const RBAC = new URL("../../deploy/kubernetes/kube-vip-pools/rbac.yaml", import.meta.url);

/** Pools of a ConfigMap, which the lab's API server does not have. */
export const poolConfigMapScenarios: Scenario<RealPlane>[] = [
  {
    name: "pool of kube-vip-cloud-provider's ConfigMap: used as it is, followed when it changes",
    async run(stage) {
      const [first, second] = [stage.freshVip(), stage.freshVip()];
      const configMaps = `/api/v1/namespaces/${stage.namespace}/configmaps`;
      const flags = [`--poolConfigMap=${stage.namespace}/kubevip`];
      const agent = await stage.startAgent(stage.nodes[0]!, { flags });
      await logged(
        agent,
        "the ConfigMap with the pools is not there: nobody gets an address from it",
      );
      const service = await stage.createService();
      await stage.event("Service", service, "NoPool");
      await stage.kube.request("POST", configMaps, {
        metadata: { name: "kubevip" },
        data: { [`range-${stage.namespace}`]: `${first}-${first}`, dhcp: "x" },
      });
      await stage.served(service, first);
      await logged(agent, "the ConfigMap with the pools asks for what has no effect", /^dhcp: /);
      const later = await stage.createService();
      await stage.event("Service", later, "AllocationFailed");
      await stage.kube.request("PATCH", `${configMaps}/kubevip`, {
        data: { [`range-${stage.namespace}`]: `${first}-${second}` },
      });
      await stage.served(later, second);
    },
  },
  {
    name: "pool of a ConfigMap: the right to one name is enough",
    async run(stage) {
      const account = `/api/v1/namespaces/${stage.namespace}/serviceaccounts`;
      await stage.kube.request("POST", account, { metadata: { name: "reader" } });
      for (const document of parseAllDocuments(await Deno.readTextFile(RBAC))) {
        const manifest: Manifest = document.toJS();
        const { namespace } = manifest.metadata;
        const subjects = [{ kind: "ServiceAccount", name: "reader", namespace: stage.namespace }];
        const path = `/apis/${manifest.apiVersion}/namespaces/${namespace}/` +
          `${manifest.kind.toLowerCase()}s`;
        await stage.kube.request("POST", path, {
          ...manifest,
          ...(manifest.kind === "RoleBinding" && { subjects }),
        });
      }
      const { status } = await stage.kube.request<{ status: { token: string } }>(
        "POST",
        `${account}/reader/token`,
        { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
      );
      const { url, caCert } = stage.world.plane;
      using client = Deno.createHttpClient({ caCerts: [caCert] });
      const read = async (query: string) => {
        const response = await fetch(`${url}/api/v1/namespaces/kube-system/configmaps${query}`, {
          client,
          headers: { authorization: `Bearer ${status.token}` },
        });
        await response.body?.cancel();
        return response.status;
      };
      const one = "?fieldSelector=metadata.name%3Dkubevip";
      assert.equal(await read(one), 200);
      assert.equal(await read(`${one}&watch=true&timeoutSeconds=1`), 200);
      assert.equal(await read(""), 403);
    },
  },
];
