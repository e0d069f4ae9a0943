import type { Scenario } from "../scenarios/scenario.ts";
import { logged } from "../scenarios/stage.ts";
import type { RealPlane } from "./real_plane.ts";

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
    name: "pool of one ConfigMap for two instances with namespaces: each takes what is for its own",
    async run(stage) {
      const [mine, theirs] = [stage.freshVip(), stage.freshVip()];
      const other = `${stage.namespace}-other`;
      await stage.kube.createNamespace(other);
      await stage.layLease("other-vip");
      await stage.kube.request("POST", `/api/v1/namespaces/${stage.namespace}/configmaps`, {
        metadata: { name: "kubevip" },
        data: { [`cidr-${stage.namespace}`]: `${mine}/32`, [`cidr-${other}`]: `${theirs}/32` },
      });
      const flags = (namespace: string) => [
        `--poolConfigMap=${stage.namespace}/kubevip`,
        `--namespaces=${namespace}`,
      ];
      const node = stage.nodes[0]!;
      await stage.startAgent(node, { flags: flags(stage.namespace) });
      await stage.served(await stage.createService(), mine, node);
      // The younger Lease gives out nothing that is in pools of the older.
      await stage.startAgent(node, { lease: "other-vip", flags: flags(other) });
      await stage.served(await stage.createService({ namespace: other }), theirs, node);
    },
  },
];
