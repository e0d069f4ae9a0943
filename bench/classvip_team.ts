import type { Service } from "../lib/kube/types.ts";
import { nowMs } from "../tests/lab/clock.ts";
import { Agent } from "../tests/lab/agent.ts";
import type { LabHost } from "../tests/lab/host.ts";
import { type Ground, rest } from "./ground.ts";
import type { Team } from "./team.ts";

export const LEASE_MS = 5000;
const START_DEADLINE_MS = 15_000;
const STATUS_DEADLINE_MS = 120_000;
const LOOK_MS = 2000;
/** Requests for Services under way at a time. */
const AT_ONCE = 8;

/** classvip with its default times; a namespace, a class and a Lease of its own. */
export class ClassvipTeam implements Team {
  readonly name = "classvip";
  readonly cleansUp = true;
  readonly patienceMs = LEASE_MS * 2;
  readonly vip: string;
  readonly #ground: Ground;
  readonly #id: string;
  /** More flags for each agent. */
  readonly #flags: readonly string[];
  readonly #agents = new Map<string, Agent>();

  private constructor(ground: Ground, id: string, flags: readonly string[]) {
    this.#ground = ground;
    this.#id = id;
    this.#flags = flags;
    this.vip = ground.freshVip();
  }

  /** @returns a team without a Service and without an agent. */
  static async create(ground: Ground, flags: readonly string[] = []): Promise<ClassvipTeam> {
    const id = ground.freshName();
    await ground.kube.createNamespace(id);
    await ground.kube.layLease(id, "vip");
    return new ClassvipTeam(ground, id, flags);
  }

  /** @returns a team that serves its VIP: the first node holds it, the others stand by. */
  static async serving(ground: Ground, flags?: readonly string[]): Promise<ClassvipTeam> {
    const team = await ClassvipTeam.create(ground, flags);
    await team.createService("service", team.vip);
    for (const node of ground.lab.nodes) await team.join(node);
    return team;
  }

  createService(name: string, vip: string): Promise<Service> {
    return this.#ground.kube.create("Service", {
      metadata: { namespace: this.#id, name, annotations: { "classvip.io/addresses": vip } },
      spec: {
        type: "LoadBalancer",
        loadBalancerClass: `${this.#id}.example/vip`,
        allocateLoadBalancerNodePorts: false,
        ports: [{ port: 80 }],
      },
    });
  }

  /** One Service for each address. */
  async createServices(vips: readonly string[]): Promise<void> {
    await atOnce(vips, (vip) => this.createService(`vip-${vip.replaceAll(".", "-")}`, vip));
  }

  /** Waits until so many Services have an address in their status. */
  async shown(count: number): Promise<void> {
    const endMs = nowMs() + STATUS_DEADLINE_MS;
    for (;;) {
      const { items } = await this.#ground.kube.list("Service", this.#id);
      const ready = items.filter(({ status }) => (status?.loadBalancer?.ingress ?? []).length > 0);
      if (ready.length === count) return;
      if (nowMs() > endMs) throw new Error(`${ready.length} of ${count} Services show an address`);
      // Not at once: a long list is much work for the API server.
      await rest(LOOK_MS);
    }
  }

  async join(node: LabHost): Promise<void> {
    const agent = await this.start(node);
    await agent.joined(START_DEADLINE_MS);
  }

  /** Starts the agent of a node and waits for nothing. */
  async start(node: LabHost): Promise<Agent> {
    const agent = await Agent.start(node, {
      kubeconfig: this.#ground.kubeconfig,
      flags: [
        `--loadBalancerClass=${this.#id}.example/vip`,
        "--leaseName=vip",
        `--leaseNamespace=${this.#id}`,
        `--leaseDuration=${LEASE_MS}ms`,
        ...this.#flags,
      ],
    });
    this.#agents.set(node.name, agent);
    return agent;
  }

  agent(node: LabHost): Agent {
    return this.#agents.get(node.name)!;
  }

  async end(node: LabHost, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const agent = this.agent(node);
    await (signal === "SIGTERM" ? agent.terminate() : agent.kill());
  }

  /** Ends the agents, so that nothing of them is left on the nodes, and takes the Services away. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.terminate()));
    const { items } = await this.#ground.kube.list("Service", this.#id);
    await atOnce(items, (service) => this.#ground.kube.delete("Service", service));
  }
}

async function atOnce<T>(items: readonly T[], action: (item: T) => Promise<unknown>) {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await action(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
