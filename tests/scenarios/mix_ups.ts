import assert from "node:assert/strict";
import { type Agent, classvipCommand } from "../lab/agent.ts";
import { rest } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import { get, portOf } from "./process.ts";
import type { Scenario } from "./scenario.ts";
import { logged, type Stage, until } from "./stage.ts";

/** Longer than a Lease may rest before its instance counts as dead, or a Service before it is lost. */
const DEADLINE_MS = 90_000;

interface Finding {
  readonly kind: string;
  readonly object: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly message: string;
}

/** `classvip classes --output=json`, as an admin runs it. */
async function classes(stage: Stage) {
  const command = stage.nodes[0]!.spawn([
    ...await classvipCommand(),
    "classes",
    "--output=json",
    `--kubeconfig=${stage.world.kubeconfig}`,
  ]);
  const { code } = await command.status;
  const report = JSON.parse(command.text.slice(command.text.indexOf("{")));
  // Other scenarios have left Leases and Events behind.
  const findings: Finding[] = report.findings
    .filter(({ object }: Finding) => object.namespace === stage.namespace);
  return { code, findings, instances: report.instances as Record<string, unknown>[] };
}

/** What must be so for each mix-up: said once, by however many; measured; shown with what to do. */
async function assertSaid(
  stage: Stage,
  agents: readonly Agent[],
  kind: string,
  object: { kind: "Lease" | "Service"; name: string },
  message: RegExp,
): Promise<void> {
  const { namespace } = stage;
  const about = { metadata: { namespace, name: object.name } };
  const event = await stage.event(object.kind, about, kind, DEADLINE_MS);
  assert.equal(event.type, "Warning");
  assert.match(event.message!, message);
  const subject = object.kind.toLowerCase();
  const ours = (agent: Agent) =>
    agent.logs.filter((line) =>
      line["kind"] === kind && line["message"] === "found a mix-up" &&
      line[subject] === `${namespace}/${object.name}`
    );
  const sayers = kind === "AddressAskedTwice" ? [] : agents;
  for (const agent of sayers) {
    await until(`${kind} is logged`, () => Promise.resolve(ours(agent).length > 0 || undefined));
  }
  for (const [i, agent] of agents.entries()) {
    const host = stage.nodes[i]!;
    await until(`${kind} is measured`, () => measured(host, agent, kind));
  }
  // Time for a second one of each, were there any.
  await rest(3000);
  for (const agent of sayers) assert.equal(ours(agent).length, 1, `${kind} is logged once`);
  const { items } = await stage.kube.list("Event", namespace);
  const same = items.filter(({ reason, involvedObject }) =>
    reason === kind && involvedObject.kind === object.kind && involvedObject.name === object.name
  );
  assert.deepEqual(same.map(({ message }) => message), [event.message]);
  const { code, findings } = await classes(stage);
  assert.equal(code, 3);
  const found = findings.filter((one) => one.kind === kind && one.object.name === object.name);
  assert.equal(found.length, 1, JSON.stringify(findings));
  assert.match(found[0]!.message, message);
}

async function measured(host: LabHost, agent: Agent, kind: string): Promise<true | undefined> {
  const { body } = await get(host, await portOf(agent), "/metrics");
  return new RegExp(`classvip_mix_ups\\{[^}]*kind="${kind}"\\} [1-9]`).test(body) || undefined;
}

