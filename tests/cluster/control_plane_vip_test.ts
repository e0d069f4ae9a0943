import assert from "node:assert/strict";
import { Agent, type AgentOptions } from "../lab/agent.ts";
import { makeServerCertificate } from "../lab/api/certificate.ts";
import { nowMs } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import { AddressWatch } from "../lab/invariants.ts";
import { Lab } from "../lab/lab.ts";
import { Sniffer } from "../lab/sniffer.ts";
import { until } from "../scenarios/stage.ts";
import { ApiServers } from "./api_servers.ts";
import { apply, type Manifest, objectsIn } from "./manifests.ts";
import { Writer } from "./writer.ts";

const assets = Deno.env.get("KUBEBUILDER_ASSETS");
/** On a machine that runs three API servers beside all else. */
const DEADLINE_MS = 60_000;
const VIP_HOST = 100;

/** Three nodes with an API server and an agent each, and a client that knows only the VIP. */
class World implements AsyncDisposable {
  readonly #agents = new Map<string, Agent>();

  private constructor(
    readonly lab: Lab,
    readonly servers: ApiServers,
    readonly watch: AddressWatch,
    readonly sniffer: Sniffer,
    readonly writer: Writer,
    readonly stack: AsyncDisposableStack,
  ) {}

  static async create(): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "classvip-control-plane-" });
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    const lab = stack.use(await Lab.create({ nodes: 3 }));
    const vip = lab.address(VIP_HOST);
    const servers = stack.use(await ApiServers.create(assets!, lab, vip, dir));
    const watch = stack.use(await AddressWatch.start(lab.nodes));
    const sniffer = stack.use(await Sniffer.start(lab.client));
    const { url, token } = servers;
    const writer = stack.use(
      await Writer.start(lab.client, { url, token, caFile: `${dir}/ca.crt` }),
    );
    return new World(lab, servers, watch, sniffer, writer, stack.move());
  }

  get vip(): string {
    return this.servers.vip;
  }

  agent(node: LabHost): Agent {
    return this.#agents.get(node.name)!;
  }

  startAgent(node: LabHost, ...flags: string[]): Promise<Agent> {
    return this.run(node, {
      kubeconfig: this.servers.kubeconfig,
      flags: ["--controlPlane", `--address=${this.vip}`, ...flags],
    });
  }

  async run(node: LabHost, options: AgentOptions): Promise<Agent> {
    const agent = await Agent.start(node, options);
    this.stack.use(agent);
    this.#agents.set(node.name, agent);
    return agent;
  }

  holder(): LabHost | undefined {
    const [holding] = this.watch.holdings.holders(this.vip);
    return this.lab.nodes.find(({ name }) => name === holding?.host);
  }

  /** Waits until the node's agent knows that its API server is well, `from` that line on. */
  async well(node: LabHost, from = 0): Promise<void> {
    await this.agent(node).waitForLog(
      ({ message }) => message === "the API server of this node is well",
      DEADLINE_MS,
      from,
    );
  }

  /** Waits until another node than this has the VIP, and serves. Prints what that cost. */
  async moves(what: string, from: LabHost, sinceMs: number): Promise<void> {
    await until(
      `another node than ${from.name} has the VIP`,
      () => Promise.resolve([undefined, from].includes(this.holder()) ? undefined : true),
      DEADLINE_MS,
    );
    const { atMs } = await this.writer.waitForSuccess(nowMs(), DEADLINE_MS);
    await this.writer.waitForSuccess(atMs + 1000, DEADLINE_MS);
    const { writes, lost, longestGapMs } = this.writer.summary(sinceMs);
    console.log(
      `${what}: ${from.name} → ${this.holder()!.name}, ` +
        `${lost} of ${writes} writes lost, longest gap ${longestGapMs} ms`,
    );
  }

  assertInvariants(): void {
    this.watch.assertNoDoubles();
    for (const { senderIp, senderMac, gratuitous, atMs } of this.sniffer.frames) {
      if (!gratuitous || senderIp !== this.vip) continue;
      const node = this.lab.nodes.find(({ mac }) => mac === senderMac)!;
      const had = this.watch.holdings.of(this.vip).some(({ host, fromMs, toMs, open }) =>
        host === node.name && fromMs - 1000 <= atMs && (open || atMs <= toMs + 1000)
      );
      assert.ok(had, `${node.name} announced the VIP without having it`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

Deno.test({
  name: "classvip run --controlPlane" +
    (assets
      ? ""
      : " (skipped: KUBEBUILDER_ASSETS does not name a folder with etcd and kube-apiserver)"),
  ignore: !assets,
  async fn(t) {
    await using world = await World.create();
    const { lab, servers, watch, writer, vip } = world;
    const [first, second, third] = lab.nodes as [LabHost, LabHost, LabHost];
    const step = (name: string, fn: () => Promise<void>) =>
      t.step({
        name,
        sanitizeOps: false,
        sanitizeResources: false,
        fn: async () => {
          try {
            await fn();
            world.assertInvariants();
          } catch (error) {
            for (const node of lab.nodes) {
              const text = world.agent(node)?.text.trimEnd().split("\n").slice(-30).join("\n");
              console.error(`${node.name}:\n${text}`);
            }
            throw error;
          }
        },
      });

    await step("the VIP is up before any API server, and leads to the one that comes", async () => {
      const strict = await world.startAgent(second);
      await world.startAgent(first, "--bootstrap");
      await watch.waitForHolder(vip, DEADLINE_MS, first.name);
      // Who has it already is asked on the wire.
      const late = await world.startAgent(third, "--bootstrap");
      await late.waitForLog(
        ({ message }) =>
          message === "another machine has the VIP, it is not put up without a Lease",
        DEADLINE_MS,
      );
      assert.equal(writer.summary(0).writes, writer.summary(0).lost);
      const sinceMs = nowMs();
      servers.start(first);
      await writer.waitForSuccess(sinceMs, 2 * DEADLINE_MS);
      await world.agent(first).waitForLog(
        ({ message }) => message === "holds the Lease",
        DEADLINE_MS,
      );
      await world.well(first);
      assert.equal(watch.holdings.of(vip).length, 1, "the VIP never went");
      for (const agent of [strict, late]) {
        assert.equal(agent.logs.some(({ message }) => message === "announces a VIP"), false);
      }
    });

    await step("all three nodes join", async () => {
      for (const node of [second, third]) {
        servers.start(node);
        await servers.ready(node);
      }
      await world.well(second);
      // Without the setting: its work is done.
      for (const node of [third, first]) {
        await world.agent(node).terminate();
        await world.startAgent(node);
        await world.well(node);
      }
      await watch.waitForHolder(vip, DEADLINE_MS);
    });

    const lose = async (
      what: string,
      hurt: (node: LabHost) => Promise<unknown>,
      mend: (node: LabHost) => Promise<unknown> | void,
    ) => {
      const node = world.holder()!;
      const sinceMs = nowMs();
      await hurt(node);
      await world.moves(what, node, sinceMs);
      const lines = world.agent(node).logs.length;
      const ended = world.agent(node).ended;
      await mend(node);
      await world.well(node, ended ? 0 : lines);
    };

    await step("the API server of the holder is killed", () =>
      lose(
        "API server killed",
        (node) => servers.signal(node, "SIGKILL"),
        (node) => servers.start(node),
      ));

    await step("the agent of the holder is killed", () =>
      lose(
        "agent killed",
        (node) => world.agent(node).kill(),
        (node) => world.startAgent(node),
      ));

    await step("both of the holder are killed", () =>
      lose(
        "both killed",
        (node) => Promise.all([servers.signal(node, "SIGKILL"), world.agent(node).kill()]),
        (node) => {
          servers.start(node);
          return world.startAgent(node);
        },
      ));

    await step("the API server of the holder hangs", () =>
      lose(
        "API server hangs",
        (node) => servers.signal(node, "SIGSTOP"),
        (node) => servers.signal(node, "SIGCONT"),
      ));

    await step("the API server of the holder shows a certificate of nobody", () =>
      lose(
        "wrong certificate",
        async ({ name, ip }) =>
          servers.giveCertificate(name, await makeServerCertificate([vip, ip])),
        async (node) => {
          await servers.signal(node, "SIGKILL");
          await servers.restoreCertificate(node.name);
          servers.start(node);
        },
      ));

    await step("the API server of the holder loses its etcd and says so", () =>
      lose(
        "without etcd",
        (node) => node.exec(["ip", "route", "add", "blackhole", `${lab.gatewayIp}/32`]),
        (node) => node.exec(["ip", "route", "del", "blackhole", `${lab.gatewayIp}/32`]),
      ));

    await step("beside Services in one process, which go on without their API server", async () => {
      const service = lab.address(VIP_HOST + 1);
      const config = `${servers.dir}/plan.yaml`;
      await Deno.writeTextFile(
        config,
        `interface: eth0
instances:
  - {name: control-plane, controlPlane: true, address: ${vip}}
  - {loadBalancerClass: example.com/public}
`,
      );
      for (const node of [first, second]) {
        await world.agent(node).terminate();
        await world.run(node, {
          kubeconfig: servers.kubeconfig,
          interface: null,
          flags: [`--config=${config}`],
        });
        await world.well(node);
      }
      await world.agent(third).terminate();
      using kube = servers.kube(first);
      for (const [name, address] of [["web", service], ["greedy", vip]]) {
        await kube.create("Service", {
          metadata: {
            name: name!,
            namespace: "default",
            annotations: { "classvip.io/addresses": address! },
          },
          spec: {
            type: "LoadBalancer",
            loadBalancerClass: "example.com/public",
            ports: [{ port: 80 }],
          },
        });
      }
      await watch.waitForHolder(vip, DEADLINE_MS);
      const { host } = await watch.waitForHolder(service, DEADLINE_MS);
      const server = lab.nodes.find(({ name }) => name === host)!;
      await world.agent(server).waitForLog(
        ({ message, service }) => message === "refused" && service === "default/greedy",
        DEADLINE_MS,
      );
      // Both VIPs on one node, so that its API server is the one that both need.
      if (world.holder() !== server) {
        await servers.signal(world.holder()!, "SIGKILL");
        await watch.waitForHolder(vip, DEADLINE_MS, host);
        const other = [first, second].find((node) => node !== server)!;
        const lines = world.agent(other).logs.length;
        servers.start(other);
        await world.well(other, lines);
      }
      await lose(
        "API server killed, beside Services",
        (node) => servers.signal(node, "SIGKILL"),
        (node) => servers.start(node),
      );
      assert.equal(watch.holdings.of(service).length, 1, "the Service's VIP never went");
      await world.startAgent(third);
    });

    await step("what was acknowledged is stored", async () => {
      using kube = servers.kube(world.holder()!);
      // Before the list: the client goes on writing.
      const acknowledged = writer.writes.filter(({ ok }) => ok);
      const { items } = await kube.request<{ items: { metadata: { name: string } }[] }>(
        "GET",
        "/api/v1/namespaces/default/configmaps",
      );
      const stored = new Set(items.map(({ metadata }) => metadata.name));
      const missing = acknowledged.filter(({ name }) => !stored.has(name));
      assert.deepEqual(missing, []);
    });

    await step("nothing is left when all agents end", async () => {
      await Promise.all(lab.nodes.map((node) => world.agent(node).terminate()));
      await watch.waitForNobody(vip, DEADLINE_MS);
    });

    await step("the shipped manifests are accepted, and their rights are enough", async () => {
      using kube = servers.kube(first);
      const inSystem = "/api/v1/namespaces/kube-system";
      await kube.request("POST", `${inSystem}/serviceaccounts`, { metadata: { name: "default" } });
      const [pod] = await shipped("static-pod.yaml");
      await kube.request("POST", `${inSystem}/pods?dryRun=All&fieldValidation=Strict`, pod);
      await apply(kube, await shipped("rbac.yaml"));
      for (const node of lab.nodes) {
        await world.run(node, {
          kubeconfig: servers.userKubeconfig,
          flags: (pod!.spec.containers[0].args as string[]).slice(1)
            .filter((flag) => !flag.startsWith("--kubeconfig"))
            .map((flag) => flag.startsWith("--address") ? `--address=${vip}` : flag),
        });
        await world.well(node);
      }
      await watch.waitForHolder(vip, DEADLINE_MS);
      await lose(
        "API server killed, least rights",
        (node) => servers.signal(node, "SIGKILL"),
        (node) => servers.start(node),
      );
    });

    await step("where none is well, the VIP stays", async () => {
      const since = watch.holdings.of(vip).length;
      const sinceMs = nowMs();
      // Without a right to ask for it, /livez is 403 on all nodes.
      using kube = servers.kube(first);
      const roles = "/apis/rbac.authorization.k8s.io/v1/clusterrole";
      const [role] = await shipped("rbac.yaml");
      await apply(kube, [{ ...role!, rules: role!.rules.slice(1) }]);
      for (const role of ["system:discovery", "system:public-info-viewer"]) {
        await kube.request("DELETE", `${roles}bindings/${role}`);
      }
      await world.agent(world.holder()!).waitForLog(
        ({ message, reason }) =>
          message === "the API server of this node is not well" && /403/.test(String(reason)),
        DEADLINE_MS,
      );
      await writer.waitForSuccess(nowMs() + 5000, DEADLINE_MS);
      assert.equal(watch.holdings.of(vip).length, since);
      assert.equal(writer.summary(sinceMs).lost, 0);
      await Promise.all(lab.nodes.map((node) => world.agent(node).terminate()));
    });
  },
});

async function shipped(file: string): Promise<Manifest[]> {
  const path = new URL(`../../deploy/control-plane/${file}`, import.meta.url);
  return objectsIn(await Deno.readTextFile(path));
}
