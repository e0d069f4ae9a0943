import type { Service } from "../../lib/kube/types.ts";
import { Agent } from "../../tests/lab/agent.ts";
import { nowMs } from "../../tests/lab/clock.ts";
import type { LabHost } from "../../tests/lab/host.ts";
import { processorMs } from "../cpu.ts";
import { type Ground, rest } from "../ground.ts";
import { storeServices } from "../many_services.ts";
import { isOneOfMany, manyVips } from "../many_vips.ts";
import { resident } from "../memory.ts";
import { isWrite } from "../requests.ts";
import type { Check, Measurement } from "../result.ts";
import type { Part } from "./part.ts";

const VIPS = 10_000;
/** Of them, in a namespace of their own. */
const SOME_VIPS = 1000;
/** Services that are not of type LoadBalancer. */
const OTHERS = 10_000;
const INSTANCES = 10;
const DEADLINE_MS = 60_000;
/** What a start has to do and to say is done and said; the bursts of announcements are over. */
const SETTLE_MS = 20_000;
const IDLE_MS = 30_000;
const CHANGES = 100;
const CHANGE_EVERY_MS = 200;
const MOST_WRITES = 3;
const RENEW_MS = 1500;
const MOST_MEMORY = 1.5;

/** Ten thousand Services of one class, with the status that a holder would have written. */
class BigClass {
  readonly #ground: Ground;
  readonly id: string;

  private constructor(ground: Ground, id: string) {
    this.#ground = ground;
    this.id = id;
  }

  static async create(ground: Ground): Promise<BigClass> {
    const big = new BigClass(ground, ground.freshName());
    for (const namespace of [big.id, big.fewer]) await ground.kube.createNamespace(namespace);
    for (const name of ["all", "fewer", ...big.others]) await ground.kube.layLease(big.id, name);
    await storeServices(ground, [...big.services, ...big.#others()]);
    return big;
  }

  /** Namespace of some of the Services. */
  get fewer(): string {
    return `${this.id}-fewer`;
  }

  /** Names of instances beside the one that serves all: nobody asks anything of them. */
  get others(): string[] {
    return Array.from({ length: INSTANCES - 1 }, (_, i) => `other-${i}`);
  }

  get loadBalancerClass(): string {
    return `${this.id}.example/vip`;
  }

  get services(): Service[] {
    return manyVips(VIPS).map((vip, i) => ({
      metadata: {
        namespace: i < SOME_VIPS ? this.fewer : this.id,
        name: `vip-${i}`,
        annotations: { "classvip.io/addresses": vip },
      },
      spec: {
        type: "LoadBalancer",
        loadBalancerClass: this.loadBalancerClass,
        allocateLoadBalancerNodePorts: false,
        ports: [{ port: 80 }],
      },
      status: { loadBalancer: { ingress: [{ ip: vip, ipMode: "VIP" }] } },
    }));
  }

  #others(): Service[] {
    return Array.from({ length: OTHERS }, (_, i) => ({
      metadata: { namespace: this.id, name: `other-${i}` },
      spec: { clusterIP: "None", ports: [{ port: 80 }] },
    }));
  }

  /** One instance for the class. */
  run(node: LabHost, lease: "all" | "fewer" = "all"): Promise<Agent> {
    const flags = lease === "all" ? [] : [`--namespaces=${this.fewer}`];
    return this.#start(node, node.interface, [
      `--loadBalancerClass=${this.loadBalancerClass}`,
      `--leaseName=${lease}`,
      `--leaseNamespace=${this.id}`,
      ...flags,
    ]);
  }

  /** The same, and the other instances in the same process. */
  async runMany(node: LabHost): Promise<Agent> {
    const path = `${this.#ground.dir}/${this.id}.yaml`;
    const instances = [
      { name: "all", leaseName: "all", loadBalancerClass: this.loadBalancerClass },
      ...this.others.map((name) => ({
        name,
        leaseName: name,
        loadBalancerClass: `${this.id}.example/${name}`,
      })),
    ];
    await Deno.writeTextFile(
      path,
      JSON.stringify({ leaseNamespace: this.id, interface: node.interface, instances }),
    );
    return this.#start(node, null, [`--config=${path}`]);
  }

  #start(node: LabHost, name: string | null, flags: readonly string[]): Promise<Agent> {
    const { kubeconfig } = this.#ground;
    return Agent.start(node, {
      kubeconfig,
      interface: name,
      flags: [...flags, "--logLevel=debug"],
    });
  }

  /** @returns when the agent had the list of all Services */
  async listed(agent: Agent): Promise<number> {
    const { time } = await agent.waitForLog(
      ({ message, count }) => message === "listed services" && count === VIPS,
      DEADLINE_MS,
    );
    return Date.parse(String(time)) - (Date.now() - nowMs());
  }

  /** @returns when the last of so many VIPs was announced by the node for the first time */
  async announced(node: LabHost, count: number, from: number): Promise<number> {
    const { sniffer } = this.#ground;
    const seen = new Set<string>();
    let next = from;
    let atMs = 0;
    await sniffer.waitFor(
      () => {
        for (; next < sniffer.frames.length && seen.size < count; next++) {
          const frame = sniffer.frames[next]!;
          if (!frame.gratuitous || frame.senderMac !== node.mac) continue;
          if (!isOneOfMany(frame.senderIp) || seen.has(frame.senderIp)) continue;
          seen.add(frame.senderIp);
          atMs = frame.atMs;
        }
        return seen.size === count;
      },
      DEADLINE_MS,
      from,
    );
    return atMs;
  }
}

