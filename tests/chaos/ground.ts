import type { Lease } from "../../lib/kube/types.ts";
import { RealPlane } from "../cluster/real_plane.ts";
import { Agent } from "../lab/agent.ts";
import type { ArpFrame } from "../lab/arp_frames.ts";
import { Child } from "../lab/child.ts";
import { EmbeddedPlane } from "../lab/embedded_plane.ts";
import { startHelper } from "../lab/helper.ts";
import type { LabHost } from "../lab/host.ts";
import { AddressWatch } from "../lab/invariants.ts";
import { kubeconfig } from "../lab/kubeconfig.ts";
import { Lab } from "../lab/lab.ts";
import { Kube } from "../scenarios/kube.ts";
import { LEASE_MS } from "./bound.ts";
import { WallClocks } from "./clocks.ts";

const NAMESPACE = "chaos";
const CLASS = "chaos.example/vip";
/** Host numbers of the VIPs. */
const VIPS = [100, 101];
/** The lab's bridges: every frame of a node crosses one of them. */
const BRIDGES = ["lab", "lab-cut"];

export interface GroundOptions {
  readonly nodes: number;
  /** Folder with etcd and kube-apiserver; without it the lab's own API server is used. */
  readonly assets: string | undefined;
  /** Agents with fast failover. */
  readonly fast: boolean;
}

/** Nodes, an API server, a look at every address and every frame, and an agent for each node. */
export class Ground implements AsyncDisposable {
  readonly lease = { metadata: { namespace: NAMESPACE, name: "vip" } };
  readonly vips: readonly string[];
  readonly agents = new Map<string, Agent>();
  /** Also those that have ended. */
  readonly allAgents: { node: string; agent: Agent }[] = [];

  private constructor(
    readonly lab: Lab,
    readonly plane: EmbeddedPlane | RealPlane,
    readonly kube: Kube,
    readonly watch: AddressWatch,
    readonly bridges: readonly Child<ArpFrame>[],
    /** Path. */
    readonly kubeconfig: string,
    /** Only where they can be set. */
    readonly clocks: WallClocks | undefined,
    readonly flags: readonly string[],
    readonly stack: AsyncDisposableStack,
  ) {
    this.vips = VIPS.map((host) => lab.address(host));
  }

  static async create({ nodes, assets, fast }: GroundOptions): Promise<Ground> {
    await using stack = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "classvip-chaos-" });
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    const lab = stack.use(await Lab.create({ nodes }));
    const plane = stack.use(
      assets
        ? await RealPlane.start(assets, lab.gatewayIp, dir)
        : await EmbeddedPlane.start(lab.gatewayIp),
    );
    const kube = stack.use(new Kube(plane));
    const watch = stack.use(await AddressWatch.start(lab.nodes));
    const here = { spawn: <T>(command: readonly string[]) => new Child<T>(command) };
    const bridges = await Promise.all(
      BRIDGES.map((name) => startHelper<ArpFrame>(here, "sniffer_main.ts", [name])),
    );
    for (const bridge of bridges) stack.use(bridge);
    const path = `${dir}/kubeconfig`;
    const { url: server, caCert, token } = plane;
    await Deno.writeTextFile(path, kubeconfig({ server, caCert, token }));
    const key = `${dir}/key`;
    await Deno.writeFile(key, crypto.getRandomValues(new Uint8Array(32)), { mode: 0o400 });
    const ground = new Ground(
      lab,
      plane,
      kube,
      watch,
      bridges,
      path,
      WallClocks.find(dir),
      fast ? ["--fastFailover", `--beaconKeyFile=${key}`] : [],
      stack.move(),
    );
    await ground.#fill();
    return ground;
  }

  /** Starts the agent of a node. */
  async start(node: LabHost): Promise<void> {
    const agent = await Agent.start(node, {
      kubeconfig: this.kubeconfig,
      flags: [
        `--loadBalancerClass=${CLASS}`,
        `--leaseName=${this.lease.metadata.name}`,
        `--leaseNamespace=${NAMESPACE}`,
        `--leaseDuration=${LEASE_MS}ms`,
        ...this.flags,
      ],
      ...this.clocks && { env: this.clocks.env(node.name) },
    });
    this.agents.set(node.name, agent);
    this.allAgents.push({ node: node.name, agent });
  }

  agent(node: LabHost): Agent {
    return this.agents.get(node.name)!;
  }

  readLease(): Promise<Lease> {
    return this.kube.get("Lease", this.lease);
  }

  async #fill(): Promise<void> {
    await this.kube.createNamespace(NAMESPACE);
    const { namespace, name } = this.lease.metadata;
    await this.kube.layLease(namespace, name);
    for (const [i, vip] of this.vips.entries()) {
      await this.kube.create("Service", {
        metadata: {
          namespace: NAMESPACE,
          name: `service-${i + 1}`,
          annotations: { "classvip.io/addresses": vip },
        },
        spec: {
          type: "LoadBalancer",
          loadBalancerClass: CLASS,
          allocateLoadBalancerNodePorts: false,
          ports: [{ port: 80 }],
        },
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.agents.values()].map((agent) => agent[Symbol.asyncDispose]()));
    await this.stack.disposeAsync();
  }
}
