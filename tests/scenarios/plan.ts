import assert from "node:assert/strict";
import { BURST_MS } from "../../lib/vip/schedule.ts";
import { type Agent, classvipCommand } from "../lab/agent.ts";
import { nowMs, rest } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import { startServers, Traffic } from "../lab/traffic.ts";
import { get, portOf } from "./process.ts";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS, LEASE_SECONDS, logged, type Stage, until } from "./stage.ts";

/** The pause between two announcements of a class whose frames are watched. */
const ANNOUNCE_MS = 200;
/** Frames that are late on a busy machine; a VIP that waited for another's Lease would be away for longer. */
const LONGEST_GAP_MS = LEASE_SECONDS * 1000;

/** Behind the VIPs. */
const PORT = 4802;
/** A client that lost a frame sends its SYN again after a second (RFC 6298, 2.1). */
const RETRANSMITTED_MS = 950;

interface Entry {
  name: string;
  [setting: string]: unknown;
}

/** A plan as a ConfigMap mounts it: a link to a folder that is swapped as a whole. */
class PlanFile {
  readonly path: string;
  readonly #dir: string;
  #versions = 0;

  private constructor(readonly stage: Stage, dir: string) {
    this.#dir = dir;
    this.path = `${dir}/classvip.yaml`;
  }

  static async create(stage: Stage, entries: readonly Entry[]): Promise<PlanFile> {
    const dir = `${stage.world.dir}/${stage.namespace}-plan`;
    await Deno.mkdir(dir);
    await Deno.symlink("..data/classvip.yaml", `${dir}/classvip.yaml`);
    const file = new PlanFile(stage, dir);
    for (const { name } of entries) await stage.layLease(name);
    await file.write(entries);
    return file;
  }

  /** One setting a line, so that tests can name lines. */
  async write(entries: readonly Entry[], head: Record<string, unknown> = {}): Promise<void> {
    const top = {
      leaseNamespace: this.stage.namespace,
      leaseDuration: `${LEASE_SECONDS}s`,
      ...head,
    };
    const line = ([key, value]: [string, unknown]) => `${key}: ${JSON.stringify(value)}`;
    await this.writeText([
      ...Object.entries(top).map(line),
      "instances:",
      ...entries.flatMap((entry) =>
        Object.entries({
          loadBalancerClass: classOf(this.stage, entry.name),
          leaseName: entry.name,
          interface: "eth0",
          ...entry,
        }).map((pair, i) => `${i === 0 ? "- " : "  "}${line(pair)}`)
      ),
    ].join("\n"));
  }

  async writeText(text: string): Promise<void> {
    const version = `..${++this.#versions}`;
    await Deno.mkdir(`${this.#dir}/${version}`);
    await Deno.writeTextFile(`${this.#dir}/${version}/classvip.yaml`, text);
    await Deno.symlink(version, `${this.#dir}/..new`);
    await Deno.rename(`${this.#dir}/..new`, `${this.#dir}/..data`);
  }

  /** Starts an agent with the plan, or with those of its instances. */
  run(node: LabHost, ...only: string[]): Promise<Agent> {
    return this.stage.run(node, {
      kubeconfig: this.stage.world.kubeconfig,
      interface: null,
      flags: [`--config=${this.path}`, ...only.map((name) => `--only=${name}`)],
    });
  }
}

function classOf(stage: Stage, name: string): string {
  return `${stage.namespace}.example/${name}`;
}

/** Waits until the frames of a VIP come one by one, after the burst of the first seconds. */
async function steady(stage: Stage, vip: string): Promise<void> {
  const [first] = stage.world.claims(vip);
  const sinceMs = first!.atMs + BURST_MS.slice(0, -1).reduce<number>((a, b) => a + b, 100);
  await stage.world.sniffer.waitForClaim(vip, DEADLINE_MS, { sinceMs });
}

