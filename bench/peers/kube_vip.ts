import type { Child } from "../../tests/lab/child.ts";
import type { LabHost } from "../../tests/lab/host.ts";
import { createEndpoint, type KubeVipStart, spawnKubeVip } from "../../tests/scenarios/kube_vip.ts";
import { type Ground, rest } from "../ground.ts";
import type { Team } from "../team.ts";

type KubeVipOptions = Omit<KubeVipStart, "kubeconfig" | "namespace" | "className">;

/** From the start to standing by. */
const START_MS = 4000;

/** kube-vip on each node: layer 2, Services, one Lease for all of them. */
export class KubeVipTeam implements Team {
  readonly name: string;
  readonly cleansUp = false;
  readonly patienceMs: number;
  readonly vip: string;
  readonly #ground: Ground;
  readonly #options: KubeVipOptions;
  readonly #id: string;
  readonly #children = new Map<string, Child<unknown>>();

  private constructor(ground: Ground, options: KubeVipOptions) {
    const { leaseSeconds, renewSeconds, retrySeconds } = options;
    this.name = `kube-vip ${leaseSeconds}/${renewSeconds}/${retrySeconds}`;
    this.patienceMs = leaseSeconds * 4000;
    this.vip = ground.freshVip();
    this.#ground = ground;
    this.#options = options;
    this.#id = ground.freshName();
  }

  static async serving(ground: Ground, options: KubeVipOptions): Promise<KubeVipTeam> {
    const team = new KubeVipTeam(ground, options);
    await ground.kube.createNamespace(team.#id);
    await ground.kube.create("Service", {
      metadata: {
        namespace: team.#id,
        name: "service",
        annotations: { "kube-vip.io/loadbalancerIPs": team.vip },
      },
      spec: {
        type: "LoadBalancer",
        loadBalancerClass: `${team.#id}.example/vip`,
        allocateLoadBalancerNodePorts: false,
        ports: [{ port: 80 }],
      },
    });
    await createEndpoint(ground.kube, team.#id, "service");
    for (const node of ground.lab.nodes) await team.join(node);
    return team;
  }

  async join(node: LabHost): Promise<void> {
    const child = spawnKubeVip(node, {
      ...this.#options,
      kubeconfig: this.#ground.kubeconfig,
      namespace: this.#id,
      className: `${this.#id}.example/vip`,
    });
    this.#children.set(node.name, child);
    await rest(START_MS);
    if (child.ended) throw new Error(`kube-vip ended:\n${child.text.slice(-2000)}`);
  }

  async end(node: LabHost, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#children.get(node.name)!;
    child.signal(signal);
    await child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.values()) child.signal("SIGKILL");
    await Promise.all([...this.#children.values()].map((child) => child.status));
  }
}
