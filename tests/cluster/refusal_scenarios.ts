import assert from "node:assert/strict";
import { classvipCommand } from "../lab/agent.ts";
import { kubeconfig } from "../lab/kubeconfig.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import type { RealPlane } from "./real_plane.ts";

const COMMANDS = [["classes"], ["handover", "--to=node-2"], ["release"]];

/** A token that nobody gave, and none: the API server does not know who asks. */
const STRANGERS: [token: string | undefined, says: RegExp][] = [
  ["stranger", /does not accept the credentials from kubeconfig .*Unauthorized/],
  [
    undefined,
    /Not allowed to (list|get) leases .*must grant verb "(list|get)" on resource "leases"/,
  ],
];

/** What commands say to somebody whom a real API server refuses. */
export const refusalScenarios: Scenario<RealPlane>[] = [
  {
    name: "commands without rights: a sentence that says what to grant, and exit code 5",
    async run(stage) {
      const { lab, plane: { url: server, caCert } } = stage.world;
      const [node] = lab.nodes;
      const folder = await Deno.makeTempDir({ prefix: "classvip-refusal-" });
      stage.defer(() => Deno.remove(folder, { recursive: true }));
      for (const [token, says] of STRANGERS) {
        const path = `${folder}/${token ?? "nobody"}`;
        await Deno.writeTextFile(path, kubeconfig({ server, caCert, token }));
        for (const command of COMMANDS) {
          const child = node!.spawn([
            ...await classvipCommand(),
            ...command,
            `--kubeconfig=${path}`,
            `--loadBalancerClass=${stage.className}`,
          ]);
          assert.equal((await child.status).code, 5, child.text);
          assert.match(child.text.replace(/^.*withdrew nothing\n/, ""), /^classvip: [^\n]+\n$/);
          assert.match(child.text, says);
        }
      }
    },
  },
];