/** Creates a Service of each class. @returns the addresses and Services, in that order */
async function serviceOfEach(stage: Stage, names: readonly string[]) {
  const vips = names.map(() => stage.freshVip());
  const services = await Promise.all(
    names.map((name, i) =>
      stage.createService({ addresses: vips[i]!, class: classOf(stage, name) })
    ),
  );
  return { vips, services };
}

/** A plan of one class, whose VIP is served and announces itself again and again. */
async function watchedClass(stage: Stage) {
  const { vips, services } = await serviceOfEach(stage, [FIRST]);
  const [vip, entry, node] = [vips[0]!, { name: FIRST, ...WATCHED }, stage.nodes[0]!];
  const plan = await PlanFile.create(stage, [entry]);
  const agent = await plan.run(node);
  await stage.served(services[0]!, vip, node);
  await steady(stage, vip);
  return { vip, plan, entry, node, agent };
}

/** An instance of the plan said this. */
function said(agent: Agent, instance: string, message: string, from = 0) {
  return agent.waitForLog(
    (line) => line["instance"] === instance && line["message"] === message,
    DEADLINE_MS,
    from,
  );
}

/** @throws {Error} when the address was ever away from the node since, or its frames paused. */
async function assertUnbroken(
  stage: Stage,
  vip: string,
  node: LabHost,
  sinceMs: number,
): Promise<void> {
  // What has just happened may show only now.
  const afterMs = nowMs() + 2 * ANNOUNCE_MS;
  await stage.world.sniffer.waitForClaim(vip, DEADLINE_MS, { mac: node.mac, sinceMs: afterMs });
  stage.assertStayed(vip, node);
  const times = stage.world.claims(vip, node).map(({ atMs }) => atMs).filter((at) => at > sinceMs);
  const all = [sinceMs, ...times, nowMs()];
  const gapMs = Math.max(...all.slice(1).map((at, i) => at - all[i]!));
  assert.ok(times.length > 0 && gapMs < LONGEST_GAP_MS, `${vip} was silent for ${gapMs} ms`);
}

const THREE = ["public-prod", "private-prod", "private-dev"] as const;
const [FIRST, SECOND, THIRD] = THREE;
/** What is announced often, so that a gap would be seen. */
const WATCHED = { announceInterval: `${ANNOUNCE_MS}ms` };

