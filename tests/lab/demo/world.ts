import { Agent } from "../agent.ts";
import { ApiServer } from "../api/server.ts";
import type { ArpFrame } from "../arp_frames.ts";
import { nowMs } from "../clock.ts";
import type { LabHost } from "../host.ts";
import { AddressWatch } from "../invariants.ts";
import { kubeconfig } from "../kubeconfig.ts";
import { Lab } from "../lab.ts";
import { Sniffer } from "../sniffer.ts";
import { startServers, Traffic } from "../traffic.ts";
import type { ClassRow, DemoState, ServiceRow, Step } from "./view.ts";

/** Port of all Services. */
const PORT = 80;
const LEASE_NAMESPACE = "kube-system";
/** Short, so that the crash does not take all of the demo's time. */
export const LEASE_SECONDS = 3;
const SHOWN_FRAMES = 6;
export const NOTE =
  `Lease duration ${LEASE_SECONDS} s (default 5 s): the first start and a crash take that long.`;

export const CLASSES = ["public-prod", "private-dev"] as const;
export type ClassName = typeof CLASSES[number];

/** A Service of the demo, by its `loadBalancerClass`; undefined: without one. */
export interface DemoService {
  readonly className: ClassName | undefined;
  readonly namespace: string;
  readonly name: string;
  readonly vip: string;
}

/** Three nodes with an agent for each class, an API server, and a client that looks on. */
export class World implements AsyncDisposable {
  readonly steps: Step[] = [];
  readonly services: DemoService[] = [];
  traffic: Traffic | undefined;
  readonly #agents = new Map<string, Agent>();
  readonly #stack: AsyncDisposableStack;

  private constructor(
    readonly startedMs: number,
    readonly lab: Lab,
    readonly api: ApiServer,
    readonly sniffer: Sniffer,
    readonly watch: AddressWatch,
    readonly kubeconfigPath: string,
    stack: AsyncDisposableStack,
  ) {
    this.#stack = stack;
  }

  static async create(): Promise<World> {
    const startedMs = nowMs();
    await using stack = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "classvip-demo-" });
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    const lab = stack.use(await Lab.create({ nodes: 3 }));
    const api = stack.use(await ApiServer.start({ hostname: lab.gatewayIp, tls: true }));
    const [sniffer, watch] = await Promise.all([
      Sniffer.start(lab.client),
      AddressWatch.start(lab.nodes),
      startServers(lab.nodes, PORT),
    ]);
    const path = `${dir}/kubeconfig`;
    const access = { server: api.url, caCert: api.caCert, token: "demo" };
    await Deno.writeTextFile(path, kubeconfig(access));
    return new World(startedMs, lab, api, sniffer, watch, path, stack.move());
  }

  /** Creates a Service that asks for a VIP with this host number. */
  createService(
    className: ClassName | undefined,
    namespace: string,
    name: string,
    host: number,
  ): DemoService {
    const service = { className, namespace, name, vip: this.lab.address(host) };
    if (!this.api.store.list("namespaces").some(({ metadata }) => metadata.name === namespace)) {
      this.api.store.create("namespaces", { metadata: { name: namespace } });
    }
    this.api.store.create("services", {
      metadata: { namespace, name },
      spec: {
        type: "LoadBalancer",
        ...(className === undefined ? {} : { loadBalancerClass: className }),
        loadBalancerIP: service.vip,
        ports: [{ port: PORT }],
      },
    });
    this.services.push(service);
    return service;
  }

  /** Starts the agent of a class on a node, in the way of the multi-instance guide. */
  async startAgent(className: ClassName, node: LabHost): Promise<void> {
    const agent = await Agent.start(node, {
      kubeconfig: this.kubeconfigPath,
      env: { loadBalancerClass: className },
      flags: [`--leaseName=${leaseName(className)}`, `--leaseDuration=${LEASE_SECONDS}s`],
    });
    this.#agents.set(`${className} ${node.name}`, agent);
  }

  /** Hands over the agent to somebody who ends it. */
  takeAgent(className: ClassName, node: string): Agent {
    const name = `${className} ${node}`;
    const agent = this.#agents.get(name)!;
    this.#agents.delete(name);
    return agent;
  }

  /** An agent that ended though nobody took it, if there is one. */
  lostAgent(): string | undefined {
    return [...this.#agents].find(([, agent]) => agent.ended)?.[0];
  }

  node(name: string): LabHost {
    return this.lab.nodes.find((node) => node.name === name)!;
  }

  async startTraffic(ip: string): Promise<void> {
    this.traffic = await Traffic.start(this.lab.client, { ip, port: PORT });
  }

  servicesOf(className: ClassName | undefined): DemoService[] {
    return this.services.filter((service) => service.className === className);
  }

  /** The node that the Lease of the class names. */
  holder(className: ClassName): string | undefined {
    const lease = this.api.store.list("leases", LEASE_NAMESPACE)
      .find(({ metadata }) => metadata.name === leaseName(className));
    return (lease?.spec as { holderIdentity?: string } | undefined)?.holderIdentity || undefined;
  }

  /** The address in the Service's status. */
  status({ namespace, name }: DemoService): string | undefined {
    const { status } = this.api.store.get("services", namespace, name);
    const { loadBalancer } = status as { loadBalancer?: { ingress?: { ip?: string }[] } };
    return loadBalancer?.ingress?.[0]?.ip;
  }

  /** The last lines of every agent, to find out why something went wrong. */
  agentLogs(): string {
    return [...this.#agents].map(([name, agent]) =>
      `${name}:\n${agent.text.trimEnd().split("\n").slice(-8).join("\n")}`
    ).join("\n");
  }

  state(): DemoState {
    const row = (service: DemoService): ServiceRow => ({
      name: `${service.namespace}/${service.name}`,
      vip: service.vip,
      nodes: this.watch.holdings.holders(service.vip).map(({ host }) => host),
      status: this.status(service),
    });
    const classes: ClassRow[] = CLASSES.map((name) => ({
      name,
      holder: this.holder(name),
      services: this.servicesOf(name).map(row),
    }));
    const classless = this.servicesOf(undefined).map(row);
    return {
      note: NOTE,
      classes: [...classes, { name: "(no class)", holder: undefined, services: classless }],
      frames: this.sniffer.frames.filter(({ gratuitous }) => gratuitous).slice(-SHOWN_FRAMES)
        .map((frame) => this.#frameLine(frame)),
      traffic: this.traffic?.summary(),
      steps: this.steps,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #frameLine({ atMs, operation, senderIp, senderMac }: ArpFrame): string {
    const node = this.lab.nodes.find(({ mac }) => mac === senderMac)?.name ?? "somebody";
    const time = ((atMs - this.startedMs) / 1000).toFixed(2).padStart(6);
    return `${time} s  ${node}: ${senderIp} is at ${senderMac} (gratuitous ${operation})`;
  }
}

function leaseName(className: ClassName): string {
  return `${className}-vip`;
}