/** Ten thousand VIPs of one class. */
export const scale: Part = {
  name: "scale",
  rounds: { normal: 1, short: 0 },
  async measure(ground, rounds) {
    const common = { part: this.name, subject: "classvip" };
    const { sniffer, kube } = ground;
    const [first, second, third] = ground.lab.nodes as [LabHost, LabHost, LabHost];
    const big = await BigClass.create(ground);
    const measurements: Measurement[] = [];
    const checks: Check[] = [];
    const starts: number[] = [];
    const afterLists: number[] = [];
    const memory: number[] = [];
    const idle: number[] = [];
    const changes: number[] = [];
    const failovers: number[] = [];
    const kinds: string[] = [];
    let mostWrites = 0;
    let serviceWrites = 0;
    const openWatches = async (node: LabHost) =>
      (await ground.requests.read()).filter(({ verb, resource, sourceIp, open }) =>
        verb === "watch" && resource === "services" && sourceIp === node.ip && open
      ).length;
    for (let i = 0; i < rounds; i++) {
      const from = sniffer.frames.length;
      const startedMs = nowMs();
      await using old = await big.run(first);
      const announcedMs = await big.announced(first, VIPS, from);
      starts.push(announcedMs - startedMs);
      afterLists.push(announcedMs - await big.listed(old));
      await rest(SETTLE_MS);
      memory.push((await resident(old.pid)).totalMb);

      const used = await processorMs(old.pid);
      await rest(CHANGES * CHANGE_EVERY_MS);
      const idleMs = await processorMs(old.pid) - used;
      const beforeMs = await processorMs(old.pid);
      const beganMs = nowMs();
      for (let n = 0; n < CHANGES; n++) {
        await kube.patch("Service", big.services[n * 97 % VIPS]!, {
          metadata: { annotations: { "example.com/round": `${i} ${n}` } },
        });
        await rest(Math.max(0, beganMs + (n + 1) * CHANGE_EVERY_MS - nowMs()));
      }
      changes.push((await processorMs(old.pid) - beforeMs - idleMs) / CHANGES);

      await using _next = await big.run(second);
      await rest(SETTLE_MS);
      const requests = (await ground.requests.read()).length;
      const frames = sniffer.frames.length;
      const sentMs = nowMs();
      const ended = old.terminate();
      const lastMs = await big.announced(second, VIPS, frames);
      failovers.push(lastMs - sentMs);
      // The API server writes too, for itself.
      const nodes = new Set(["", ...ground.lab.nodes.map(({ ip }) => ip)]);
      const writes = (await ground.requests.read()).slice(requests)
        .filter((request) => isWrite(request) && nodes.has(request.sourceIp));
      kinds.push(writes.map(({ verb, resource }) => `${verb} ${resource}`).join(", "));
      // Renewals go on, whatever happens.
      const renewals = Math.floor((lastMs - sentMs) / RENEW_MS);
      mostWrites = Math.max(mostWrites, writes.length - renewals);
      await ended;
      await rest(SETTLE_MS);
      serviceWrites += (await ground.requests.read()).slice(requests).filter((request) =>
        isWrite(request) && request.resource.startsWith("services")
      ).length;
    }
    {
      const from = sniffer.frames.length;
      await using agent = await big.run(third, "fewer");
      await big.announced(third, SOME_VIPS, from);
      await rest(SETTLE_MS);
      const used = await processorMs(agent.pid);
      await rest(IDLE_MS);
      idle.push((await processorMs(agent.pid) - used) / IDLE_MS * 100);
    }
    const from = sniffer.frames.length;
    await using agent = await big.runMany(third);
    await big.announced(third, VIPS, from);
    await rest(SETTLE_MS);
    const ofMany = (await resident(agent.pid)).totalMb;
    const watches = await openWatches(third);
    measurements.push(
      {
        ...common,
        what: `start → last of ${VIPS} VIPs announced`,
        unit: "ms",
        samples: starts,
      },
      {
        ...common,
        what: `list is in → last of ${VIPS} VIPs announced`,
        unit: "ms",
        samples: afterLists,
        bound: { p99: 5000 },
      },
      {
        ...common,
        what: `resident, ${VIPS} VIPs among ${VIPS + OTHERS} Services`,
        unit: "MB",
        samples: memory,
        bound: { p99: 120 },
      },
      {
        ...common,
        what: `resident, the same with ${INSTANCES} instances`,
        unit: "MB",
        samples: [ofMany],
        bound: { p99: memory[0]! * MOST_MEMORY },
      },
      {
        ...common,
        what: `processor time for one change among ${VIPS} Services`,
        unit: "ms",
        samples: changes,
        bound: { median: 5 },
      },
      {
        ...common,
        what: `processor, idle holder of ${SOME_VIPS} VIPs`,
        unit: "%",
        samples: idle,
        bound: { p99: 3 },
      },
      {
        ...common,
        what: `SIGTERM → last of ${VIPS} VIPs announced`,
        unit: "ms",
        samples: failovers,
      },
    );
    checks.push(
      {
        part: this.name,
        what: `a failover of ${VIPS} VIPs writes no Service`,
        ok: serviceWrites === 0,
        detail: `${serviceWrites} writes`,
      },
      {
        part: this.name,
        what: `a failover of ${VIPS} VIPs takes ${MOST_WRITES} writes at most`,
        ok: mostWrites <= MOST_WRITES,
        detail: kinds.join("; "),
      },
      {
        part: this.name,
        what: `${INSTANCES} instances take ${MOST_MEMORY} × the memory of one at most`,
        ok: ofMany <= memory[0]! * MOST_MEMORY,
        detail: `${ofMany.toFixed(0)} MB, ${memory[0]!.toFixed(0)} MB`,
      },
      {
        part: this.name,
        what: `${INSTANCES} instances have one watch of Services together`,
        ok: watches <= 1,
        detail: `${watches} watches`,
      },
    );
    return { measurements, checks };
  },
};
