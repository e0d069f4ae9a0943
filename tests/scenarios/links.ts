import assert from "node:assert/strict";
import type { LabHost } from "../lab/host.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS } from "./stage.ts";

/** So long that nobody can have waited for the Lease's end. */
const LONG_SECONDS = 120;
/** VIPs are announced on an interface of their own: the API server stays in reach. */
const NAME = "vips0";
const PEER = "vips1";

/** The announcing interface, and what becomes of it. */
export const linkScenarios: Scenario[] = [
  {
    name: "announcing interface without carrier, down, gone: hands over, and is a candidate again",
    async run(stage) {
      const vip = stage.freshVip();
      await stage.createService({ addresses: vip });
      const nodes = stage.nodes.slice(0, 2) as [LabHost, LabHost];
      for (const node of nodes) {
        await plug(node);
        stage.defer(() => node.exec(["ip", "link", "del", NAME]).then(() => {}, () => {}));
      }
      const options = { interface: NAME, leaseSeconds: LONG_SECONDS };
      const agents = new Map([[nodes[0], await stage.startAgent(nodes[0], options)]]);
      const { watch } = stage.world;
      await watch.waitForHolder(vip, DEADLINE_MS, nodes[0].name);
      agents.set(nodes[1], await stage.startStandby(nodes[1], options));
      let [holder, other] = nodes;
      const faults: [string, (node: LabHost) => Promise<unknown>][] = [
        ["has no carrier", (node) => node.exec(["ip", "link", "set", PEER, "down"])],
        ["is down", (node) => node.exec(["ip", "link", "set", NAME, "down"])],
        ["is gone", (node) => node.exec(["ip", "link", "del", NAME])],
      ];
      for (const [said, breakLink] of faults) {
        const agent = agents.get(holder)!;
        const line = agent.logs.length;
        await breakLink(holder);
        await watch.waitForHolder(vip, DEADLINE_MS, other.name);
        await agent.waitForLog(
          ({ message, reason }) =>
            message === "the node may not hold" && String(reason) === `interface ${NAME} ${said}`,
          DEADLINE_MS,
          line,
        );
        if (said === "is gone") await plug(holder);
        else for (const end of [NAME, PEER]) await holder.exec(["ip", "link", "set", end, "up"]);
        await agent.waitForLog(
          ({ message }) => message === "the node may hold again",
          DEADLINE_MS,
          line,
        );
        // The next fault, on the other node, shows that this one is a candidate again.
        [holder, other] = [other, holder];
      }
      assert.deepEqual(watch.holdings.of(vip).map(({ host }) => host), [
        "node-1",
        "node-2",
        "node-1",
        "node-2",
      ]);
    },
  },
];

async function plug(node: LabHost): Promise<void> {
  await node.exec(
    ["ip", "-batch", "-"],
    `link add ${NAME} type veth peer name ${PEER}
     link set ${NAME} up
     link set ${PEER} up`,
  );
}
