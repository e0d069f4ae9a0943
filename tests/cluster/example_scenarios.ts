import assert from "node:assert/strict";
import { KubeError } from "../../lib/kube/errors.ts";
import { type Agent, classvipCommand } from "../lab/agent.ts";
import { get, portOf } from "../scenarios/process.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { DEADLINE_MS, type Stage, until } from "../scenarios/stage.ts";
import { apply, type Manifest, objectsIn, remove } from "./manifests.ts";
import type { RealPlane } from "./real_plane.ts";

const EXAMPLES = new URL("../../deploy/examples/", import.meta.url).pathname;

/** Applies a file of the examples. @returns its Services by `namespace/name` */
async function applied(stage: Stage<RealPlane>, file: string): Promise<Map<string, Manifest>> {
  const manifests = objectsIn(await Deno.readTextFile(`${EXAMPLES}${file}`));
  await apply(stage.kube, manifests);
  const services = manifests.filter(({ kind }) => kind === "Service");
  for (const service of services) {
    stage.defer(() => stage.kube.delete("Service", service).catch(() => {}));
  }
  return new Map(
    services.map((one) => [`${one.metadata.namespace}/${one.metadata.name}`, one]),
  );
}

/** Runs a plan of the examples on a node of the subnet that its addresses are of (RFC 5737). */
async function follow(stage: Stage<RealPlane>, file: string): Promise<Agent> {
  const node = stage.nodes[0]!;
  const own = ["192.0.2.250/24", "dev", node.interface];
  await node.exec(["ip", "address", "add", ...own]);
  stage.defer(async () => void await node.exec(["ip", "address", "del", ...own]));
  return await stage.run(node, {
    kubeconfig: stage.world.kubeconfig,
    interface: null,
    flags: [`--config=${EXAMPLES}${file}`],
  });
}

/** The worked examples of docs/classes.md, as they are. */
export const exampleScenarios: Scenario<RealPlane>[] = [
  {
    name: "worked example: the plan and its Services as shipped are served, class by class",
    async run(stage) {
      const services = await applied(stage, "services.yaml");
      const node = stage.nodes[0]!;
      const agent = await follow(stage, "plan.yaml");
      const vips = {
        "shop/web": "192.0.2.16",
        "shop/orders": "192.0.2.65",
        "dev/web": "192.0.2.48",
      };
      assert.deepEqual(Object.keys(vips), [...services.keys()]);
      for (const [key, vip] of Object.entries(vips)) {
        await stage.served(services.get(key)!, vip, node);
        await stage.event("Service", services.get(key)!, "Announced");
      }
      const command = node.spawn<unknown>([
        ...await classvipCommand(),
        "config",
        `--config=${EXAMPLES}plan.yaml`,
        "--only=private-dev",
      ]);
      await command.status;
      await until("the plan is shown", () =>
        Promise.resolve(
          /instance private-dev[^]*maxVips +50 +file \S+plan\.yaml:\d+/.test(command.text) ||
            undefined,
        ), DEADLINE_MS);
      await agent.terminate();
      for (const vip of Object.values(vips)) await stage.gone(vip);
    },
  },
  {
    name: "worked example: one class, an instance for each tenant, with pools of its own",
    async run(stage) {
      const services = await applied(stage, "tenants-services.yaml");
      const node = stage.nodes[0]!;
      const agent = await follow(stage, "tenants.yaml");
      await stage.served(services.get("blue-web/web")!, "192.0.2.80", node);
      await stage.served(services.get("blue-data/database")!, "192.0.2.96", node);
      await stage.served(services.get("red/web")!, "192.0.2.104", node);
      const { message } = await stage.event("Service", services.get("red/internal")!, "NoPool");
      assert.match(message!, /pool red is for Services with exposed=true/);
      const { body } = await get(node, await portOf(agent), "/metrics?instance=tenant-red");
      assert.match(
        body,
        /classvip_pool_addresses_used\{instance="tenant-red",class="example.com\/shared-prod",pool="red"\} 1\n/,
      );
      assert.ok(!body.includes("tenant-blue"), body);
    },
  },
  {
    name: "worked example: the admission policy lets a namespace use the classes of its labels",
    async run(stage) {
      const { kube } = stage;
      const services = await applied(stage, "services.yaml");
      const policy = objectsIn(await Deno.readTextFile(`${EXAMPLES}class-policy.yaml`));
      stage.defer(() => remove(kube, policy));
      await apply(kube, policy);
      const web = services.get("dev/web")!;
      const wanted = (name: string, namespace: string, loadBalancerClass: string) => ({
        ...web,
        metadata: { name, namespace },
        spec: { ...web["spec"], loadBalancerClass },
      });
      const refused = wanted("refused", "dev", "example.com/public-prod");
      stage.defer(() => kube.delete("Service", refused).catch(() => {}));
      // The API server takes a moment to follow it.
      const error = await until("the policy is in force", async () => {
        try {
          await apply(kube, [refused]);
        } catch (error) {
          if (error instanceof KubeError && error.status === 403) return error;
          throw error;
        }
        await kube.delete("Service", refused);
        return undefined;
      });
      assert.match(error.message, /namespace dev may not use class example.com\/public-prod/);
      const others = [
        wanted("other", "dev", "example.com/private-dev"),
        wanted("other", "shop", "example.com/public-prod"),
        wanted("foreign", "dev", "example.org/not-ours"),
      ];
      for (const other of others) {
        stage.defer(() => kube.delete("Service", other).catch(() => {}));
        await apply(kube, [other]);
      }
      // What was there before goes on changing.
      await kube.request("PATCH", "/api/v1/namespaces/dev", {
        metadata: { labels: { "example.com/private-dev": null } },
      });
      await kube.patch("Service", web, { metadata: { labels: { changed: "true" } } });
    },
  },
];
