import assert from "node:assert/strict";
import { FormerHolders } from "../../lib/agent/former_holders.ts";
import { Health } from "../../lib/agent/health.ts";
import { Instance } from "../../lib/agent/instance.ts";
import { ServiceSource } from "../../lib/agent/service_source.ts";
import { LeaseView } from "../../lib/agent/lease_view.ts";
import { LinkWatch } from "../../lib/agent/link_watch.ts";
import type { InstanceConfig } from "../../lib/config/instance.ts";
import { readLease } from "../../lib/election/lease_record.ts";
import type { Event } from "../../lib/kube/types.ts";
import { EventRecorder } from "../../lib/observe/events.ts";
import { createMetrics } from "../../lib/observe/metrics.ts";
import { instanceMark } from "../../lib/vip/vips.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { FakeCluster } from "../doubles/fake_cluster.ts";
import { Lines } from "../doubles/fake_kube_client.ts";
import { refused } from "../doubles/fake_lease_api.ts";
import { ethernet, FakeNetwork } from "../doubles/fake_network.ts";
import { instanceConfig } from "../doubles/instance_config.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";
import { service } from "../services/views.ts";

const CONFIG = instanceConfig("blue", {
  leaseName: "classvip-blue",
  leaseDurationMs: 10_000,
  renewIntervalMs: 3000,
  statusWritesPerSecond: 1000,
});
const MARK = instanceMark("kube-system", "classvip-blue");
/** One duration, what is allowed for drift and a late kernel, and some time to act. */
const FIRST_HOLD_MS = 10_450;
const A = "192.0.2.1";
const B = "192.0.2.2";
const ALL_LEASES = "/apis/coordination.k8s.io/v1/leases";

/** A node with one instance on it. */
class Node {
  readonly network: FakeNetwork;
  readonly instance: Instance;
  readonly health = new Health();
  readonly logger = keepingLogger();
  readonly events: Event[] = [];
  readonly #stop = new AbortController();
  readonly #rest = new AbortController();
  readonly #runs: Promise<void>[];
  /** Tells whether the node has the taint. */
  taint: (tainted: boolean) => void = () => {};
  /** Lets another machine claim an address, as far as it is held here. */
  claim: (vip: string, mac: string) => void = () => {};

  constructor(cluster: FakeCluster, clock: FakeClock, name: string, config = CONFIG) {
    this.network = new FakeNetwork(clock);
    const source = new ServiceSource({
      open: () => cluster.open(),
      clock,
      random: () => 0.5,
      observer: {},
    });
    const leases = new LeaseView({
      client: cluster.open(),
      clock,
      random: () => 0.5,
      observer: {},
      logger: this.logger,
    });
    let wallClockMs = 1_700_000_000_000;
    const links = new LinkWatch(this.network, clock, this.logger);
    const instance = this.instance = new Instance(
      config,
      {
        nodeName: name,
        incarnation: `boot of ${name}`,
        reserved: () => new Map(),
        network: this.network,
        source,
        leases,
        formers: new FormerHolders({ leases, services: source }),
        links,
        node: {
          podNetworks: [],
          subscribe: (listener) => {
            this.taint = listener;
            return () => this.taint = () => {};
          },
        },
        namespaces: { ask: () => undefined, subscribe: () => () => {} },
        handovers: { subscribe: () => () => {} },
        claims: {
          subscribe: (listener) => {
            this.claim = (vip, mac) => listener.holds(vip) && listener.claimed({ vip, mac });
            return () => this.claim = () => {};
          },
          look: () => true,
        },
        open: () => cluster.open(),
        clock,
        random: () => 0.5,
        wallClockMs: () => wallClockMs += 1,
        holdLock: () => ({ [Symbol.dispose]: () => {} }),
        openEvents: ({ logger }) =>
          new EventRecorder({
            post: (event) => Promise.resolve(void this.events.push(event)),
            node: name,
            // Their own pauses are none of these tests' business.
            clock: { nowMs: () => clock.nowMs(), until: () => Promise.resolve() },
            rate: { take: () => Promise.resolve() },
            logger,
          }),
        isAwaited: () => false,
        health: this.health,
        leaseWatchObserver: {},
      },
      createMetrics({ version: "1" }).instance(config.name, config.loadBalancerClass),
      this.logger,
    );
    const rest = this.#rest.signal;
    this.#runs = [instance, source, leases, links].map((task) =>
      task.run(task === instance ? this.#stop.signal : rest)
    );
  }

