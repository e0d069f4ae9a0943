import assert from "node:assert/strict";
import { cli } from "../cli/cli_helper.ts";
import { get, portOf } from "../scenarios/process.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { LEASE_SECONDS, logged, type Stage, until } from "../scenarios/stage.ts";
import { apply, objectsIn } from "./manifests.ts";
import { tokenFile } from "./rbac_scenarios.ts";
import type { RealPlane } from "./real_plane.ts";

/** A plan of the stage's class, with a pool. @returns its path */
async function planWith(stage: Stage<RealPlane>, pool: Record<string, unknown>): Promise<string> {
  const path = `${stage.world.dir}/${stage.namespace}-pools.yaml`;
  const plan = {
    leaseNamespace: stage.namespace,
    leaseDuration: `${LEASE_SECONDS}s`,
    instances: [{
      loadBalancerClass: stage.className,
      leaseName: stage.lease,
      interface: stage.nodes[0]!.interface,
      pools: [pool],
    }],
  };
  await Deno.writeTextFile(path, JSON.stringify(plan));
  return path;
}

/** Pools of a ConfigMap or by namespaces, which the lab's API server does not have. */
export const poolObjectScenarios: Scenario<RealPlane>[] = [
  {
    name: "pool of kube-vip-cloud-provider's ConfigMap: used as it is, followed when it changes",
    async run(stage) {
      const [first, second, third] = [stage.freshVip(), stage.freshVip(), stage.freshVip()];
      const configMaps = `/api/v1/namespaces/${stage.namespace}/configmaps`;
      const flags = [`--poolConfigMap=${stage.namespace}/kubevip`];
      const agent = await stage.startAgent(stage.nodes[0]!, { flags });
      await logged(agent, "the ConfigMap with the pools is not there", /no Service gets a new/);
      const service = await stage.createService();
      const { message } = await stage.event("Service", service, "NoPool");
      assert.match(message!, /^An address waits for its pool: the ConfigMap \S+kubevip with the/);
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
      await stage.kube.request("PATCH", `${configMaps}/kubevip`, {
        data: { [`range-${stage.namespace}`]: `${first}-${third}` },
      });
      await until("the third address is in the pool", async () => {
        const { body } = await get(stage.nodes[0]!, await portOf(agent), "/metrics");
        return /classvip_pool_addresses\{.*\} 3\n/.test(body) || undefined;
      });
    },
  },
  {
    name: "pool of a ConfigMap that is deleted: it counts on, a start without it waits for it",
    async run(stage) {
      const [first, second] = [stage.freshVip(), stage.freshVip()];
      const configMaps = `/api/v1/namespaces/${stage.namespace}/configmaps`;
      await stage.kube.request("POST", configMaps, {
        metadata: { name: "kubevip" },
        data: { "range-global": `${first}-${second}` },
      });
      const flags = [`--poolConfigMap=${stage.namespace}/kubevip`];
      const [here, there] = [stage.nodes[0]!, stage.nodes[1]!];
      const agent = await stage.startAgent(here, { flags });
      const service = await stage.createService();
      await stage.served(service, first, here);

      await stage.kube.request("DELETE", `${configMaps}/kubevip`);
      await logged(agent, "the ConfigMap with the pools is not there", /as they were last read/);
      const lease = { metadata: { namespace: stage.namespace, name: stage.lease } };
      await stage.event("Lease", lease, "PoolConfigMapMissing");
      const { body } = await get(here, await portOf(agent), "/metrics");
      assert.match(body, /classvip_pool_config_map_missing\{.*\} 1\n/);
      // Without pools it would have any address that it asks for.
      const outside = await stage.createService({ addresses: stage.freshVip() });
      const { message } = await stage.event("Service", outside, "AddressRefused");
      assert.match(message!, /it is in no pool of this instance \(range-global\)/);
      const late = await stage.createService();
      await stage.served(late, second, here);

      const next = await stage.startStandby(there, { flags });
      await agent.terminate();
      await stage.served(service, first, there);
      await stage.served(late, second, there);
      const waiting = await stage.createService();
      const { message: reason } = await stage.event("Service", waiting, "NoPool");
      assert.match(
        reason!,
        /the ConfigMap \S+kubevip with the pools of this instance is not there/,
      );
      await stage.assertUntouched(waiting);
      await stage.kube.request("POST", configMaps, {
        metadata: { name: "kubevip" },
        data: { "range-global": `${first}-${second}` },
      });
      await logged(next, "the ConfigMap with the pools is there again");
      await stage.event("Service", waiting, "AllocationFailed");
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
  {
    name:
      "pool by labels of namespaces: for those alone, followed when they change, kept meanwhile",
    async run(stage) {
      const vip = stage.freshVip();
      const namespaces = `/api/v1/namespaces/${stage.namespace}`;
      const label = (team: string | null) =>
        stage.kube.request("PATCH", namespaces, { metadata: { labels: { team } } });
      const pool = { name: "shop", addresses: [vip], namespaceSelector: { team: "shop" } };
      const node = stage.nodes[0]!;
      const plan = await planWith(stage, pool);
      // With the rights that are printed for this plan, and no more.
      const { out } = await cli(
        ["manifest", "daemonset", `--namespace=${stage.namespace}`, `--config=${plan}`],
        {},
        { [plan]: await Deno.readTextFile(plan) },
      );
      const manifests = objectsIn(out);
      await apply(stage.kube, manifests);
      const { name } = manifests.find(({ kind }) => kind === "ServiceAccount")!.metadata;
      const kubeconfig = await tokenFile(stage, stage.namespace, name);
      const flags = [`--config=${plan}`];
      const agent = await stage.run(node, { kubeconfig, interface: null, flags });
      const service = await stage.createService();
      const { message } = await stage.event("Service", service, "NoPool");
      assert.match(message!, /pool shop is for namespaces with team=shop/);
      await stage.assertUntouched(service);
      await label("shop");
      await stage.served(service, vip, node);
      await label(null);
      const late = await stage.createService();
      await stage.event("Service", late, "NoPool");
      stage.assertStayed(vip, node);
      const { body } = await get(node, await portOf(agent), "/readyz");
      assert.match(body, /"name":"Namespaces","ok":true/);
      const account = `system:serviceaccount:${stage.namespace}:${name}`;
      const requests = (await stage.world.plane.requests()).filter(({ user }) => user === account);
      assert.deepEqual(requests.filter(({ status }) => status === 403), []);
      assert.ok(requests.some(({ right }) => right === "watch namespaces"));
    },
  },
];
