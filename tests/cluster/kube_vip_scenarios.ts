import type { Service } from "../../lib/kube/types.ts";
import type { Child } from "../lab/child.ts";
import type { LabHost } from "../lab/host.ts";
import { createEndpoint, spawnKubeVip } from "../scenarios/kube_vip.ts";
import { type RunningKubeVip, takeOver, takeOverAfterCrash } from "../scenarios/migration.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { DEADLINE_MS, type Stage } from "../scenarios/stage.ts";
import type { RealPlane } from "./real_plane.ts";

const PROGRAM = Deno.env.get("KUBE_VIP");

/** The program itself, on one node. */
class KubeVip implements RunningKubeVip {
  private constructor(readonly child: Child<unknown>) {}

  static async start(stage: Stage, node: LabHost, service: Service, vip: string): Promise<KubeVip> {
    const { namespace, className } = stage;
    await createEndpoint(stage.kube, namespace, service.metadata!.name!);
    const child = spawnKubeVip(node, {
      program: PROGRAM!,
      kubeconfig: stage.world.kubeconfig,
      namespace,
      className,
      leaseSeconds: 5,
      renewSeconds: 3,
      retrySeconds: 1,
      port: 2199,
    });
    await stage.world.watch.waitForHolder(vip, 2 * DEADLINE_MS, node.name).catch((error) => {
      throw new Error(`kube-vip does not hold ${vip}:\n${child.text.slice(-2000)}`, {
        cause: error,
      });
    });
    await stage.status(service, [vip]);
    return new KubeVip(child);
  }

  async terminate(): Promise<void> {
    this.child.signal("SIGTERM");
    await this.child.status;
  }

  async kill(): Promise<void> {
    this.child.signal("SIGKILL");
    await this.child.status;
  }
}

/** With kube-vip itself, where it is there; what stands in for it is played everywhere. */
export const kubeVipScenarios: Scenario<RealPlane>[] = PROGRAM === undefined ? [] : [
  {
    name: "take-over from kube-vip itself: never two announcers, and no Lease is waited for",
    run: (stage) => takeOver(stage, KubeVip.start, 8089),
  },
  {
    name: "take-over from kube-vip itself, killed: its address stays until somebody takes it away",
    run: (stage) => takeOverAfterCrash(stage, KubeVip.start),
  },
];
