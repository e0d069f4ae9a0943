import type { InstanceConfig } from "../config/instance.ts";
import type { Clock } from "../election/clock.ts";
import { Election, type Preferences } from "../election/election.ts";
import { Elector, type LeaseApi } from "../election/elector.ts";
import { LeaseWriter } from "../election/lease_writer.ts";
import { RateLimit } from "../kube/rate_limit.ts";
import { KubeLeaseApi } from "../kube/lease_api.ts";
import type { KubeClient, Lease } from "../kube/types.ts";
import type { WatchObserver } from "../kube/watch.ts";
import { BeaconCodec } from "../net/beacon.ts";
import { HandoverCodec } from "../net/handover_frame.ts";
import type { Link, Network } from "../net/link.ts";
import type { EventRecorder, EventRecorderOptions } from "../observe/events.ts";
import type { Logger } from "../observe/logger.ts";
import type { InstanceMetrics } from "../observe/metrics.ts";
import {
  describeOwner,
  formatClassPlan,
  intendedElsewhere,
  PLAN_ANNOTATION,
  poolOwner,
  rangesOfOlder,
} from "../classes/class_plan.ts";
import { Grants } from "../classes/served.ts";
import { readLease } from "../election/lease_record.ts";
import { ALLOCATING_ANNOTATION, IntentJournal } from "../pools/journal.ts";
import { describeScope } from "../services/class_policy.ts";
import type { ServiceView } from "../services/service_view.ts";
import { StatusWriter } from "../services/status_writer.ts";
import { BURST_MS } from "../vip/schedule.ts";
import { instanceMark, Vips } from "../vip/vips.ts";
import type { AddressLink } from "./address_link.ts";
import { AddressProbe } from "./address_probe.ts";
import { Beacons } from "./beacons.ts";
import type { ClaimWatch, FrameSource } from "./claim_watch.ts";
import { Conditions } from "./conditions.ts";
import { type ApiServers, ControlPlane } from "./control_plane.ts";
import { DirectHandover } from "./direct_handover.ts";
import type { FormerHolders } from "./former_holders.ts";
import { Gate, NOT_LOOKED } from "./gate.ts";
import { type Health, youngEnough } from "./health.ts";
import type { HandoverLine } from "./handover_line.ts";
import { LeaseLook } from "./lease_look.ts";
import type { LeaseView } from "./lease_view.ts";
import { LinkCondition } from "./link_condition.ts";
import type { LinkWatch } from "./link_watch.ts";
import { NO_VIP_TAINT, type NodeWatch } from "./node_watch.ts";
import type { NamespaceLabels } from "./namespace_labels.ts";
import { PoolKeeper } from "./pool_keeper.ts";
import { PoolSource } from "./pool_source.ts";
import { readAhead } from "./read_ahead.ts";
import { Reconciler } from "./reconciler.ts";
import { InstanceReports } from "./reports.ts";
import type { PlannedInstance } from "./instances.ts";
import { ServiceProgress } from "./service_progress.ts";
import type { ServiceSource } from "./service_source.ts";
import { StartOrder, type StartStage } from "./start_order.ts";
import { supervise } from "./supervise.ts";
import { type ElectionTimes, electionTimes } from "./times.ts";
import type { Wishes } from "./wishes.ts";

/** What all instances of a process share. */
export interface Shared {
  readonly nodeName: string;
  readonly incarnation: string;
  /** Addresses that no Service may have, and what they are. */
  readonly reserved: () => ReadonlyMap<string, string>;
  readonly network: Network;
  readonly source: Pick<ServiceSource, "open" | "expect">;
  readonly leases: Pick<LeaseView, keyof LeaseView>;
  readonly formers: Pick<FormerHolders, "mayHave" | "sees" | "subscribe" | "wrote">;
  readonly links: Pick<LinkWatch, "subscribe">;
  readonly node: Pick<NodeWatch, "podNetworks" | "subscribe">;
  readonly namespaces: Pick<NamespaceLabels, "ask" | "subscribe">;
  readonly claims: Pick<ClaimWatch, "subscribe" | "look">;
  readonly handovers: Pick<HandoverLine, "subscribe">;
  /** Opens a client of its own for each kind of traffic. */
  readonly open: () => KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly wallClockMs: () => number;
  readonly holdLock: (name: string) => Disposable;
  /** Makes what writes the Events of one instance. */
  readonly openEvents: (
    parts: Required<Pick<EventRecorderOptions, "rate" | "logger" | "onLost">>,
  ) => EventRecorder;
  /** Whether an instance of higher priority has not come so far yet. */
  readonly isAwaited: (priority: number, stage: StartStage) => boolean;
  readonly health: Health;
  readonly leaseWatchObserver: WatchObserver;
  /** Only where an instance has the control plane's VIP. */
  readonly apiServers?: ApiServers;
  /** Only where an instance asks for fast failover. */
  readonly fast?: {
    readonly openBeacons: (linkIndex: number) => FrameSource;
    readonly addressLink: Pick<AddressLink, "homeOf">;
  };
}