/** What cannot be meant so: safe meanwhile, and said once. */
export const mixUpScenarios: Scenario[] = [
  {
    name: "mix-up: one class under two Leases, the second is for more: said once, served once",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      await stage.layLease("second-vip");
      const first = await stage.startAgent(stage.nodes[0]!, {
        flags: [`--namespaces=${stage.namespace}`],
      });
      await stage.served(service, vip, stage.nodes[0]);
      const second = await stage.startAgent(stage.nodes[1]!, { lease: "second-vip" });
      await logged(second, "does not stand", /is served, as part of class/);
      const third = await stage.startAgent(stage.nodes[2]!, { lease: "second-vip" });
      const about = { kind: "Lease", name: "second-vip" } as const;
      await logged(third, "found a mix-up");
      await assertSaid(
        stage,
        [],
        "ClassServedTwice",
        about,
        /is served under Lease \S+-vip already/,
      );
      for (const [i, agent] of [second, third].entries()) {
        await until("measured", () => measured(stage.nodes[i + 1]!, agent, "ClassServedTwice"));
      }
      stage.assertStayed(vip, stage.nodes[0]!);
      await first.terminate();
      await stage.served(service, vip);
      await logged(second, "a mix-up is over");
    },
  },
  {
    name: "mix-up: one Lease for two classes, on two nodes: said once, the first goes on",
    async run(stage) {
      const other = `${stage.namespace}.example/other`;
      const [mine, theirs] = [stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: mine });
      const foreign = await stage.createService({ addresses: theirs, class: other });
      const intruders = await stage.startAgents(stage.nodes.slice(0, 2), { class: other });
      await until("one of them holds", async () => {
        const { spec } = await stage.readLease();
        return spec?.holderIdentity || undefined;
      });
      await stage.served(foreign, theirs);
      const agent = await stage.startAgent(stage.nodes[2]!);
      await logged(agent, "does not serve", /the Lease is used for class/);
      await logged(agent, "found a mix-up");
      const about = { kind: "Lease", name: stage.lease } as const;
      await assertSaid(
        stage,
        [],
        "LeaseShared",
        about,
        /is used for class \S+other, and an instance/,
      );
      await until("measured", () => measured(stage.nodes[2]!, agent, "LeaseShared"));
      await stage.assertUntouched(service, mine);
      for (const intruder of intruders) assert.ok(!intruder.ended);
    },
  },
  {
    name: "mix-up: overlapping pools of two instances: the younger gives out the rest alone",
    async run(stage) {
      const vips = [stage.freshVip(), stage.freshVip(), stage.freshVip()] as const;
      const other = { class: `${stage.namespace}.example/public-dev`, lease: "public-vip" };
      const [first, second] = [stage.nodes[0]!, stage.nodes[1]!];
      const older = await stage.startAgent(first, { flags: [`--pools=${vips[0]}-${vips[1]}`] });
      await logged(older, "holds the Lease");
      // Age counts in whole seconds.
      await rest(1100);
      await stage.layLease(other.lease);
      const younger = await stage.startAgent(second, {
        ...other,
        flags: [`--pools=${vips.join(",")}`],
      });
      await logged(younger, "holds the Lease");
      const about = { kind: "Lease", name: other.lease } as const;
      await assertSaid(stage, [older, younger], "PoolsOverlap", about, /is in pools of Lease/);
      const service = await stage.createService({ class: other.class });
      await stage.served(service, vips[2], second);
      const waiting = await stage.createService({ class: other.class });
      await stage.event("Service", waiting, "AllocationFailed");
      const mine = [await stage.createService(), await stage.createService()];
      for (const [i, one] of mine.entries()) await stage.served(one, vips[i]!, first);
      await stage.assertUntouched(waiting);
    },
  },
  {
    name: "mix-up: one address asked for in two classes: the older has it, said once",
    async run(stage) {
      const vip = stage.freshVip();
      const other = { class: `${stage.namespace}.example/public-dev`, lease: "public-vip" };
      await stage.layLease(other.lease);
      const service = await stage.createService({ addresses: vip });
      const agents = [
        await stage.startAgent(stage.nodes[0]!),
        await stage.startAgent(stage.nodes[1]!, other),
      ];
      await stage.served(service, vip, stage.nodes[0]);
      const late = await stage.createService({ name: "late", addresses: vip, class: other.class });
      const about = { kind: "Service", name: "late" } as const;
      await assertSaid(stage, agents, "AddressAskedTwice", about, new RegExp(vip));
      await stage.assertUntouched(late);
      stage.assertStayed(vip, stage.nodes[0]!);
    },
  },
  {
    name: "`classvip classes` shows the plan as the cluster has it",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService();
      const flags = [`--pools=${vip}`, "--priority=70", `--namespaces=${stage.namespace}`];
      await stage.startAgent(stage.nodes[0]!, { flags });
      await stage.served(service, vip);
      const { findings, instances } = await classes(stage);
      assert.deepEqual(findings, []);
      const lease = `${stage.namespace}/${stage.lease}`;
      assert.deepEqual(instances.filter((one) => one["lease"] === lease), [{
        instance: `${stage.className}@${stage.namespace}`,
        class: stage.className,
        alsoClassless: false,
        namespaces: [stage.namespace],
        lease,
        holder: stage.nodes[0]!.name,
        life: "alive",
        priority: 70,
        pools: [{ addresses: vip, size: 1, used: 1 }],
        served: 1,
        pending: 0,
      }]);
      const text = stage.nodes[1]!.spawn([
        ...await classvipCommand(),
        "classes",
        `--kubeconfig=${stage.world.kubeconfig}`,
      ]);
      await text.status;
      assert.match(text.text, /^INSTANCE +CLASS +LEASE +HOLDER +ALIVE/);
      assert.ok(text.text.includes(`${vip} (1/1)`), text.text);
      const nowhere = stage.nodes[1]!.spawn([
        ...await classvipCommand(),
        "classes",
        `--kubeconfig=${stage.world.kubeconfig}`,
        "--kubernetesServer=https://127.0.0.1:1",
      ]);
      assert.equal((await nowhere.status).code, 4);
      assert.match(nowhere.text, /^classvip: .*127\.0\.0\.1:1/);
    },
  },
];

/** Its waits of a minute are real: played once. */
export const slowMixUpScenarios: Scenario[] = [
  {
    name: "mix-up: a Service whose class nobody serves, a class without a live instance",
    async run(stage) {
      const vip = stage.freshVip();
      const lost = await stage.createService({
        name: "lost",
        addresses: stage.freshVip(),
        class: `${stage.namespace}.example/publc-prod`,
      });
      await stage.kube.create("Lease", {
        metadata: {
          namespace: stage.namespace,
          name: "left-vip",
          labels: { "app.kubernetes.io/managed-by": "classvip" },
          annotations: { "classvip.io/scope": `class ${stage.namespace}.example/left` },
        },
        spec: { holderIdentity: "node-that-was", leaseDurationSeconds: 3, leaseTransitions: 1 },
      });
      const service = await stage.createService({ addresses: vip });
      const agents = await stage.startAgents(stage.nodes.slice(0, 2));
      await stage.served(service, vip);
      const left = { kind: "Lease", name: "left-vip" } as const;
      await assertSaid(
        stage,
        agents,
        "NoLiveInstance",
        left,
        /No instance for class \S+left is alive/,
      );
      const about = { kind: "Service", name: "lost" } as const;
      await assertSaid(stage, agents, "ClassNotServed", about, /No live instance serves class/);
      await stage.assertUntouched(lost);
    },
  },
];
