import type { ProcessConfig } from "../config/instance.ts";
import type { Clock } from "../election/clock.ts";
import type { Clients } from "../kube/client.ts";
import { livezProblem } from "../kube/livez.ts";
import { RateLimit } from "../kube/rate_limit.ts";
import type { WatchObserver } from "../kube/watch.ts";
import type { Network } from "../net/link.ts";
import { EventRecorder } from "../observe/events.ts";
import type { Logger } from "../observe/logger.ts";
import { Once } from "../observe/once.ts";
import { createMetrics, type Metrics } from "../observe/metrics.ts";
import { Health, youngEnough } from "./health.ts";
import { HttpServer } from "./http.ts";
import { Instance, type Shared } from "./instance.ts";
import { Instances, type Plans } from "./instances.ts";
import { eventPoster } from "./event_poster.ts";
import { type AddressDevice, AddressLink } from "./address_link.ts";
import { ClaimWatch, type FrameSource } from "./claim_watch.ts";
import { FormerHolders } from "./former_holders.ts";
import { HandoverLine, type HandoverSource } from "./handover_line.ts";
import { LeaseView } from "./lease_view.ts";
import { LinkWatch } from "./link_watch.ts";
import { MixUpWatch } from "./mix_up_watch.ts";
import { NamespaceLabels } from "./namespace_labels.ts";
import { NodeWatch } from "./node_watch.ts";
import { Rehearsal } from "./rehearsal.ts";
import { reservedAddresses } from "./reserved.ts";
import { ServiceSource } from "./service_source.ts";
import { supervise } from "./supervise.ts";
import { VersionCheck } from "./version_check.ts";
import type { Task } from "./task.ts";
import { electionTimes } from "./times.ts";

/** What the process is made of; passed in, so that tests can put doubles in its place. */
export interface AgentParts {
  readonly config: ProcessConfig;
  /** Keys of beacons, by the instance's name; only where one asks for fast failover. */
  readonly keys?: ReadonlyMap<string, Uint8Array>;
  /** Where new plans come from. Without it the instances are those of `config`. */
  readonly plans?: (reloaded: (ok: boolean) => void) => Plans;
  /** Makes what tells the service manager how the process does. */
  readonly serviceManager?: (health: Health) => Task;
  readonly version: string;
  readonly clients: Clients;
  readonly network: Network;
  /** Addresses that no Service may have, and what they are. */
  readonly reserved?: readonly (readonly [address: string, purpose: string])[];
  /** Opens a source of the frames of handovers that come in. */
  readonly openHandovers: () => HandoverSource;
  /** Open sources of all ARP frames and of all Neighbor Discovery that come in. */
  readonly openClaims: readonly (() => FrameSource)[];
  readonly clock: Clock;
  readonly incarnation: string;
  readonly holdLock: (name: string) => Disposable;
  readonly random: () => number;
  readonly wallClockMs: () => number;
  readonly logger: Logger;
  /** For instances that ask for fast failover. */
  readonly fast?: {
    /** Opens a source of the beacons that come in on an interface. */
    readonly openBeacons: (linkIndex: number) => FrameSource;
    readonly openDevice: () => AddressDevice;
    /** `arp_ignore` of an interface. */
    readonly arpIgnore: (interfaceName: string) => number;
  };
}

/** A list that hangs, and a pause after it. */
const ROUND_MS = 20_000;
/** A watch that is quiet for this long is dead: bookmarks come every minute. */
const SERVICES_SILENCE_MS = 120_000;

/** Every node says the same. */
const MIX_UP_EVENTS_PER_SECOND = 5;

/**
 * Runs all instances until the signal aborts and each has withdrawn and released.
 *
 * @throws what a Task could not mend, once everything is withdrawn
 */