/** The plan of classes: who runs what of it, and what becomes of it when it changes. */
export const planScenarios: Scenario[] = [
  {
    name: "a plan of three classes in one process: one is handed over without the others",
    async run(stage) {
      const { vips, services } = await serviceOfEach(stage, THREE);
      const plan = await PlanFile.create(
        stage,
        // So long the command waits.
        THREE.map((name) => ({ name, ...WATCHED, leaseDuration: "30s" })),
      );
      const [here, there] = [stage.nodes[0]!, stage.nodes[1]!];
      await plan.run(here);
      for (const i of THREE.keys()) await stage.served(services[i]!, vips[i]!, here);
      const standby = await plan.run(there);
      for (const name of THREE) await said(standby, name, "another holder is seen");

      for (const vip of vips) await steady(stage, vip);
      const sinceMs = nowMs();
      const command = here.spawn([
        ...await classvipCommand(),
        "handover",
        `--config=${plan.path}`,
        `--kubeconfig=${stage.world.kubeconfig}`,
        `--only=${SECOND}`,
        `--to=${there.name}`,
      ]);
      assert.ok((await command.status).success, command.text);
      await stage.served(services[1]!, vips[1]!, there);
      await assertUnbroken(stage, vips[0]!, here, sinceMs);
      await assertUnbroken(stage, vips[2]!, here, sinceMs);
    },
  },
  {
    name: "a plan of three classes in three processes (--only): one ends without the others",
    async run(stage) {
      const { vips, services } = await serviceOfEach(stage, THREE);
      const plan = await PlanFile.create(stage, THREE.map((name) => ({ name, ...WATCHED })));
      const [here, there] = [stage.nodes[0]!, stage.nodes[1]!];
      const agents = await Promise.all(THREE.map((name) => plan.run(here, name)));
      for (const i of THREE.keys()) await stage.served(services[i]!, vips[i]!, here);
      for (const name of THREE) {
        await said(await plan.run(there, name), name, "another holder is seen");
      }
      for (const vip of vips) await steady(stage, vip);
      const sinceMs = nowMs();
      assert.equal((await agents[1]!.terminate()).code, 0);
      await stage.served(services[1]!, vips[1]!, there);
      await assertUnbroken(stage, vips[0]!, here, sinceMs);
      await assertUnbroken(stage, vips[2]!, here, sinceMs);
      for (const [i, agent] of agents.entries()) {
        const instances = new Set(agent.logs.flatMap((line) => line["instance"] ?? []));
        assert.deepEqual([...instances], [THREE[i]]);
      }
    },
  },
  {
    name: "a plan begins anew: the class of higher priority is served first, however much it has",
    async run(stage) {
      const [low, high] = ["private-dev", "public-prod"] as const;
      const lowVips = [stage.freshVip(), stage.freshVip()];
      const highVips = Array.from({ length: 60 }, () => stage.freshVip());
      const create = (name: string, addresses: string) =>
        stage.createService({ class: classOf(stage, name), addresses });
      await Promise.all([
        ...lowVips.map((vip) => create(low, vip)),
        ...highVips.map((vip) => create(high, vip)),
      ]);
      const plan = await PlanFile.create(stage, [
        { name: low, priority: 10 },
        { name: high, priority: 90 },
      ]);
      for (const turn of ["start", "restart"]) {
        const sinceMs = nowMs();
        const agent = await plan.run(stage.nodes[0]!);
        const firsts = (vips: readonly string[]) =>
          Promise.all(
            vips.map(async (vip) =>
              (await stage.world.sniffer.waitForClaim(vip, DEADLINE_MS, { sinceMs })).atMs
            ),
          );
        const [first, last] = [await firsts(lowVips), await firsts(highVips)];
        const afterMs = Math.min(...first) - Math.max(...last);
        assert.ok(afterMs > 0, `${turn}: the lower class came ${-afterMs} ms too early`);
        await agent.terminate();
      }
    },
  },
  {
    name: "--only with a name that the plan does not have: the nearest one is named, exit code 2",
    async run(stage) {
      const plan = await PlanFile.create(stage, THREE.map((name) => ({ name })));
      const agent = await plan.run(stage.nodes[0]!, "publc-prod");
      assert.equal((await agent.status).code, 2);
      assert.match(agent.text, /only = "publc-prod" \(flag --only\).*: public-prod/);
    },
  },
  {
    name: "reload: instances come, change and go while another's frames go on, and none is lost",
    async run(stage) {
      const { vips, services } = await serviceOfEach(stage, [...THREE, "new"]);
      const stays = { name: FIRST, ...WATCHED };
      const plan = await PlanFile.create(stage, [stays, { name: SECOND }, { name: THIRD }]);
      await stage.layLease("new");
      const node = stage.nodes[0]!;
      const agent = await plan.run(node);
      for (const i of THREE.keys()) await stage.served(services[i]!, vips[i]!, node);
      const port = await portOf(agent);
      await steady(stage, vips[0]!);
      await startServers([node], PORT);
      await using traffic = await Traffic.start(stage.world.lab.client, {
        ip: vips[0]!,
        port: PORT,
        deadlineMs: RETRANSMITTED_MS,
      });
      await traffic.waitForAnswer(DEADLINE_MS);
      const sinceMs = nowMs();

      // One changes, one goes, one comes.
      const from = agent.logs.length;
      await plan.write([stays, { name: SECOND, announceInterval: "30s" }, { name: "new" }]);
      await stage.gone(vips[2]!);
      await stage.waitForLease("is released", ({ spec }) => !spec?.holderIdentity, THIRD);
      await said(agent, SECOND, "released the Lease", from);
      const { reason } = await said(agent, SECOND, "withdrew all VIPs", from);
      assert.equal(reason, "the plan changed");
      await said(agent, SECOND, "holds the Lease", from);
      await stage.served(services[1]!, vips[1]!, node);
      await stage.served(services[3]!, vips[3]!, node);
      const { message, kept, ended, started } = await agent.waitForLog(
        (line) => line["message"] === "follows the plan",
        DEADLINE_MS,
        from,
      );
      assert.deepEqual({ message, kept, ended, started }, {
        message: "follows the plan",
        kept: [FIRST],
        ended: [SECOND, THIRD],
        started: [SECOND, "new"],
      });

      // What has left is not to be seen any more.
      const metrics = await get(node, port, "/metrics");
      assert.ok(!metrics.body.includes(`instance="${THIRD}"`), metrics.body);
      const alone = await get(node, port, `/metrics?instance=${FIRST}`);
      assert.match(alone.body, /classvip_holder\{instance="public-prod",class="\S+"\} 1\n/);
      assert.ok(!alone.body.includes(`instance="${SECOND}"`), alone.body);
      await until("all are ready", async () => (await get(node, port, "/readyz")).ok || undefined);
      assert.ok((await get(node, port, `/readyz/${FIRST}`)).ok);
      assert.ok((await get(node, port, `/healthz/new`)).ok);
      const gone = await get(node, port, `/readyz/${THIRD}`);
      assert.match(
        gone.body,
        /^HTTP\/1.\d 404[^]*There is no instance private-dev, but public-prod/,
      );
      await assertUnbroken(stage, vips[0]!, node, sinceMs);
      const { attempts, failures, answers } = traffic.summary(sinceMs);
      assert.ok(attempts > 40, `${attempts} connections are no more than a second's worth`);
      assert.deepEqual({ failures, answers }, { failures: 0, answers: { [node.name]: attempts } });
    },
  },
  {
    name: "reload of a wrong plan: refused with every error and its line, the old one goes on",
    async run(stage) {
      const { vip, plan, entry, node, agent } = await watchedClass(stage);
      const port = await portOf(agent);
      const sinceMs = nowMs();
      const from = agent.logs.length;
      await plan.writeText(
        "instances:\n- {name: a, loadBalancerClass: a, maxVps: 5}\n" +
          "- {name: a, loadBalancerClass: a, priority: 300}\n",
      );
      const { wrong } = await agent.waitForLog(
        (line) => line["message"] === "the settings are refused, those from before go on",
        DEADLINE_MS,
        from,
      );
      const reasons = await until("all are said", () => {
        const lines = agent.logs.slice(from).filter(({ message }) => message === "wrong setting");
        return Promise.resolve(
          lines.length === wrong ? lines.map(({ reason }) => String(reason)) : undefined,
        );
      });
      assert.match(reasons.join("\n"), /maxVps \(file \S+:2\).*maxVips/);
      assert.match(reasons.join("\n"), /priority = "300" \(file \S+:3\)/);
      const ok = "classvip_config_last_reload_successful";
      assert.match((await get(node, port, "/metrics")).body, new RegExp(`${ok} 0\n`));
      assert.ok((await get(node, port, "/readyz")).ok);

      // SIGHUP reads it again, and what is right again counts again.
      const asked = agent.logs.length;
      Deno.kill(agent.pid, "SIGHUP");
      await agent.waitForLog(({ message }) => message === "wrong setting", DEADLINE_MS, asked);
      await plan.write([entry], { httpAddress: "127.0.0.1:1" });
      const { settings } = await logged(
        agent,
        "some settings of the process need a restart: those from before go on",
      );
      assert.deepEqual(settings, ["httpAddress"]);
      await until("the metric says so", async () => {
        const { body } = await get(node, port, "/metrics");
        return body.includes(`${ok} 1\n`) || undefined;
      });
      await assertUnbroken(stage, vip, node, sinceMs);
    },
  },
  {
    name: "reload with an interface that is not there: the class goes on, and moves once it is",
    async run(stage) {
      const { vip, plan, entry, node, agent } = await watchedClass(stage);
      const sinceMs = nowMs();
      const from = agent.logs.length;
      await plan.write([{ ...entry, interface: "eth9" }]);
      const { reason } = await agent.waitForLog(
        ({ message }) => message === "wrong setting",
        DEADLINE_MS,
        from,
      );
      assert.match(`${reason}`, /interface = "eth9" \(file \S+:\d+\): there is no interface eth9/);
      await assertUnbroken(stage, vip, node, sinceMs);
      await node.exec(["ip", "link", "add", "eth9", "type", "veth", "peer", "name", "peer9"]);
      for (const name of ["peer9", "eth9"]) await node.exec(["ip", "link", "set", name, "up"]);
      await said(agent, FIRST, "holds the Lease", from);
      await until(
        "it is on eth9",
        async () => (await node.exec(["ip", "address", "show", "eth9"])).includes(vip) || undefined,
      );
      await node.exec(["ip", "link", "del", "eth9"]);
    },
  },
  {
    name: "reload of what is no plan any more: a pipe, nothing, no instances: the old one goes on",
    async run(stage) {
      const { vip, plan, node, agent } = await watchedClass(stage);
      const text = await Deno.readTextFile(plan.path);
      const sinceMs = nowMs();
      const wrongs: [write: () => Promise<unknown>, said: RegExp][] = [
        [() => plan.writeText(""), /says nothing/],
        [() => plan.writeText("leaseDuration: 3s\n"), /lists no instances any more/],
        [() =>
          node.exec(["mkfifo", `${plan.path}.pipe`])
            .then(() => Deno.rename(`${plan.path}.pipe`, plan.path)), /is a pipe or a device/],
      ];
      for (const [write, said] of wrongs) {
        const from = agent.logs.length;
        await write();
        await agent.waitForLog(
          ({ level, reason, error }) => level === "error" && said.test(`${reason} ${error}`),
          DEADLINE_MS,
          from,
        );
      }
      const from = agent.logs.length;
      await Deno.remove(plan.path);
      await Deno.writeTextFile(plan.path, `# again\n${text}`);
      await agent.waitForLog(({ message }) => message === "follows the plan", DEADLINE_MS, from);
      await assertUnbroken(stage, vip, node, sinceMs);
    },
  },
  {
    name: "maxVips: the oldest first, further ones wait with an Event, a reload makes room",
    async run(stage) {
      const vips = [stage.freshVip(), stage.freshVip(), stage.freshVip()];
      const plan = await PlanFile.create(stage, [{ name: FIRST, maxVips: 1, ...WATCHED }]);
      const services = [];
      for (const addresses of vips) {
        services.push(await stage.createService({ addresses, class: classOf(stage, FIRST) }));
        // Age counts in whole seconds.
        await rest(1100);
      }
      const node = stage.nodes[0]!;
      const agent = await plan.run(node);
      await stage.served(services[0]!, vips[0]!, node);
      for (const waiting of [1, 2]) {
        const { message } = await stage.event("Service", services[waiting]!, "LimitReached");
        assert.match(message!, /waits for room: maxVips is 1/);
        await stage.assertUntouched(services[waiting]!, vips[waiting]);
      }
      // Room comes: the next in line gets it.
      await stage.kube.delete("Service", services[0]!);
      await stage.served(services[1]!, vips[1]!, node);
      await stage.assertUntouched(services[2]!, vips[2]);
      await steady(stage, vips[1]!);
      const sinceMs = nowMs();
      const from = agent.logs.length;
      await plan.write([{ name: FIRST, maxVips: 2, ...WATCHED }]);
      await stage.served(services[2]!, vips[2]!, node);
      await assertUnbroken(stage, vips[1]!, node, sinceMs);
      const released = agent.logs.slice(from).filter(({ message }) =>
        message === "released the Lease"
      );
      assert.deepEqual(released, [], "a limit was changed by a handover");
    },
  },
];