/** So many seconds' worth of Events may go out at once. */
const EVENT_BURST_SECONDS = 10;
const DRAIN_EVENTS_MS = 1000;
/** Fast failover rests on them: a standby asks by ARP, and addresses of a TUN device go with the agent. */
const FAST_IS_IPV4 = "an instance with fastFailover serves IPv4 addresses only: turn that off";

/**
 * One instance: a class, a Lease, and the VIPs of that class while this node is the holder. Or, in
 * place of a class, the VIP of the control plane.
 */
export class Instance implements PlannedInstance {
  readonly name: string;
  #config: InstanceConfig;
  readonly #shared: Shared;
  readonly #metrics: InstanceMetrics;
  readonly #logger: Logger;
  readonly #events: EventRecorder;
  readonly #reports: InstanceReports;
  readonly #times: ElectionTimes;
  readonly #scope: string;
  readonly #mark: number;
  /** The key of its beacons; undefined without fast failover. */
  readonly #fastKey: Uint8Array | undefined;
  readonly #vips: Vips<ServiceView>;
  /**
   * For the Lease alone. A standby looks at it now and then: that keeps a connection open for its
   * next write.
   */
  readonly #leaseClient: KubeClient;
  readonly #leaseApi: KubeLeaseApi;
  readonly #gate: Gate;
  readonly #controlPlane: ControlPlane | undefined;
  readonly #statusRate: RateLimit;
  readonly #order: StartOrder;
  #startStage: StartStage = 0;
  /** What runs while the instance stands for its Lease; undefined while the gate is shut. */
  #standing: {
    elector: Elector;
    lastError: () => Error | undefined;
    lastAnswerMs: () => number;
    reconciler: Wishes;
    statuses: StatusWriter;
    lease: () => Lease | undefined;
  } | undefined;

  /** @param key of its beacons; only with fast failover */
  constructor(
    config: InstanceConfig,
    shared: Shared,
    metrics: InstanceMetrics,
    logger: Logger,
    key?: Uint8Array,
  ) {
    this.name = `instance ${config.name}`;
    this.#config = config;
    this.#shared = shared;
    this.#metrics = metrics;
    const lease = { namespace: config.leaseNamespace, name: config.leaseName };
    this.#logger = logger.with({
      instance: config.name,
      class: config.loadBalancerClass ?? "",
      lease: `${lease.namespace}/${lease.name}`,
    }, () => this.#config.logLevel);
    this.#fastKey = config.fastFailover && shared.fast ? key : undefined;
    const { clock } = shared;
    this.#statusRate = new RateLimit(clock, () => this.#config.statusWritesPerSecond, 1);
    this.#order = new StartOrder(
      clock,
      (stage) => shared.isAwaited(this.#config.priority, stage),
    );
    this.#events = shared.openEvents({
      rate: new RateLimit(clock, () => this.#config.eventsPerSecond, EVENT_BURST_SECONDS),
      logger: this.#logger,
      onLost: () => metrics.eventLost(),
    });
    metrics.setVipsLimit(config.maxVips);
    this.#times = electionTimes(config.leaseDurationMs, config.renewIntervalMs);
    this.#scope = config.controlPlane
      ? `the control plane's VIP ${config.controlPlane.address}`
      : describeScope(config);
    this.#mark = instanceMark(lease.namespace, lease.name);
    this.#reports = new InstanceReports({
      logger: this.#logger,
      metrics,
      events: this.#events,
      node: shared.nodeName,
      instance: config.name,
      lease,
      leaseUid: () => this.#standing?.lease()?.metadata?.uid,
    });
    // The device is made now: a claim goes by the interfaces that it finds.
    const addressLink = this.#fastKey && shared.fast?.addressLink;
    this.#vips = new Vips<ServiceView>({
      network: shared.network,
      clock: shared.clock,
      mark: this.#mark,
      lifetimeMarginMs: this.#times.lifetimeMarginMs,
      schedule: { burstMs: BURST_MS, refreshMs: config.announceIntervalMs },
      observer: this.#reports,
      ...(addressLink && { homeOf: (name: string) => addressLink.homeOf(name) }),
    });
    this.#leaseClient = shared.open();
    this.#leaseApi = new KubeLeaseApi(this.#leaseClient, lease);
    this.#gate = new Gate({
      lease: { ...lease, scope: this.#scope },
      interface: config.interface,
      network: shared.network,
      leases: shared.leases,
      clock: shared.clock,
      holdLock: shared.holdLock,
      logger: this.#logger,
    });
    this.#controlPlane = config.controlPlane && new ControlPlane({
      config,
      shared,
      mark: this.#mark,
      vips: this.#vips,
      metrics,
      logger: this.#logger,
    });
    this.#addHealth();
  }

  /** Stands for the Lease whenever nothing is in the way, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    using _client = this.#leaseClient;
    const rest = new AbortController();
    const stop = new AbortController();
    const around = [this.#vips, ...this.#controlPlane?.tasks ?? []];
    const results = await Promise.allSettled([
      this.#live(AbortSignal.any([signal, stop.signal])).finally(() => rest.abort()),
      // What is announced goes on until the last address is withdrawn.
      supervise(around, rest.signal).finally(() => stop.abort()),
    ]);
    await this.#events.drain(DRAIN_EVENTS_MS);
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** Takes over limits, rates and the log level. */
  adjust(config: InstanceConfig): void {
    this.#config = config;
    this.#metrics.setVipsLimit(config.maxVips);
    this.#standing?.reconciler.soon();
  }

  get startStage(): StartStage {
    if (this.#startStage === 2) return 2;
    const standing = this.#standing;
    const shut = this.#gate.obstacle !== undefined && this.#gate.obstacle !== NOT_LOOKED;
    const { holder } = standing?.elector ?? {};
    const standsBy = holder !== undefined && holder !== this.#shared.nodeName;
    const isDone = this.#startStage === 1 && standing?.statuses.pending === 0;
    if (shut || standsBy || standing?.elector.obstacle !== undefined || isDone) {
      this.#startStage = 2;
    }
    return this.#startStage;
  }

  get leaseUsedFor(): string | undefined {
    if (this.#standing?.elector.obstacle === undefined) return undefined;
    const lease = this.#standing.lease();
    return lease && readLease(lease).scope;
  }

  async #live(signal: AbortSignal): Promise<void> {
    using _services = this.#controlPlane ? undefined : this.#shared.source.expect(this.#config);
    for (;;) {
      // Both are needed as soon as the gate opens, and take as long as what it waits for.
      const api = readAhead(this.#leaseApi, this.#times.requestTimeoutMs, this.#shared.clock);
      using _lock = await this.#gate.pass(signal);
      if (signal.aborted) return;
      const left = new AbortController();
      await this.#stand(api, AbortSignal.any([signal, left.signal]), () => left.abort());
      if (signal.aborted) return;
    }
  }

  /**
   * @param api for the election
   * @param leave called when something got in the way that only the gate can judge
   */
  async #stand(api: LeaseApi, signal: AbortSignal, leave: () => void): Promise<void> {
    const [shared, config, times] = [this.#shared, this.#config, this.#times];
    const { clock, random } = shared;
    const lease = { namespace: config.leaseNamespace, name: config.leaseName };
    const leftovers = this.#controlPlane?.isBootstrapping ? [] : this.#vips.adoptLeftovers();
    if (leftovers.length > 0) {
      this.#logger.info("found VIPs of an earlier run", { vip: leftovers.join(", ") });
    }
    using statusClient = shared.open();
    const who = {
      ...lease,
      identity: shared.nodeName,
      incarnation: shared.incarnation,
      scope: this.#scope,
      leaseDurationMs: config.leaseDurationMs,
      priority: config.priority,
      annotations: config.leaseAnnotations,
    };
    const statuses = new StatusWriter(statusClient, clock, this.#reports, {
      tryTake: () => this.#order.waitMs(2) || this.#statusRate.tryTake(),
    });
    using poolSource = new PoolSource({
      config: () => this.#config,
      namespaces: shared.namespaces,
      claimed: () => rangesOfOlder(lease, shared.leases.all()),
      elsewhere: (ip) => {
        const owner = poolOwner(lease, shared.leases.all(), ip);
        return owner && describeOwner(owner);
      },
      intendedElsewhere: () => intendedElsewhere(lease, shared.leases.all()),
      grants: () =>
        new Grants(() =>
          shared.leases.synced && shared.leases.seesAll ? shared.leases.all() : undefined
        ),
      open: shared.open,
      clock,
      random,
      observer: shared.leaseWatchObserver,
      changed: () => reconciler.soon(),
      missing: (reason) => this.#reports.poolsMissing(reason),
      logger: this.#logger,
    });
    const journal = new IntentJournal();
    const keeper: PoolKeeper = new PoolKeeper({
      source: poolSource,
      journal,
      limits: () => this.#config,
      renewNow: () => elector.renewNow(),
      relist: () => reconciler.relist(),
      changed: () => reconciler.soon(),
      metrics: this.#metrics,
      logger: this.#logger,
    });
    const annotationOf = (lease: Lease | undefined) =>
      lease?.metadata?.annotations?.[ALLOCATING_ANNOTATION];
    using probe = config.addressProbe
      ? new AddressProbe({
        network: shared.network,
        claims: shared.claims,
        clock,
        changed: (changes) => reconciler.soon(changes, true),
      })
      : undefined;
    using progress = new ServiceProgress({
      formers: shared.formers,
      clock,
      policy: config,
      renewNow: () => elector.renewNow(),
      refresh: () => reconciler.refresh(),
      relist: () => reconciler.relist(),
      changed: (changes) => reconciler.soon(changes, true),
    });
    using reconciler: Wishes = this.#controlPlane?.claim ?? new Reconciler({
      probe,
      progress,
      ...this.#fastKey && { ipv4Only: FAST_IS_IPV4 },
      source: shared.source,
      keeper,
      policy: config,
      limits: () => this.#config,
      network: shared.network,
      interface: config.interface,
      mark: this.#mark,
      reserved: shared.reserved,
      podNetworks: () => shared.node.podNetworks,
      vips: this.#vips,
      statuses,
      reports: this.#reports,
      metrics: this.#metrics,
      logger: this.#logger,
      carriedOut: () => {
        if (this.#startStage === 0) this.#startStage = 1;
      },
    });
    const election = new Election(
      {
        ...who,
        ...times,
        mayBeReplaced: this.#fastKey !== undefined,
        preferences: this.#preferences,
      },
      new LeaseWriter(who, shared.wallClockMs, () => ({
        ...journal.carried(),
        ...progress.carried(),
        ...poolSource.pools && {
          [PLAN_ANNOTATION]: formatClassPlan(
            config.name,
            poolSource.pools.map(({ spec }) => spec),
          ),
        },
      })),
      random,
    );
    if (leftovers.length === 0) election.withdrawn();
    /** Since this node took its Lease, no other was seen for the same Services. */
    let confirmed = false;
    const confirm = () => {
      const own = election.lease;
      if (confirmed || own === undefined || !election.mayHold(clock.nowMs())) return;
      const verdict = this.#gate.judge(own);
      if (verdict.kind === "yield") return leave();
      // The next change of a Lease asks again, and so does each renewal.
      if (verdict.kind === "wait") return this.#reports.unconfirmed(verdict.reason);
      if (verdict.kind === "unseen") return;
      confirmed = true;
      this.#controlPlane?.joined();
      this.#vips.granted(election.holdUntilMs);
      begin();
      beacons?.announce();
    };
    /** The Lease is kept meanwhile, and what an earlier run left goes on serving. */
    const begin = () => {
      if (this.#controlPlane && this.#startStage === 0) this.#startStage = 1;
      const start = () => {
        keeper.begin(annotationOf(election.lease));
        progress.begin();
        reconciler.begin();
      };
      if (this.#order.waitMs(1) === 0) start();
      else void this.#order.turn(1, signal).then(() => confirmed && start());
    };
    using direct: DirectHandover = new DirectHandover({
      node: shared.nodeName,
      incarnation: shared.incarnation,
      priority: config.priority,
      codec: new HandoverCodec(`${lease.namespace}/${lease.name}`, this.#fastKey),
      line: shared.handovers,
      network: shared.network,
      vips: this.#vips,
      election: () => elector,
      makeToken: () => crypto.randomUUID(),
      metrics: this.#metrics,
      logger: this.#logger,
    });
    const elector: Elector = new Elector({
      election,
      api,
      clock,
      holder: {
        expecting: () => reconciler.expect(),
        granted: (untilMs, _term, lease) => {
          if (confirmed) {
            this.#vips.granted(untilMs);
            // No change tells of a link that was gone before VIPs came.
            lookAtLinks();
          } else confirm();
          if (lease === undefined) return;
          shared.formers.wrote(lease, elector.lastRenewalMs);
          keeper.saved(annotationOf(lease));
        },
        withdraw: (reason) => {
          confirmed = false;
          keeper.end();
          progress.end();
          reconciler.end();
          this.#controlPlane?.ended(reason);
          return this.#vips.withdraw(reason);
        },
      },
      observer: this.#reports,
      successors: direct,
      requestTimeoutMs: times.requestTimeoutMs,
      stopTimeoutMs: config.leaseDurationMs,
    });
    this.#metrics.setRenewalAge(() => ageSeconds(clock.nowMs(), elector.lastRenewalMs));
    this.#standing = {
      elector,
      lastError: () => elector.lastError ?? shared.leases.lastError,
      lastAnswerMs: () => latest(shared.leases.lastActivityMs, elector.lastRenewalMs),
      reconciler,
      statuses,
      lease: () => election.lease,
    };
    const conditions = new Conditions((reason) => {
      this.#reports.condition(reason);
      if (reason === undefined) elector.stand();
      else elector.resign(reason);
    });
    const beacons = this.#beacons(elector, conditions);
    using subscriptions = new DisposableStack();
    const lookAtLinks = this.#watchConditions(conditions, () => reconciler.soon(), subscriptions);
    if (this.#controlPlane) subscriptions.use(this.#controlPlane.stand(elector, conditions));
    subscriptions.defer(
      shared.leases.follow(lease.namespace, lease.name, (seen) => elector.observe(seen)),
    );
    subscriptions.defer(shared.leases.subscribe(confirm));
    subscriptions.defer(shared.claims.subscribe({
      holds: (vip) => this.#vips.holds(vip),
      claimed: ({ vip, mac }) => {
        this.#reports.contested(vip, mac);
        elector.contestUnproven(`${vip} is claimed by ${mac}`);
      },
    }));
    const look = new LeaseLook({
      api: this.#leaseApi,
      clock,
      deadlineMs: times.requestTimeoutMs,
      holds: () => elector.mayHold(),
      observe: (lease) => elector.observe(lease),
    });
    // The others go on until the Lease is released: withdrawing needs them.
    const rest = new AbortController();
    const results = await Promise.allSettled([
      elector.run(signal).finally(() => rest.abort()),
      supervise([look, poolSource, statuses, ...beacons ? [beacons] : []], rest.signal)
        .finally(leave),
      this.#gate.guard(
        rest.signal,
        () => election.mayHold(clock.nowMs()) ? election.lease : undefined,
      )
        .finally(leave),
    ]);
    this.#standing = undefined;
    if (this.#controlPlane?.isBootstrapping) this.#controlPlane.ended("the instance ended");
    // A bug above must not leave an address behind.
    if (this.#vips.addresses.length > 0) this.#vips.withdraw("the instance ended");
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  get #preferences(): Preferences {
    const { priority, failback, onApiLoss } = this.#config;
    return {
      priority,
      failback,
      standBackMs: (100 - priority) * STAND_BACK_MS,
      ...(this.#controlPlane && { alsoStandBackMs: this.#controlPlane.standBackMs }),
      holdOnApiLoss: onApiLoss === "hold",
    };
  }

  #beacons(elector: Elector, conditions: Conditions): Beacons | undefined {
    const [shared, config, key] = [this.#shared, this.#config, this.#fastKey];
    if (shared.fast === undefined || key === undefined) return undefined;
    return new Beacons({
      node: shared.nodeName,
      priority: config.priority,
      codec: new BeaconCodec(key, `${config.leaseNamespace}/${config.leaseName}`),
      intervalMs: config.beaconIntervalMs,
      interface: config.interface,
      network: shared.network,
      openBeacons: shared.fast.openBeacons,
      claims: shared.claims,
      links: shared.links,
      clock: shared.clock,
      election: elector,
      vips: this.#vips,
      stands: () => conditions.reason === undefined && elector.obstacle === undefined,
      metrics: this.#metrics,
      logger: this.#logger,
    });
  }

  /**
   * Without its link, or told to by the node's taint, this node holds nothing.
   *
   * @returns looks at the links now
   */
  #watchConditions(
    conditions: Conditions,
    moved: () => void,
    subscriptions: DisposableStack,
  ): () => void {
    const { links, node, network } = this.#shared;
    const condition = new LinkCondition(this.#config.interface);
    const look = (seen: readonly Link[]) => {
      const used = this.#vips.interfaces;
      conditions.set("link", condition.obstacle(new Set(used.values()), seen));
      // One that was made anew between two looks: nothing is on it.
      const indices = new Set(seen.map(({ index }) => index));
      if (used.keys().some((index) => !indices.has(index))) moved();
    };
    subscriptions.defer(links.subscribe(look));
    look(network.links());
    subscriptions.defer(node.subscribe((tainted) => {
      conditions.set("taint", tainted ? `the node has the taint ${NO_VIP_TAINT}` : undefined);
    }));
    return () => look(network.links());
  }

  #addHealth(): void {
    const { clock, health } = this.#shared;
    const { name: instance, leaseDurationMs } = this.#config;
    const times = this.#times;
    const now = () => clock.nowMs();
    /** While the gate is shut its own reason is the one to show. */
    const standing = (check: () => string | undefined) => () =>
      this.#standing === undefined ? undefined : check();
    const loopMs = () => times.requestTimeoutMs + 5000;
    const add = (name: string, last: () => number | undefined, limitMs: () => number) =>
      health.addLive({
        instance,
        name,
        problem: standing(youngEnough(name, now, last, limitMs)),
      });
    add("election round", () => this.#standing?.elector.lastProgressMs, loopMs);
    add("announcement round", () => this.#vips.lastProgressMs, loopMs);
    health.addLive({
      instance,
      name: "renewal",
      problem: () =>
        this.#vips.mayHold && !this.#controlPlane?.isBootstrapping
          ? youngEnough(
            "renewal",
            now,
            () => this.#standing?.elector.lastRenewalMs,
            () => leaseDurationMs,
          )()
          : undefined,
    });
    const controlPlane = this.#controlPlane;
    if (controlPlane) {
      const lookMs = () => 2 * this.#config.controlPlane!.healthTimeoutMs + 5000;
      const last = () => controlPlane.health.lastProgressMs;
      const check = youngEnough("look at the API server", now, last, lookMs);
      health.addLive({ instance, name: "API server look", problem: check });
      health.addReady({
        instance,
        name: "API server",
        problem: () => controlPlane.health.problem,
      });
    }
    health.addReady({ instance, name: "gate", problem: () => this.#gate.obstacle });
    health.addReady({
      instance,
      name: "Lease",
      problem: standing(() =>
        this.#standing!.elector.obstacle ?? this.#standing!.lastError()?.message ??
          youngEnough(
            "answer about the Lease",
            now,
            () => this.#standing?.lastAnswerMs(),
            () => times.watchSilenceMs + loopMs(),
          )()
      ),
    });
  }
}

function ageSeconds(nowMs: number, atMs: number): number | undefined {
  return atMs === -Infinity ? undefined : (nowMs - atMs) / 1000;
}

function latest(...times: (number | undefined)[]): number {
  return Math.max(...times.map((time) => time ?? -Infinity));
}

/** How much later a node takes a free Lease, for each point that its priority is below 100. */
const STAND_BACK_MS = 10;