export async function runAgent(parts: AgentParts, signal: AbortSignal): Promise<void> {
  const { config, clients, clock, logger } = parts;
  const metrics = createMetrics({ version: parts.version });
  const health = new Health();
  using eventClient = clients.open();
  const post = eventPoster(eventClient);
  const source = new ServiceSource({
    open: () => clients.open(),
    clock,
    random: parts.random,
    observer: watchReports("services", metrics, logger),
  });
  const addRound = (
    name: string,
    watch: { readonly lastProgressMs: number | undefined },
    limitMs: number,
  ) => {
    const problem = youngEnough(
      name,
      () => clock.nowMs(),
      () => watch.lastProgressMs,
      () => limitMs,
    );
    health.addLive({ name, problem });
  };
  addRound("Services watch round", source, SERVICES_SILENCE_MS);
  health.addReady({
    name: "Services",
    problem: () =>
      source.lastError?.message ??
        (!source.synced
          ? "not listed yet"
          : youngEnough("answer about Services", () => clock.nowMs(), () =>
            source.lastActivityMs, () =>
            SERVICES_SILENCE_MS)()),
  });
  const leasesSilenceMs = Math.max(
    ...config.instances.map(({ leaseDurationMs, renewIntervalMs }) =>
      electionTimes(leaseDurationMs, renewIntervalMs).watchSilenceMs
    ),
  );
  const leases = new LeaseView({
    client: clients.open(),
    clock,
    random: parts.random,
    observer: watchReports("leases", metrics, logger),
    logger,
    silenceMs: leasesSilenceMs,
  });
  addRound("Leases watch round", leases, leasesSilenceMs + ROUND_MS);
  health.addReady({ name: "Leases", problem: () => leases.lastError?.message });
  const links = new LinkWatch(parts.network, clock, logger);
  const node = new NodeWatch({
    client: clients.open(),
    clock,
    random: parts.random,
    nodeName: config.nodeName,
    observer: watchReports("nodes", metrics, logger),
  });
  const namespaces = new NamespaceLabels({
    client: clients.open(),
    clock,
    random: parts.random,
    observer: watchReports("namespaces", metrics, logger),
  });
  health.addReady({ name: "Namespaces", problem: () => namespaces.problem });
  const claims = new ClaimWatch(parts.openClaims, parts.network, logger);
  const handovers = new HandoverLine(parts.openHandovers);
  const { fast } = parts;
  using formers = new FormerHolders({ leases, services: source });
  using stack = new DisposableStack();
  /** Made for the first instance that needs it. */
  let addressLink: AddressLink | undefined;
  const fastParts = fast && {
    openBeacons: fast.openBeacons,
    get addressLink() {
      return addressLink ??= stack.use(new AddressLink(fast.openDevice, fast.arpIgnore, logger));
    },
  };
  const shared: Shared = {
    ...(fastParts && { fast: fastParts }),
    nodeName: config.nodeName,
    incarnation: parts.incarnation,
    reserved: reservedAddresses({
      fixed: [
        // Whoever takes it cuts every agent off.
        [new URL(clients.credentials.server).hostname, "the API server's address"],
        ...config.instances.flatMap(({ controlPlane }) =>
          controlPlane ? [[controlPlane.address, "the control plane's VIP"] as const] : []
        ),
        ...parts.reserved ?? [],
      ],
      network: parts.network,
      clock,
      logger,
    }),
    apiServers: {
      servers: clients.servers,
      own: config.kubernetesServer,
      probe: (server, deadlineMs) => livezProblem(clients.credentials, server, deadlineMs),
    },
    network: parts.network,
    source,
    leases,
    formers,
    links,
    node,
    namespaces,
    claims,
    handovers,
    open: () => clients.open(),
    clock,
    random: parts.random,
    wallClockMs: parts.wallClockMs,
    holdLock: parts.holdLock,
    openEvents: (own) => new EventRecorder({ ...own, post, node: config.nodeName, clock }),
    isAwaited: (priority, stage) => instances.isAwaited(priority, stage),
    health,
    leaseWatchObserver: watchReports("leases", metrics, logger),
  };
  const instances: Instances = new Instances({
    first: { instances: config.instances, keys: parts.keys ?? new Map() },
    plans: parts.plans?.((ok) => metrics.reloaded(ok)),
    start: (instance, key, metrics) => {
      leases.cover(instance.leaseNamespace);
      return new Instance(instance, shared, metrics, logger, key);
    },
    metricsOf: ({ name, loadBalancerClass }) => metrics.instance(name, loadBalancerClass),
    forget: (name) => metrics.remove(name),
    ended: (name) => health.remove(name),
    failed: (instance, error) =>
      health.addReady({
        instance,
        name: "instance",
        problem: () => `it failed and is started again soon: ${error}`,
      }),
    clock,
    logger,
  });
  const versionCheck = new VersionCheck({
    clients,
    clock,
    logger,
    usesClasses: config.instances.some((instance) => instance.loadBalancerClass !== undefined),
  });
  const mixUps = new MixUpWatch({
    leases,
    source,
    own: () => instances.standing(),
    events: new EventRecorder({
      post,
      node: config.nodeName,
      clock,
      rate: new RateLimit(clock, () => MIX_UP_EVENTS_PER_SECOND, 1),
      logger,
    }),
    metrics,
    clock,
    wallClockMs: parts.wallClockMs,
    logger,
  });
  const around: Task[] = [
    source,
    leases,
    links,
    node,
    namespaces,
    claims,
    handovers,
    mixUps,
    versionCheck,
    new Rehearsal(clock),
  ];
  if (config.httpAddress !== undefined) {
    around.push(
      new HttpServer({
        address: config.httpAddress,
        chosen: config.httpAddressChosen,
        health,
        metrics,
        logger,
      }),
    );
  }
  if (parts.serviceManager) around.push(parts.serviceManager(health));
  // What surrounds the instances goes on until the last of them has let go.
  const rest = new AbortController();
  const stop = new AbortController();
  const results = await Promise.allSettled([
    supervise([instances], AbortSignal.any([signal, stop.signal])).finally(() => rest.abort()),
    supervise(around, rest.signal).finally(() => stop.abort()),
  ]);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

function watchReports(resource: string, metrics: Metrics, logger: Logger): WatchObserver {
  const failures = new Once();
  return {
    listed: (count, ms) => {
      failures.forget();
      logger.debug(`listed ${resource}`, { count, ms: Math.round(ms) });
    },
    restarted: (reason, error) => {
      metrics.watchRestarted(resource);
      if (!failures.isNews(error?.message ?? reason)) return;
      logger.warn(`watch of ${resource} was interrupted, it is started again`, { reason, error });
    },
    malformed: (key, error) => logger.error(`left out one of ${resource}`, { key, error }),
    fellBack: (error) =>
      logger.warn(`the API server does not select ${resource}, all are read and sifted here`, {
        error,
      }),
  };
}