  vips(): string[] {
    return this.network.vips(MARK);
  }

  reasons(): (string | undefined)[] {
    return this.events.map(({ reason }) => reason);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#runs[0];
    this.#rest.abort();
    await Promise.all(this.#runs);
  }
}

/** For what takes some real milliseconds between two reconciles, and nine times a slow one. */
const DEADLINE_MS = 60_000;

/** Resolves when it is so. */
async function soon(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS;
  while (!condition()) {
    assert.ok(performance.now() < endMs, `never came true: ${condition}`);
    await settled();
  }
}

async function serving(sketch: Parameters<typeof service>[1] = { wish: A }) {
  const clock = new FakeClock();
  const cluster = new FakeCluster();
  cluster.put(service("web", sketch));
  const node = new Node(cluster, clock, "node-a");
  await clock.advance(FIRST_HOLD_MS);
  return { clock, cluster, node };
}

Deno.test("Instance takes the Lease, puts the VIP on, announces it and writes the status", async () => {
  const { cluster, node } = await serving();
  assert.equal(readLease(cluster.lease.current()!).holder, "node-a");
  assert.deepEqual(node.vips(), [A]);
  assert.deepEqual(cluster.shown("web"), [A]);
  assert.deepEqual(cluster.patched, ["web"]);
  assert.ok(node.network.frames.length >= 2);
  assert.ok(node.reasons().includes("Announced"));
  assert.ok(node.health.ready().healthy, JSON.stringify(node.health.ready()));
  await node.stop();
  assert.deepEqual(node.vips(), []);
  assert.equal(readLease(cluster.lease.current()!).releasedTerm, 1);
  assert.deepEqual(cluster.shown("web"), [A], "the status is the next holder's");
});

Deno.test("Instance follows Services that come, change and go", async () => {
  const { cluster, node } = await serving();
  cluster.put(service("api", { wish: B }));
  await soon(() => node.vips().includes(B) && cluster.shown("api").includes(B));
  cluster.put(service("web", { wish: "192.0.2.7", shows: [A] }));
  await soon(() => node.vips().join() === `${B},192.0.2.7`);
  await soon(() => cluster.shown("web").join() === "192.0.2.7");
  cluster.remove("api");
  await soon(() => node.vips().join() === "192.0.2.7");
  await soon(() => node.reasons().includes("Withdrawn"));
  await node.stop();
});

Deno.test("Instance withdraws and clears what is not its to serve any more", async () => {
  const { cluster, node } = await serving();
  const annotations = { "classvip.io/ignore": "true" };
  cluster.put(service("web", { wish: A, shows: [A], annotations }));
  await soon(() => node.vips().length === 0 && cluster.shown("web").length === 0);
  const withdrawn = node.events.find(({ reason }) => reason === "Withdrawn");
  assert.match(withdrawn?.message ?? "", /192\.0\.2\.1 is not announced any more.*ignore it/);
  await node.stop();
});

Deno.test("Instance takes a status back that was under way when its Service went", async () => {
  const { clock, cluster, node } = await serving();
  const held = Promise.withResolvers<void>();
  const usual = cluster.answer;
  cluster.answer = async (options) => {
    if (options.method === "PATCH" && options.path.includes("/api/")) await held.promise;
    return usual(options);
  };
  cluster.put(service("api", { wish: B }));
  await soon(() => node.vips().includes(B));
  // The server has not answered yet: the Service is seen without a status when it leaves.
  cluster.put(service("api", { wish: B, annotations: { "classvip.io/ignore": "true" } }));
  await soon(() => !node.vips().includes(B));
  held.resolve();
  await soon(() => cluster.patched.filter((name) => name === "api").length === 2);
  assert.deepEqual(cluster.shown("api"), []);
  await clock.advance(100);
  await node.stop();
});

Deno.test("Instance writes no status of an address that it does not hold", async () => {
  const clock = new FakeClock();
  const cluster = new FakeCluster();
  cluster.put(service("web", { wish: A }));
  const node = new Node(cluster, clock, "node-a");
  node.network.refuse = () => new Error("EPERM");
  await clock.advance(FIRST_HOLD_MS);
  assert.equal(readLease(cluster.lease.current()!).holder, "node-a");
  assert.deepEqual(cluster.patched, []);
  node.network.refuse = () => undefined;
  cluster.put(service("api", { wish: B }));
  await soon(() => cluster.shown("web").join() === A && cluster.shown("api").join() === B);
  await node.stop();
});

Deno.test("Instance looks at its Services again where only the node changed", async () => {
  const { cluster, node } = await serving({ wish: A, shows: [A] });
  let looks = 0;
  const before = node.network.addresses.bind(node.network);
  node.network.addresses = (mark) => {
    looks++;
    return before(mark);
  };
  // Nothing is to be done for so long that it is not thought over any more.
  await soon(() => looks > 0);
  node.network.add(1, `${A}/24`);
  await soon(() => node.vips().length === 0);
  assert.deepEqual(cluster.shown("web"), []);
  await node.stop();
});

Deno.test("Instance takes a flood of changes in together", async () => {
  const { cluster, node } = await serving();
  let links = 0;
  const before = node.network.links.bind(node.network);
  node.network.links = () => {
    links++;
    return before();
  };
  const started = performance.now();
  for (let i = 0; i < 500; i++) {
    cluster.put(service(`web-${i}`, { wish: `10.0.${i >> 8}.${i & 255}` }));
  }
  await soon(() => node.vips().length === 501);
  await soon(() => cluster.shown("web-499").length === 1);
  const rounds = (performance.now() - started) / 10 + 2;
  assert.ok(links / 2 <= rounds, `${links / 2} reconciles where ${rounds} are in order`);
  await node.stop();
});

Deno.test("Instance takes changes in once that arrive at the same instant", async () => {
  const { cluster, node } = await serving();
  const endMs = performance.now() + 20;
  while (performance.now() < endMs) await settled();
  let rounds = 0;
  const before = node.network.links.bind(node.network);
  node.network.links = () => {
    rounds++;
    return before();
  };
  // Deleted and created anew: the watch tells of both at once.
  cluster.put(service("web", { wish: A, shows: [A], uid: "another" }));
  await soon(() => rounds > 0);
  await settled();
  // To decide, and to put up.
  assert.equal(rounds, 2);
  await node.stop();
});

Deno.test("Instance forgets a status write that is not wanted any more", async () => {
  const { clock, cluster, node } = await serving();
  const usual = cluster.answer;
  cluster.answer = (options) => {
    if (options.path.endsWith("/web/status")) throw refused(500, "InternalError");
    return usual(options);
  };
  cluster.put(service("web", { wish: B, shows: [A] }));
  await soon(() => node.vips().join() === B);
  cluster.put(service("web", { wish: A, shows: [A] }));
  await soon(() => node.vips().join() === A);
  cluster.answer = usual;
  await clock.advance(60_000);
  assert.deepEqual(cluster.patched, ["web"], "only the one from before");
  await node.stop();
});

Deno.test("Instance leaves a status alone once another is the holder", async () => {
  const { clock, cluster, node } = await serving();
  const usual = cluster.answer;
  cluster.answer = (options) => {
    if (options.path.endsWith("/status")) throw refused(500, "InternalError");
    return usual(options);
  };
  cluster.put(service("api", { wish: B }));
  await soon(() => node.vips().includes(B));
  cluster.lease.edit((lease) => lease.spec!.holderIdentity = "node-x");
  await soon(() => node.vips().length === 0);
  cluster.answer = usual;
  await clock.advance(5000);
  assert.deepEqual(cluster.patched, ["web"]);
  await node.stop();
});

Deno.test("Instance clears no status that another controller wrote", async () => {
  const clock = new FakeClock();
  const cluster = new FakeCluster();
  const theirs = { class: undefined, shows: ["203.0.113.9"] };
  cluster.put(service("web", theirs));
  const node = new Node(cluster, clock, "node-a", { ...CONFIG, alsoClassless: true });
  await clock.advance(FIRST_HOLD_MS);
  assert.ok(node.reasons().includes("NoAddress"));
  const annotations = { "classvip.io/ignore": "true" };
  cluster.put(service("web", { ...theirs, annotations }));
  cluster.put(service("api", { wish: B }));
  await soon(() => cluster.shown("api").length > 0);
  await clock.advance(1000);
  assert.deepEqual(cluster.patched, ["api"]);
  await node.stop();
});

Deno.test("Instance hands over at once, and the next one writes nothing that is right", async () => {
  const { clock, cluster, node } = await serving();
  const next = new Node(cluster, clock, "node-b");
  await clock.advance(1000);
  assert.deepEqual(next.vips(), []);
  const seen: string[] = [];
  cluster.lease.watch(() => seen.push(`${node.vips()}|${next.vips()}`));
  await node.stop();
  await settled();
  assert.deepEqual(next.vips(), [A]);
  assert.ok(seen.every((line) => line === "|"), "released only once the address was gone");
  assert.deepEqual(cluster.patched, ["web"]);
  await next.stop();
});

Deno.test("Instance withdraws at the fence when the API server is away, and comes back", async () => {
  const { clock, cluster, node } = await serving();
  const usual = cluster.answer;
  cluster.answer = () => {
    throw refused(0, "Unreachable");
  };
  await clock.advance(10_000);
  assert.deepEqual(node.vips(), []);
  const count = node.network.frames.length;
  await clock.advance(20_000);
  assert.equal(node.network.frames.length, count);
  cluster.answer = usual;
  await clock.advance(2000);
  await soon(() => node.vips().includes(A));
  await node.stop();
});

Deno.test("Instance keeps a crashed run's VIPs when the Lease is still its own", async () => {
  const { clock, cluster, node } = await serving();
  const lease = cluster.lease.current()!;
  await node.stop();
  // As if that run had crashed: its Lease and its address are still there.
  const { resourceVersion: _, ...metadata } = lease.metadata!;
  cluster.lease.replace({ ...lease, metadata });
  const again = new Node(cluster, clock, "node-a");
  again.network.add(1, `${A}/32`, { mark: MARK, preferredSeconds: 0, validSeconds: 9 });
  again.network.add(1, `${B}/32`, { mark: MARK, preferredSeconds: 0, validSeconds: 9 });
  const removed: string[] = [];
  again.network.refuse = ({ kind, ip }) => {
    if (kind === "remove") removed.push(ip.text);
    return undefined;
  };
  await settled();
  await soon(() => again.vips().join() === A);
  assert.deepEqual(removed, [B], "nobody asks for it any more");
  await again.stop();
});

Deno.test("Instance refuses with an Event, and goes on with the others", async () => {
  const { cluster, node } = await serving({ wish: "oops" });
  cluster.put(service("api", { wish: B }));
  await soon(() => cluster.shown("api").join() === B);
  await soon(() => node.reasons().includes("AddressRefused"));
  const { message, involvedObject } = node.events.find((e) => e.reason === "AddressRefused")!;
  assert.match(message ?? "", /^oops \(classvip.io\/addresses\): it is not an IP address/);
  assert.equal(involvedObject.name, "web");
  await node.stop();
});

Deno.test("Instance does not serve a Lease of another class, and says so", async () => {
  const clock = new FakeClock();
  const cluster = new FakeCluster();
  cluster.put(service("web", { wish: A }));
  const config = { ...CONFIG, loadBalancerClass: "red" };
  const red = new Node(cluster, clock, "node-b", config);
  await clock.advance(FIRST_HOLD_MS);
  const node = new Node(cluster, clock, "node-a");
  await clock.advance(60_000);
  assert.deepEqual(node.vips(), []);
  assert.equal(node.instance.leaseUsedFor, "class red");
  assert.ok(!node.health.ready().healthy);
  assert.ok(node.health.live().healthy, JSON.stringify(node.health.live()));
  // Its class is served by nobody else: when the others leave, the Lease is free.
  await red.stop();
  await soon(() => node.vips().join() === A);
  await node.stop();
});

Deno.test("Instance yields to another Lease of its class", async () => {
  const clock = new FakeClock();
  const cluster = new FakeCluster();
  cluster.put(service("web", { wish: A }));
  const first = new Node(cluster, clock, "node-b");
  await clock.advance(FIRST_HOLD_MS);
  const theirs = cluster.lease.current()!;
  const other = new FakeCluster();
  other.put(service("web", { wish: A }));
  other.otherLeases = [{ ...theirs, metadata: { ...theirs.metadata, name: "theirs" } }];
  const node = new Node(other, clock, "node-a");
  await clock.advance(5000);
  const problems = node.health.ready().checks.map(({ problem }) => problem ?? "").join();
  assert.match(problems, /class blue is served under Lease kube-system\/theirs already/);
  await node.stop();
  await first.stop();
});

Deno.test("Instance puts up nothing before it sees its Lease among all, as it took it", async () => {
  for (const rival of [false, true]) {
    const clock = new FakeClock();
    const cluster = new FakeCluster();
    cluster.put(service("web", { wish: A }));
    // What all Leases are like comes late: as they were before, and without events.
    let late = true;
    const [open, answer] = [cluster.open.bind(cluster), cluster.answer];
    cluster.open = () => {
      const client = open();
      const { follow } = client;
      client.follow = (options) =>
        late && options.path === ALL_LEASES ? new Lines(options.signal) : follow(options);
      return client;
    };
    cluster.answer = (options) =>
      late && options.path === ALL_LEASES
        ? { metadata: { resourceVersion: "1" }, items: [] }
        : answer(options);
    const node = new Node(cluster, clock, "node-a");
    await clock.advance(FIRST_HOLD_MS);
    const own = cluster.lease.current()!;
    assert.equal(readLease(own).holder, "node-a");
    assert.deepEqual(node.vips(), []);

    late = false;
    if (rival) {
      const metadata = { ...own.metadata, name: "a-rival", uid: "rival" };
      cluster.otherLeases = [{ ...own, metadata }];
    }
    // Lists them again when its write stays unseen.
    await clock.advance(3000);
    assert.deepEqual(node.vips(), rival ? [] : [A]);
    await node.stop();
  }
});

Deno.test("Instance keeps the Lease while an address cannot be removed, and logs it once", async () => {
  const { clock, cluster, node } = await serving();
  node.network.refuse = ({ kind }) => kind === "remove" ? new Error("EBUSY") : undefined;
  const done = node.stop();
  await clock.advance(3000);
  assert.equal(readLease(cluster.lease.current()!).holder, "node-a");
  node.network.refuse = () => undefined;
  await clock.advance(1000);
  await done;
  assert.deepEqual(node.vips(), []);
  assert.equal(readLease(cluster.lease.current()!).releasedTerm, 1);
  const said = node.logger.lines.filter(({ message }) => message.startsWith("could not withdraw"));
  assert.equal(said.length, 1);
});

/** Two nodes; the first one holds. */
async function pair(config: Partial<InstanceConfig> = {}) {
  const { clock, cluster, node } = await serving();
  const other = new Node(cluster, clock, "node-b", { ...CONFIG, ...config });
  await clock.advance(1000);
  assert.deepEqual([node.vips(), other.vips()], [[A], []]);
  return { clock, cluster, node, other };
}

Deno.test("Instance hands over when its link goes, and stands again when it is back", async () => {
  const { clock, cluster, node, other } = await pair();
  for (
    const [broken, reason] of [[{ carrier: false }, "has no carrier"], [{ up: false }, "down"]]
  ) {
    node.network.linkList = [ethernet(1, "eth0", broken as object)];
    await clock.advance(200);
    await soon(() => other.vips().join() === A);
    assert.deepEqual(node.vips(), []);
    const said = node.logger.lines.findLast(({ message }) => message === "the node may not hold");
    assert.match(String(said?.fields?.["reason"]), new RegExp(`interface eth0 .*${reason}`));
    node.network.linkList = [ethernet(1, "eth0")];
    await clock.advance(60_000);
    assert.deepEqual([node.vips(), other.vips()], [[], [A]], "what works stays where it is");
    other.taint(true);
    await soon(() => node.vips().join() === A);
    other.taint(false);
    await clock.advance(1000);
  }
  assert.equal(readLease(cluster.lease.current()!).holder, "node-a");
  await Promise.all([node.stop(), other.stop()]);
});

/** Two nodes on two networks, whose interfaces are found by the VIPs; the first one holds. */
async function pairOnTwoNetworks(wishes: string[]) {
  const clock = new FakeClock();
  const cluster = new FakeCluster();
  for (const wish of wishes) cluster.put(service(`at-${wish}`, { wish }));
  const [node, other] = ["node-a", "node-b"].map((name) => {
    const node = new Node(cluster, clock, name, { ...CONFIG, interface: "auto" });
    node.network.linkList = [ethernet(1, "eth0"), ethernet(2, "eth1")];
    node.network.add(1, "192.0.2.200/24");
    node.network.add(2, "198.51.100.200/24");
    return node;
  }) as [Node, Node];
  other.taint(true);
  await clock.advance(FIRST_HOLD_MS);
  other.taint(false);
  await soon(() => node.vips().length === wishes.length);
  return { clock, node, other };
}

Deno.test("Instance hands over when its link was dead before its VIPs came", async () => {
  const { clock, node, other } = await pairOnTwoNetworks([A]);
  other.network.linkList = [ethernet(1, "eth0", { carrier: false }), ethernet(2, "eth1")];
  await clock.advance(1000);
  node.taint(true);
  await soon(() => other.vips().join() === A);
  node.taint(false);
  await clock.advance(CONFIG.renewIntervalMs);
  await soon(() => node.vips().join() === A);
  await Promise.all([node.stop(), other.stop()]);
});

Deno.test("Instance keeps what it can serve when a whole network fails on every node", async () => {
  const { clock, node, other } = await pairOnTwoNetworks([A, "198.51.100.1"]);
  // Both have held.
  node.taint(true);
  await soon(() => other.vips().length === 2);
  node.taint(false);
  for (const { network } of [node, other]) {
    network.linkList = [ethernet(1, "eth0"), ethernet(2, "eth1", { carrier: false })];
  }
  await clock.advance(1000);
  await soon(() => node.vips().includes(A));
  await clock.advance(60_000);
  assert.deepEqual([node.vips().includes(A), other.vips()], [true, []], "no other is better");
  await Promise.all([node.stop(), other.stop()]);
});

Deno.test("Instance puts its VIPs on a link that was made anew between two looks", async () => {
  const { clock, node } = await serving();
  node.network.linkList = [ethernet(2, "eth0")];
  await clock.advance(200);
  await soon(() => node.network.frames.some(({ linkIndex, vip }) => linkIndex === 2 && vip === A));
  await node.stop();
});

Deno.test("Instance stays away while its node is tainted or without a link, whichever lasts", async () => {
  const { clock, node, other } = await pair();
  other.taint(true);
  other.network.linkList = [];
  await clock.advance(1000);
  other.taint(false);
  await node.stop();
  await clock.advance(60_000);
  assert.deepEqual(other.vips(), []);
  other.network.linkList = [ethernet(1, "eth0")];
  await clock.advance(1000);
  await soon(() => other.vips().join() === A);
  await other.stop();
});

Deno.test("Instance stops although its node is tainted, and is not called back by that", async () => {
  const { cluster, node } = await serving();
  node.taint(true);
  assert.deepEqual(node.vips(), []);
  const stopped = node.stop();
  node.taint(false);
  await stopped;
  assert.equal(readLease(cluster.lease.current()!).releasedTerm, 1);
});

Deno.test("Instance of a higher priority takes its place again, where it is told to", async () => {
  const { clock, cluster, node, other } = await pair({ priority: 100, failback: true });
  await clock.advance(60_000);
  assert.deepEqual(other.vips(), [], "of the same priority");
  await node.stop();
  await soon(() => other.vips().join() === A);
  const low = new Node(cluster, clock, "node-c", { ...CONFIG, priority: 10 });
  await clock.advance(1000);
  other.taint(true);
  // The less preferred one stands back first.
  await clock.advance(10_000);
  await soon(() => low.vips().join() === A);
  other.taint(false);
  await clock.advance(19_000);
  assert.deepEqual(low.vips(), [A]);
  await clock.advance(2000);
  await soon(() => other.vips().join() === A);
  assert.deepEqual(low.vips(), []);
  await Promise.all([low.stop(), other.stop()]);
});

Deno.test("Instance holds on without the API server where it is told to, until contradicted", async () => {
  const clock = new FakeClock();
  const cluster = new FakeCluster();
  cluster.put(service("web", { wish: A }));
  const node = new Node(cluster, clock, "node-a", { ...CONFIG, onApiLoss: "hold" });
  await clock.advance(FIRST_HOLD_MS);
  assert.deepEqual(node.vips(), [A]);
  node.claim(A, "02:00:00:00:00:99");
  assert.deepEqual(node.vips(), [A], "the Lease is the judge");
  await soon(() => node.reasons().includes("AddressConflict"));
  cluster.answer = () => {
    throw refused(0, "Unreachable");
  };
  for (let s = 0; s < 60; s++) {
    await clock.advance(1000);
    assert.deepEqual(node.vips(), [A]);
  }
  node.claim(B, "02:00:00:00:00:99");
  assert.deepEqual(node.vips(), [A], "not held here");
  node.claim(A, "02:00:00:00:00:99");
  assert.deepEqual(node.vips(), []);
  await clock.advance(60_000);
  assert.deepEqual(node.vips(), []);
  const stopped = node.stop();
  await clock.advance(12_000);
  await stopped;
});

const POOL = {
  name: "small",
  addresses: [A],
  autoAssign: true,
  avoidEnds: false,
  namespaces: [],
  serviceSelector: [],
};
const NOT_SHOWN_YET: [what: string, wish: string | undefined, more: Partial<InstanceConfig>][] = [
  ["asks who has its address", A, { addressProbe: true }],
  ["gives it out, once the Lease says so", undefined, { pools: [POOL] }],
];
for (const [what, wish, more] of NOT_SHOWN_YET) {
  Deno.test(`Instance goes before others in the start until its VIP is up, while it ${what}`, async () => {
    const clock = new FakeClock();
    const cluster = new FakeCluster();
    cluster.put(service("web", wish === undefined ? {} : { wish }));
    const node = new Node(cluster, clock, "node-a", { ...CONFIG, ...more });
    await clock.advance(FIRST_HOLD_MS - 100);
    const endMs = performance.now() + DEADLINE_MS;
    while (node.instance.startStage === 0) {
      assert.ok(performance.now() < endMs, "it never came so far");
      await clock.advance(1);
      // Between two reconciles time passes by the real clock.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.deepEqual(node.vips(), [A]);
    await node.stop();
  });
}
