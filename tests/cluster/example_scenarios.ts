import { classvipCommand } from "../lab/agent.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { DEADLINE_MS, until } from "../scenarios/stage.ts";
import { apply, objectsIn } from "./manifests.ts";
import type { RealPlane } from "./real_plane.ts";

const EXAMPLES = new URL("../../deploy/examples/", import.meta.url).pathname;

/** The worked examples of docs/classes.md, as they are. */
export const exampleScenarios: Scenario<RealPlane>[] = [
  {
    name: "worked examples: the plan and its Services as shipped are served, class by class",
    async run(stage) {
      const text = await Deno.readTextFile(`${EXAMPLES}services.yaml`);
      const manifests = objectsIn(text);
      await apply(stage.kube, manifests);
      const node = stage.nodes[0]!;
      // The examples' addresses are of this subnet (RFC 5737).
      const own = ["192.0.2.250/24", "dev", node.interface];
      await node.exec(["ip", "address", "add", ...own]);
      stage.defer(async () => void await node.exec(["ip", "address", "del", ...own]));
      const agent = await stage.run(node, {
        kubeconfig: stage.world.kubeconfig,
        interface: null,
        flags: [`--config=${EXAMPLES}plan.yaml`],
      });
      const services = manifests.filter(({ kind }) => kind === "Service");
      const vipOf = ({ metadata }: (typeof services)[number]) =>
        (metadata as { annotations?: Record<string, string> })
          .annotations!["classvip.io/addresses"]!;
      for (const service of services) {
        stage.defer(() => stage.kube.delete("Service", service).catch(() => {}));
        await stage.served(service, vipOf(service), node);
        await stage.event("Service", service, "Announced");
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
      for (const service of services) await stage.gone(vipOf(service));
    },
  },
];
