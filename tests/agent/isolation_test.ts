import assert from "node:assert/strict";
import { Reconciler } from "../../lib/agent/reconciler.ts";
import { InstanceReports } from "../../lib/agent/reports.ts";
import { ServiceSource } from "../../lib/agent/service_source.ts";
import type { Changes } from "../../lib/services/changes.ts";
import type { ClassPolicy } from "../../lib/services/class_policy.ts";
import { MOST_ADDRESSES } from "../../lib/services/address_owners.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import { StatusWriter } from "../../lib/services/status_writer.ts";
import { EventRecorder } from "../../lib/observe/events.ts";
import { createMetrics } from "../../lib/observe/metrics.ts";
import { instanceMark, Vips } from "../../lib/vip/vips.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { FakeCluster } from "../doubles/fake_cluster.ts";
import { FakeNetwork } from "../doubles/fake_network.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";
import { poolKeeper } from "../doubles/pool_keeper.ts";
import { service } from "../services/views.ts";

const FLOOD = 5000;
const DEADLINE_MS = 120_000;
/** A reconciler looks at all its Services so often, by a real clock. */
const AGAIN_MS = 5000;
const VIP = "192.0.2.1";
/** What people get wrong, one kind after another. */
const BROKEN = [
  "none",
  "999.0.2.1",
  "127.0.0.1",
  VIP,
  "198.51.100.7",
  Array.from({ length: MOST_ADDRESSES + 1 }, (_, i) => `198.51.100.${i}`).join(),
];

/** The holders of several classes in one process, on one source of Services. */
class Process {
  readonly clock = new FakeClock();
  readonly cluster = new FakeCluster();
  readonly network = new FakeNetwork(this.clock);
  readonly source = new ServiceSource({
    open: () => this.cluster.open(),
    clock: this.clock,
    random: () => 0.5,
    observer: {},
  });
  readonly #stop = new AbortController();
  readonly #run = this.source.run(this.#stop.signal);
  readonly #made: Disposable[] = [];

  /** @returns how often an instance looked at all its Services, and at how many in all */
  hold(name: string) {
    const { clock, network } = this;
    const seen = { reconciles: 0, services: 0 };
    const metrics = createMetrics({ version: "1" }).instance(name, name);
    const logger = keepingLogger();
    const reports = new InstanceReports({
      logger,
      metrics,
      events: new EventRecorder({
        post: () => Promise.resolve(),
        rate: { take: () => Promise.resolve() },
        node: "node-1",
        clock,
        logger,
      }),
      node: "node-1",
      instance: name,
      lease: { namespace: "kube-system", name },
    });
    const mark = instanceMark("kube-system", name);
    const vips = new Vips<ServiceView>({
      network,
      clock,
      mark,
      schedule: { burstMs: [], refreshMs: 60_000 },
      observer: reports,
    });
    const source = {
      open: (policy: ClassPolicy, changed: (changes: Changes) => void) => {
        const scope = this.source.open(policy, changed);
        return Object.create(scope, {
          synced: { get: () => scope.synced },
          find: {
            value: (key: string) => {
              seen.services++;
              return scope.find(key);
            },
          },
          services: {
            value: function* () {
              seen.reconciles++;
              for (const one of scope.services()) {
                seen.services++;
                yield one;
              }
            },
          },
        });
      },
    };
    const keeper = poolKeeper({}, { metrics, logger });
    const reconciler = new Reconciler({
      source,
      keeper,
      policy: { loadBalancerClass: name, alsoClassless: false, namespaces: [] },
      limits: () => ({ maxVips: 0, maxVipsPerNamespace: 0 }),
      network,
      interface: "eth0",
      mark,
      reserved: () => new Map(),
      vips,
      statuses: new StatusWriter(this.cluster.open(), clock, reports),
      reports,
      metrics,
      logger,
      carriedOut: () => {},
    });
    vips.granted(clock.nowMs() + 1e9);
    reconciler.begin();
    this.#made.push(reconciler);
    return { seen, vips };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#made) one[Symbol.dispose]();
    this.#stop.abort();
    await this.#run;
  }
}

Deno.test("Reconciler does nothing for what is broken in another class", async () => {
  await using process = new Process();
  const startMs = performance.now();
  /** On a slow machine: the looks at all, every 5 s, that lie in this test. */
  const regular = () => Math.floor((performance.now() - startMs) / AGAIN_MS);
  const quiet = process.hold("quiet");
  const flooded = process.hold("flooded");
  await process.clock.advance(1000);
  process.cluster.put(service("web", { class: "quiet", wish: VIP, shows: [VIP] }));
  const endMs = startMs + DEADLINE_MS;
  const until = async (condition: () => boolean) => {
    while (!condition()) {
      assert.ok(performance.now() < endMs, JSON.stringify([quiet.seen, flooded.seen]));
      await pause(5);
    }
  };
  await until(() => quiet.vips.addresses.join() === VIP);
  await pause(30);
  const before = { ...quiet.seen };

  for (let i = 0; i < FLOOD; i++) {
    const wish = BROKEN[i % BROKEN.length]!;
    process.cluster.put(service(`broken-${i}`, { class: "flooded", wish }));
    if (i % 100 === 0) await settled();
  }
  await until(() => flooded.vips.addresses.length > 0 && flooded.seen.services >= FLOOD);
  assertSeen(quiet.seen, before, { services: 0, regular: regular() });
  assert.deepEqual(quiet.vips.addresses, [VIP]);

  // And its own change costs a look at what changed.
  process.cluster.put(service("api", { class: "quiet", wish: "192.0.2.2", shows: ["192.0.2.2"] }));
  await until(() => quiet.vips.addresses.length === 2);
  assertSeen(quiet.seen, before, { services: 1, regular: regular() });
});

interface Seen {
  reconciles: number;
  services: number;
}

/** @throws {Error} when more was looked at since than these, and both Services at each regular look. */
function assertSeen(
  now: Seen,
  before: Seen,
  { services, regular }: { services: number; regular: number },
): void {
  const looks = now.reconciles - before.reconciles;
  assert.ok(looks <= regular, `${looks} looks at all Services, ${regular} are in order`);
  const most = services + 2 * looks;
  assert.ok(now.services - before.services <= most, `${now.services} seen, ${most} more at most`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
