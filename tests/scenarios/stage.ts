import assert from "node:assert/strict";
import type { Event, KubeObject, Lease, Service } from "../../lib/kube/types.ts";
import { Agent, type AgentOptions, type LogLine } from "../lab/agent.ts";
import { nowMs, rest } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import type { Kube } from "./kube.ts";
import type { Plane } from "./plane.ts";
import type { World } from "./world.ts";

/** For everything that happens at once, on a machine that is busy with other things. */
export const DEADLINE_MS = 30_000;
/**
 * Of every Lease, unless a scenario needs another one. A renewal that a busy machine answers too late
 * is asked for again, and there is time for that before a kernel lifetime ends: with 3 s there is not.
 */
export const LEASE_SECONDS = 6;
/** From one look at the API server to the next. */
const LOOK_MS = 25;

export interface ServiceOptions {
  name?: string;
  namespace?: string;
  /** Default: the stage's. null: none. */
  class?: string | null;
  /** In the annotation `classvip.io/addresses`; undefined: no such annotation. */
  addresses?: string;
  annotations?: Record<string, string>;
  spec?: Service["spec"];
}

export interface StageAgentOptions extends Partial<AgentOptions> {
  /** Default: the stage's. null: none. */
  class?: string | null;
  /** Default: the stage's. */
  lease?: string;
  leaseSeconds?: number;
}

/** One scenario's part of the world: a namespace, a class and a Lease of its own. */
export class Stage<P extends Plane = Plane> implements AsyncDisposable {
  readonly namespace: string;
  readonly className: string;
  /** Name of its Lease. */
  readonly lease: string;
  readonly nodes: readonly LabHost[];
  readonly agents: Agent[] = [];
  readonly #vips: string[] = [];
  readonly #stack = new AsyncDisposableStack();
  #services = 0;

  private constructor(readonly world: World<P>, id: string) {
    this.namespace = id;
    this.className = `${id}.example/internal`;
    this.lease = `${id}-vip`;
    this.nodes = world.lab.nodes;
  }

  /** @param id unique in the world. */
  static async create<P extends Plane>(world: World<P>, id: string): Promise<Stage<P>> {
    const stage = new Stage(world, id);
    await stage.kube.createNamespace(id);
    stage.defer(() => stage.#deleteLeases());
    await stage.layLease();
    return stage;
  }

  get kube(): Kube {
    return this.world.kube;
  }

  /** Something to do when the scenario is over, however it ended; the last one first. */
  defer(action: () => Promise<void>): void {
    this.#stack.defer(action);
  }

  freshVip(): string {
    const vip = this.world.freshVip();
    this.#vips.push(vip);
    return vip;
  }

  freshVip6(): string {
    const vip = this.world.freshVip6();
    this.#vips.push(vip);
    return vip;
  }

  /** A mix-up says only so many Leases without an instance one by one. */
  async #deleteLeases(): Promise<void> {
    const { items } = await this.kube.request<{ items: Lease[] }>(
      "GET",
      "/apis/coordination.k8s.io/v1/leases",
    );
    const isOurs = ({ metadata }: Lease) =>
      `${metadata?.namespace}-`.startsWith(`${this.namespace}-`);
    await Promise.all(items.filter(isOurs).map((lease) => this.kube.delete("Lease", lease)));
  }

  /** A Lease that nobody needs to wait for. */
  layLease(name = this.lease, annotations?: Record<string, string>): Promise<Lease> {
    return this.kube.layLease(this.namespace, name, annotations);
  }

  /** Creates a Service of type LoadBalancer. */
  async createService(options: ServiceOptions = {}): Promise<Service> {
    const { namespace = this.namespace, class: className = this.className } = options;
    const service = await this.kube.create("Service", {
      metadata: {
        namespace,
        name: options.name ?? `service-${++this.#services}`,
        annotations: {
          ...options.addresses !== undefined && { "classvip.io/addresses": options.addresses },
          ...options.annotations,
        },
      },
      spec: {
        type: "LoadBalancer",
        ...className !== null && { loadBalancerClass: className },
        allocateLoadBalancerNodePorts: false,
        ports: [{ port: 80 }],
        ...options.spec,
      },
    });
    this.#stack.defer(() => this.kube.delete("Service", service).catch(() => {}));
    return service;
  }

  /** Starts an agent in the way of the multi-instance guide: the class by env, the Lease by flag. */
  async startAgent(node: LabHost, options: StageAgentOptions = {}): Promise<Agent> {
    const { class: className = this.className, lease = this.lease, flags = [], env } = options;
    const { leaseSeconds = LEASE_SECONDS, ...rest } = options;
    return await this.run(node, {
      kubeconfig: this.world.kubeconfig,
      ...rest,
      env: { ...className !== null && { loadBalancerClass: className }, ...env },
      flags: [
        `--leaseName=${lease}`,
        `--leaseNamespace=${this.namespace}`,
        `--leaseDuration=${leaseSeconds}s`,
        ...flags,
      ],
    });
  }

