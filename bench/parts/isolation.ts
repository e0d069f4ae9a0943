import { HANDOVER_ANNOTATION } from "../../lib/election/lease_record.ts";
import type { Service } from "../../lib/kube/types.ts";
import { Agent } from "../../tests/lab/agent.ts";
import { nowMs } from "../../tests/lab/clock.ts";
import type { LabHost } from "../../tests/lab/host.ts";
import { type Ground, rest } from "../ground.ts";
import { storeServices } from "../many_services.ts";
import { resident } from "../memory.ts";
import type { Measurement } from "../result.ts";
import { summarize } from "../statistics.ts";
import type { Part } from "./part.ts";

const FLOOD = 5000;
/** What people get wrong. */
const BROKEN = ["none", "999.0.2.1", "127.0.0.1", "10.77.3.255"];
const DEADLINE_MS = 15_000;
/** Between two changes of the flood while the other class is measured. */
const CHURN_MS = 20;
const PAUSE_MS = 1000;
/** After a start or a flood: what had to be done and said is done and said. */
const SETTLE_MS = 10_000;
const MOST_MORE = 1.2;
const MOST_MEMORY = 1.5;
const INSTANCES = 10;

/** A plan of some classes in a namespace of its own. */
class Plan {
  private constructor(
    readonly ground: Ground,
    readonly id: string,
    readonly path: string,
  ) {}

  static async create(ground: Ground, names: readonly string[]): Promise<Plan> {
    const id = ground.freshName();
    await ground.kube.createNamespace(id);
    for (const name of names) await ground.kube.layLease(id, name);
    const plan = new Plan(ground, id, `${ground.dir}/${id}.yaml`);
    await plan.write(names);
    return plan;
  }

  /** Running agents take it over. */
  async write(names: readonly string[]): Promise<void> {
    const instances = names.map((name) => ({
      name,
      leaseName: name,
      loadBalancerClass: `${this.id}.example/${name}`,
    }));
    await Deno.writeTextFile(this.path, JSON.stringify({ leaseNamespace: this.id, instances }));
  }

  async run(node: LabHost): Promise<Agent> {
    const flags = [`--config=${this.path}`];
    const agent = await Agent.start(node, {
      kubeconfig: this.ground.kubeconfig,
      interface: null,
      flags,
    });
    await agent.joined(DEADLINE_MS);
    return agent;
  }

  createService(name: string, className: string, vip: string): Promise<Service> {
    return this.ground.kube.create("Service", this.service(name, className, vip));
  }

  service(name: string, className: string, vip: string): Service {
    return {
      metadata: { namespace: this.id, name, annotations: { "classvip.io/addresses": vip } },
      spec: {
        type: "LoadBalancer",
        loadBalancerClass: `${this.id}.example/${className}`,
        allocateLoadBalancerNodePorts: false,
        ports: [{ port: 80 }],
      },
    };
  }
}

/** How long a new VIP, and one that moves, takes in the class "quiet". */
async function measureQuiet(plan: Plan, rounds: number, label: string) {
  const { ground } = plan;
  const [first, second] = [ground.lab.nodes[0]!, ground.lab.nodes[1]!];
  const announcements: number[] = [];
  const failovers: number[] = [];
  const vip = ground.freshVip();
  await plan.createService(`${label}-moves`, "quiet", vip);
  await ground.sniffer.waitForClaim(vip, DEADLINE_MS);
  for (let i = 0; i < rounds; i++) {
    const fresh = ground.freshVip();
    const sentMs = nowMs();
    const service = await plan.createService(`${label}-${i}`, "quiet", fresh);
    const answeredMs = nowMs();
    const claim = await ground.sniffer.waitForClaim(fresh, DEADLINE_MS, { sinceMs: sentMs });
    announcements.push(claim.atMs - answeredMs);
    await ground.kube.delete("Service", service);
    await rest(PAUSE_MS);

    const lease = { metadata: { namespace: plan.id, name: "quiet" } };
    const { spec } = await ground.kube.get("Lease", lease);
    const to = spec?.holderIdentity === first.name ? second : first;
    const askedMs = nowMs();
    await ground.kube.patch("Lease", lease, {
      metadata: { annotations: { [HANDOVER_ANNOTATION]: to.name } },
    });
    const moved = await ground.sniffer.waitForClaim(vip, DEADLINE_MS, {
      mac: to.mac,
      sinceMs: askedMs,
    });
    failovers.push(moved.atMs - askedMs);
    await rest(PAUSE_MS);
  }
  return { announcements, failovers };
}

/** Makes what is broken, and goes on changing it until the signal aborts. */
async function flood(
  plan: Plan,
  signal: AbortSignal,
): Promise<{ churn: Promise<void> }> {
  const services = Array.from(
    { length: FLOOD },
    (_, i) => plan.service(`broken-${i}`, "flooded", BROKEN[i % BROKEN.length]!),
  );
  await storeServices(plan.ground, services);
  const churn = (async () => {
    for (let i = 0; !signal.aborted; i++) {
      const metadata = { annotations: { "example.com/round": String(i) } };
      await plan.ground.kube.patch("Service", services[i % FLOOD]!, { metadata });
      await rest(CHURN_MS);
    }
  })();
  return { churn };
}

/** Two classes in one process, one of them flooded; and what ten classes take. */
export const isolation: Part = {
  name: "isolation",
  rounds: { normal: 30, short: 0 },
  async measure(ground, rounds) {
    const common = { part: this.name, unit: "ms" as const };
    const measurements: Measurement[] = [];
    const plan = await Plan.create(ground, ["quiet"]);
    const stop = new AbortController();
    const { churn } = await flood(plan, stop.signal);
    let calm, flooded;
    {
      await using _first = await plan.run(ground.lab.nodes[0]!);
      await using _second = await plan.run(ground.lab.nodes[1]!);
      await rest(SETTLE_MS);
      // The API server has as much to do either way: only the agents' part differs.
      calm = await measureQuiet(plan, rounds, "calm");
      await plan.write(["quiet", "flooded"]);
      await rest(SETTLE_MS);
      flooded = await measureQuiet(plan, rounds, "flooded");
    }
    stop.abort();
    await churn;
    const add = (what: string, before: number[], after: number[]) => {
      const { median } = summarize(before);
      measurements.push(
        {
          ...common,
          what,
          subject: `${FLOOD} broken Services of a class that nobody serves`,
          samples: before,
        },
        {
          ...common,
          what,
          subject: `${FLOOD} broken Services of another class of the process`,
          samples: after,
          bound: { median: median * MOST_MORE },
        },
      );
    };
    add("Service created → first frame", calm.announcements, flooded.announcements);
    add("handover asked → first frame", calm.failovers, flooded.failovers);
    const memory = async (count: number) => {
      const plan = await Plan.create(ground, Array.from({ length: count }, (_, i) => `c${i}`));
      await using agent = await plan.run(ground.lab.nodes[2]!);
      await rest(SETTLE_MS);
      return (await resident(agent.pid)).totalMb;
    };
    const [one, ten] = [await memory(1), await memory(INSTANCES)];
    const what = "resident, one process";
    measurements.push(
      { part: this.name, what, subject: "1 instance", unit: "MB", samples: [one] },
      {
        part: this.name,
        what,
        subject: `${INSTANCES} instances`,
        unit: "MB",
        samples: [ten],
        bound: { median: one * MOST_MEMORY },
      },
    );
    return { measurements, checks: [] };
  },
};
