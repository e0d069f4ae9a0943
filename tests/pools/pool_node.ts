import { FormerHolders } from "../../lib/agent/former_holders.ts";
import { Health } from "../../lib/agent/health.ts";
import { Instance } from "../../lib/agent/instance.ts";
import { LeaseView } from "../../lib/agent/lease_view.ts";
import { LinkWatch } from "../../lib/agent/link_watch.ts";
import { ServiceSource } from "../../lib/agent/service_source.ts";
import { HttpKubeClient } from "../../lib/kube/client.ts";
import type { Event, KubeClient, Lease, RequestOptions } from "../../lib/kube/types.ts";
import { EventRecorder } from "../../lib/observe/events.ts";
import { createMetrics } from "../../lib/observe/metrics.ts";
import { ALLOCATING_ANNOTATION } from "../../lib/pools/journal.ts";
import type { PoolSpec } from "../../lib/pools/pool.ts";
import { FakeNetwork } from "../doubles/fake_network.ts";
import { instanceConfig } from "../doubles/instance_config.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";
import { realClock as clock } from "../doubles/real_clock.ts";
import { fakeCredentials } from "../kube/server.ts";

export const LEASE = { namespace: "default", name: "pools" };

const CONFIG = instanceConfig("blue", {
  loadBalancerClass: "example.com/blue",
  leaseName: LEASE.name,
  leaseNamespace: LEASE.namespace,
  eventsPerSecond: 1000,
  statusWritesPerSecond: 1000,
});

/** A node with one instance, against an API server over HTTP; its interfaces are a double. */
export class PoolNode {
  readonly logger = keepingLogger();
  readonly events: Event[] = [];
  readonly network = new FakeNetwork(clock);
  readonly #stop = new AbortController();
  readonly #rest = new AbortController();
  readonly #runs: Promise<void>[];
  readonly #clients: KubeClient[] = [];

  /** @param options.forgetful what is written to the Lease has no journal, and nobody notices */
  constructor(
    readonly name: string,
    url: string,
    pools: readonly PoolSpec[],
    options: { forgetful?: boolean } = {},
  ) {
    const open = () => {
      const client = new HttpKubeClient(fakeCredentials(url), { userAgent: name });
      this.#clients.push(client);
      return options.forgetful ? forgetful(client) : client;
    };
    const parts = { clock, random: Math.random, observer: {} };
    const source = new ServiceSource({ ...parts, open });
    const leases = new LeaseView({ ...parts, client: open(), logger: this.logger });
    const links = new LinkWatch(this.network, clock, this.logger);
    const metrics = createMetrics({ version: "1" });
    const instance = new Instance(
      { ...CONFIG, pools },
      {
        nodeName: name,
        incarnation: `boot of ${name}`,
        reserved: () => new Map(),
        network: this.network,
        source,
        leases,
        formers: new FormerHolders({ leases, services: source }),
        links,
        node: { podNetworks: [], subscribe: () => () => {} },
        namespaces: { ask: () => undefined, subscribe: () => () => {} },
        handovers: { subscribe: () => () => {} },
        claims: { subscribe: () => () => {}, look: () => true },
        open,
        clock,
        random: Math.random,
        wallClockMs: () => Date.now(),
        holdLock: () => ({ [Symbol.dispose]: () => {} }),
        openEvents: ({ rate, logger, onLost }) =>
          new EventRecorder({
            post: (event) => Promise.resolve(void this.events.push(event)),
            node: name,
            clock,
            rate,
            logger,
            onLost,
          }),
        isAwaited: () => false,
        health: new Health(),
        leaseWatchObserver: {},
      },
      metrics.instance(CONFIG.name, CONFIG.loadBalancerClass),
      this.logger,
    );
    this.#runs = [instance, source, leases, links].map((task) =>
      task.run(task === instance ? this.#stop.signal : this.#rest.signal)
    );
  }

  /** Withdraws, releases, ends. What it has sent is on its way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#runs[0];
    this.#rest.abort();
    await Promise.all(this.#runs);
    for (const client of this.#clients) client[Symbol.dispose]();
  }
}

function forgetful(client: KubeClient): KubeClient {
  return {
    stream: (options) => client.stream(options),
    [Symbol.dispose]: () => client[Symbol.dispose](),
    async request<T>(options: RequestOptions): Promise<T> {
      if (options.method !== "PUT") return await client.request<T>(options);
      const lease = structuredClone(options.body) as Lease;
      const journal = lease.metadata?.annotations?.[ALLOCATING_ANNOTATION];
      delete lease.metadata!.annotations![ALLOCATING_ANNOTATION];
      const answer = await client.request<Lease>({ ...options, body: lease });
      if (journal !== undefined) answer.metadata!.annotations![ALLOCATING_ANNOTATION] = journal;
      return answer as T;
    },
  };
}
