import type { Child } from "../../tests/lab/child.ts";
import type { LabHost } from "../../tests/lab/host.ts";
import { type Ground, rest } from "../ground.ts";
import type { Team } from "../team.ts";

export interface KubeVipOptions {
  /** Path. */
  readonly program: string;
  readonly leaseSeconds: number;
  readonly renewSeconds: number;
  readonly retrySeconds: number;
  /** Its metrics port: several of them on a node must not share one. */
  readonly port: number;
}

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
    // It announces nothing for a Service without a ready endpoint.
    await ground.kube.request(
      "POST",
      `/apis/discovery.k8s.io/v1/namespaces/${team.#id}/endpointslices`,
      {
        metadata: { name: "service", labels: { "kubernetes.io/service-name": "service" } },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.244.0.1"], conditions: { ready: true } }],
        ports: [{ port: 80 }],
      },
    );
    for (const node of ground.lab.nodes) await team.join(node);
    return team;
  }

  async join(node: LabHost): Promise<void> {
    const { program, leaseSeconds, renewSeconds, retrySeconds, port } = this.#options;
    const child = node.spawn([program, "manager"], {
      vip_arp: "true",
      svc_enable: "true",
      vip_interface: node.interface,
      vip_servicesinterface: node.interface,
      vip_nodename: node.name,
      vip_leaderelection: "true",
      svc_leasename: "vip",
      cp_namespace: this.#id,
      svc_namespace: this.#id,
      vip_leaseduration: String(leaseSeconds),
      vip_renewdeadline: String(renewSeconds),
      vip_retryperiod: String(retrySeconds),
      lb_class_only: "true",
      lb_class_name: `${this.#id}.example/vip`,
      prometheus_server: `:${port}`,
      k8s_config_file: this.#ground.kubeconfig,
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