  /** Starts an agent, and waits until it knows of another one that holds. */
  async startStandby(node: LabHost, options?: StageAgentOptions): Promise<Agent> {
    const agent = await this.startAgent(node, options);
    await logged(agent, "another holder is seen");
    return agent;
  }

  /** Starts an agent with nothing but what is given. It ends with the stage. */
  async run(node: LabHost, options: AgentOptions): Promise<Agent> {
    const agent = await Agent.start(node, options);
    this.agents.push(agent);
    this.#stack.use(agent);
    return agent;
  }

  /** @returns an agent on each of the nodes. */
  startAgents(nodes: readonly LabHost[], options?: StageAgentOptions): Promise<Agent[]> {
    return Promise.all(nodes.map((node) => this.startAgent(node, options)));
  }

  /** Waits until a node (or this one) has the address, has announced it, and the status says so. */
  async served(service: KubeObject, vip: string, node?: LabHost): Promise<LabHost> {
    const { host } = await this.world.watch.waitForHolder(vip, DEADLINE_MS, node?.name);
    const holder = this.nodes.find(({ name }) => name === host)!;
    await this.world.sniffer.waitForClaim(vip, DEADLINE_MS, { mac: holder.mac });
    await this.status(service, [vip]);
    return holder;
  }

  /** Waits until the Service's status shows exactly these addresses, each as a VIP. */
  async status(service: KubeObject, vips: readonly string[]): Promise<void> {
    const wanted = vips.map((ip) => ({ ip, ipMode: "VIP" }));
    await until(`the status of ${service.metadata?.name} shows ${vips}`, async () => {
      const { status } = await this.kube.get("Service", service);
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, ipMode }) => ({
        ip,
        ipMode,
      }));
      return JSON.stringify(ingress) === JSON.stringify(wanted) || undefined;
    });
  }

  /** Waits until nobody has the address any more. */
  async gone(vip: string): Promise<void> {
    await this.world.watch.waitForNobody(vip, DEADLINE_MS);
  }

  readLease(name = this.lease): Promise<Lease> {
    return this.kube.get("Lease", { metadata: { namespace: this.namespace, name } });
  }

  /** Waits for a Lease that fits. */
  waitForLease(what: string, fits: (lease: Lease) => boolean, name = this.lease): Promise<Lease> {
    return until(`Lease ${name} ${what}`, async () => {
      const lease = await this.readLease(name);
      return fits(lease) ? lease : undefined;
    });
  }

  /** Waits for an Event about the object. */
  event(
    kind: "Service" | "Lease",
    { metadata }: KubeObject,
    reason: string,
    deadlineMs = DEADLINE_MS,
  ): Promise<Event> {
    return until(`Event ${reason} about ${kind} ${metadata?.name}`, async () => {
      const { items } = await this.kube.list("Event", metadata?.namespace!);
      return items.find((event) =>
        event.reason === reason && event.involvedObject.kind === kind &&
        event.involvedObject.name === metadata?.name
      );
    }, deadlineMs);
  }

  /** @throws {Error} when nothing but the creation ever happened to the Service and its address. */
  async assertUntouched(service: Service, vip?: string): Promise<void> {
    const { metadata } = await this.kube.get("Service", service);
    assert.equal(
      metadata?.resourceVersion,
      service.metadata?.resourceVersion,
      `Service ${metadata?.name} was written to`,
    );
    if (vip === undefined) return;
    assert.deepEqual(this.world.watch.holdings.of(vip), [], `${vip} was on a node`);
    assert.deepEqual(this.world.claims(vip), [], `${vip} was announced`);
  }

  /** @throws {Error} when the address was ever taken away, or was on another node than this one. */
  assertStayed(vip: string, node?: LabHost): void {
    const [holding, ...more] = this.world.watch.holdings.of(vip);
    assert.deepEqual([holding?.open, more], [true, []], `${vip} moved`);
    if (node !== undefined) assert.equal(holding?.host, node.name);
  }

  /** How often a Service of the stage was written to, changes or none. */
  async serviceWrites(): Promise<number> {
    const path = `/api/v1/namespaces/${this.namespace}/services/`;
    const requests = await this.world.plane.requests();
    return requests.filter((one) => one.method === "PATCH" && one.path.startsWith(path)).length;
  }

  /** Checks what must hold in every scenario, and that no address outlives its agents. */
  async close(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.terminate()));
    for (const vip of this.#vips) await this.gone(vip);
    await this.world.watch.caughtUp(DEADLINE_MS);
    this.world.assertInvariants();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Waits for a line of the log with this message, with a text in its reason if given. */
export function logged(agent: Agent, message: string, reason?: RegExp): Promise<LogLine> {
  return agent.waitForLog(
    (line) => line["message"] === message && (reason?.test(String(line["reason"])) ?? true),
    DEADLINE_MS,
  );
}

/**
 * Asks again and again.
 *
 * @returns the first answer that is not undefined.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const endMs = nowMs() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (nowMs() > endMs) throw new Error(`Not so after ${deadlineMs / 1000} s: ${what}`);
    await rest(LOOK_MS);
  }
}
