import { Counter, Gauge, Registry } from "prom-client";

/** What one instance reports. */
export interface InstanceMetrics {
  /** The instance took or lost its Lease. */
  setHolder(holds: boolean): void;
  /** Asked at every scrape: seconds since the last renewal that succeeded; undefined before it. */
  setRenewalAge(ageSeconds: () => number | undefined): void;
  setVipsHeld(count: number): void;
  setRefusedServices(count: number): void;
  /** Asked at every scrape. */
  setPools(usage: () => readonly PoolUsage[]): void;
  /** Addresses that Services have and that are in no pool any more. */
  setOutsidePools(count: number): void;
  /** The ConfigMap that its pools come from. */
  setPoolConfigMapMissing(missing: boolean): void;
  framesSent(count: number): void;
  leaseTransition(): void;
  reconciled(ok: boolean): void;
  /** Another machine claimed a VIP that is held here. */
  conflict(): void;
  /** An Event did not reach the API server. */
  eventLost(): void;
  /** It failed, and was started again. */
  restarted(): void;
  /** `maxVips`; 0: no limit. */
  setVipsLimit(count: number): void;
  beaconSent(): void;
  beaconHeard(): void;
  /** One that counts for nothing: "foreign" is another instance's. */
  beaconRejected(reason: BeaconRejection): void;
  /** A call or offer of a handover that counts for nothing. */
  handoverFrameRejected(reason: typeof FRAME_REJECTIONS[number]): void;
}

/** One pool of addresses. */
export interface PoolUsage {
  readonly pool: string;
  readonly size: number;
  /** 0 on nodes that don't hold the Lease. */
  readonly used: number;
}

const BEACON_REJECTIONS = ["forged", "foreign", "malformed", "replayed"] as const;
const FRAME_REJECTIONS = ["forged", "malformed"] as const;
type BeaconRejection = typeof BEACON_REJECTIONS[number];

/** A mix-up, and whose it is; empty where nobody is known. */
export interface FoundMixUp {
  readonly kind: string;
  readonly instance: string;
  readonly class: string;
}

/** The metrics of the process. */
export interface Metrics {
  /** @param loadBalancerClass undefined for Services without a class: the label is empty. */
  instance(name: string, loadBalancerClass: string | undefined): InstanceMetrics;
  /** Takes all series of an instance away: it has ended. */
  remove(name: string): void;
  /** The names of all instances. */
  readonly instances: ReadonlySet<string>;
  /** These mix-ups are seen in the cluster. @param kinds all that there may be */
  setMixUps(kinds: readonly string[], found: readonly FoundMixUp[]): void;
  /** The plan was read again. */
  reloaded(ok: boolean): void;
  /** @param resource Plural, as in the API: "services", "leases". */
  watchRestarted(resource: string): void;
  /**
   * The Prometheus text format.
   *
   * @param instance Leaves out the lines of all other instances.
   */
  render(instance?: string): Promise<string>;
  readonly contentType: string;
}

const LABELS = ["instance", "class"] as const;

/** Makes metrics in a registry of their own. */
export function createMetrics(options: { version: string; now?: () => Date }): Metrics {
  const now = options.now ?? (() => new Date());
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `classvip_${name}`, help, labelNames: LABELS, registers });
  const counter = (name: string, help: string) =>
    new Counter({ name: `classvip_${name}`, help, labelNames: LABELS, registers });

  const holder = gauge("holder", "1 while this node holds the Lease of the instance, else 0.");
  const since = gauge(
    "holder_since_seconds",
    "Unix time at which this node took the Lease; 0 while it does not hold it.",
  );
  const ages = new Map<string, () => void>();
  const renewalAge = new Gauge({
    name: "classvip_lease_renewal_age_seconds",
    help: "Seconds since the last renewal of the Lease that succeeded.",
    labelNames: LABELS,
    registers,
    collect: () => ages.forEach((age) => age()),
  });
  const vipsHeld = gauge("vips_held", "VIPs on the interfaces of this node.");
  const refused = gauge("refused_services", "Services of the class that can't be served.");
  const outsidePools = gauge(
    "addresses_outside_pools",
    "Addresses that Services keep although no pool has them any more.",
  );
  const configMapMissing = gauge(
    "pool_config_map_missing",
    "1 while the ConfigMap of the instance's pools (poolConfigMap) is not there, else 0.",
  );
  const usages = new Map<string, () => void>();
  const collectUsages = () => {
    poolSize.reset();
    poolUsed.reset();
    usages.forEach((usage) => usage());
  };
  const poolSize = new Gauge({
    name: "classvip_pool_addresses",
    help: "Addresses of a pool; at most 2^53 - 1, also where an IPv6 pool has more.",
    labelNames: [...LABELS, "pool"],
    registers,
    collect: () => collectUsages(),
  });
  const poolUsed = new Gauge({
    name: "classvip_pool_addresses_used",
    help: "Addresses of a pool that Services have or wish for, as the holder sees it; else 0.",
    labelNames: [...LABELS, "pool"],
    registers,
  });
  const frames = counter("frames_sent_total", "Announcing frames sent (ARP and NDP).");
  const transitions = counter("lease_transitions_total", "Times this node took or lost the Lease.");
  const reconciles = counter("reconciles_total", "Reconciles done.");
  const reconcileErrors = counter("reconcile_errors_total", "Reconciles that failed.");
  const conflicts = counter("conflicts_total", "Frames of others that claim a VIP held here.");
  const eventsLost = counter("events_lost_total", "Events that did not reach the API server.");
  const restarts = counter("instance_restarts_total", "Times the instance failed and began anew.");
  const vipsLimit = gauge("vips_limit", "maxVips of the instance; 0: no limit.");
  const beaconsSent = counter("beacons_sent_total", "Beacons sent for fast failover.");
  const beaconsHeard = counter("beacons_heard_total", "Beacons heard and found right.");
  const beaconsRejected = new Counter({
    name: "classvip_beacons_rejected_total",
    help: "Beacons that count for nothing: forged (wrong key), replayed, foreign, malformed.",
    labelNames: [...LABELS, "reason"],
    registers,
  });
  const handoverFramesRejected = new Counter({
    name: "classvip_handover_frames_rejected_total",
    help: "Calls and offers of handovers that count for nothing: forged (wrong key), malformed.",
    labelNames: [...LABELS, "reason"],
    registers,
  });
  const watchRestarts = new Counter({
    name: "classvip_watch_restarts_total",
    help: "Watches that had to be started again.",
    labelNames: ["resource"],
    registers,
  });
  new Gauge({
    name: "classvip_build_info",
    help: "1; what runs here.",
    labelNames: ["version", "deno"],
    registers,
  }).set({ version: options.version, deno: Deno.version.deno }, 1);
  new Gauge({
    name: "process_start_time_seconds",
    help: "Unix time at which the process started.",
    registers,
  }).set(performance.timeOrigin / 1000);
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory of the process.",
    registers,
    collect() {
      this.set(Deno.memoryUsage().rss);
    },
  });

  let mixUps: { kinds: readonly string[]; found: readonly FoundMixUp[] } = { kinds: [], found: [] };
  new Gauge({
    name: "classvip_mix_ups",
    help: "Mix-ups of classes, Leases, pools and addresses in the cluster, as this process sees " +
      "it; with the instance and class that it is about.",
    labelNames: [...LABELS, "kind"],
    registers,
    collect() {
      this.reset();
      const { kinds, found } = mixUps;
      for (const labels of instances.values()) {
        for (const kind of kinds) this.set({ ...labels, kind }, 0);
      }
      for (const { instance, class: name, kind } of found) {
        this.inc({ instance, class: name, kind });
      }
    },
  });
  const reloadOk = new Gauge({
    name: "classvip_config_last_reload_successful",
    help: "1 when the settings file was last read without an error, else 0: the old plan goes on.",
    registers,
  });
  reloadOk.set(1);
  const reloadTime = new Gauge({
    name: "classvip_config_last_reload_success_timestamp_seconds",
    help: "Unix time at which the settings were last taken over.",
    registers,
  });
  reloadTime.set(now().getTime() / 1000);

  /** The labels of all series of each instance. */
  const instances = new Map<string, Record<"instance" | "class", string>>();
  const gauges = [holder, since, vipsHeld, vipsLimit, refused, outsidePools, configMapMissing];
  const counters = [
    ...[frames, transitions, reconciles, reconcileErrors, conflicts, eventsLost, restarts],
    ...[beaconsSent, beaconsHeard],
  ];
  return {
    contentType: registry.contentType,
    get instances() {
      return new Set(instances.keys());
    },
    instance(name, loadBalancerClass) {
      const labels = { instance: name, class: loadBalancerClass ?? "" };
      const former = instances.get(name)?.class;
      if (former !== undefined && former !== labels.class) this.remove(name);
      instances.set(name, labels);
      // A series that appears only with its first event can't be told from one that is lost.
      for (const metric of gauges) metric.set(labels, 0);
      for (const metric of counters) metric.inc(labels, 0);
      for (const reason of BEACON_REJECTIONS) beaconsRejected.inc({ ...labels, reason }, 0);
      for (const reason of FRAME_REJECTIONS) handoverFramesRejected.inc({ ...labels, reason }, 0);
      return {
        setHolder(holds) {
          holder.set(labels, holds ? 1 : 0);
          since.set(labels, holds ? now().getTime() / 1000 : 0);
        },
        setRenewalAge(ageSeconds) {
          ages.set(name, () => {
            const age = ageSeconds();
            if (age === undefined) renewalAge.remove(labels);
            else renewalAge.set(labels, age);
          });
        },
        setVipsHeld: (count) => vipsHeld.set(labels, count),
        setPools(usage) {
          usages.set(name, () => {
            for (const { pool, size, used } of usage()) {
              poolSize.set({ ...labels, pool }, size);
              poolUsed.set({ ...labels, pool }, used);
            }
          });
        },
        setOutsidePools: (count) => outsidePools.set(labels, count),
        setPoolConfigMapMissing: (missing) => configMapMissing.set(labels, missing ? 1 : 0),
        setRefusedServices: (count) => refused.set(labels, count),
        framesSent: (count) => frames.inc(labels, count),
        leaseTransition: () => transitions.inc(labels),
        reconciled(ok) {
          reconciles.inc(labels);
          if (!ok) reconcileErrors.inc(labels);
        },
        conflict: () => conflicts.inc(labels),
        eventLost: () => eventsLost.inc(labels),
        restarted: () => restarts.inc(labels),
        setVipsLimit: (count) => vipsLimit.set(labels, count),
        beaconSent: () => beaconsSent.inc(labels),
        beaconHeard: () => beaconsHeard.inc(labels),
        beaconRejected: (reason) => beaconsRejected.inc({ ...labels, reason }),
        handoverFrameRejected: (reason) => handoverFramesRejected.inc({ ...labels, reason }),
      };
    },
    remove(name) {
      const labels = instances.get(name);
      if (labels === undefined) return;
      instances.delete(name);
      ages.delete(name);
      usages.delete(name);
      for (const metric of [...gauges, ...counters, renewalAge]) metric.remove(labels);
      for (const reason of BEACON_REJECTIONS) beaconsRejected.remove({ ...labels, reason });
      for (const reason of FRAME_REJECTIONS) handoverFramesRejected.remove({ ...labels, reason });
    },
    setMixUps: (kinds, found) => void (mixUps = { kinds, found }),
    reloaded(ok) {
      reloadOk.set(ok ? 1 : 0);
      if (ok) reloadTime.set(now().getTime() / 1000);
    },
    watchRestarted: (resource) => watchRestarts.inc({ resource }),
    async render(instance) {
      const text = await registry.metrics();
      if (instance === undefined) return text;
      // Label values are escaped in the text as JSON escapes them.
      const wanted = `instance=${JSON.stringify(instance)}`;
      return text.split("\n")
        .filter((line) => !/^\w+\{instance="/.test(line) || line.includes(`{${wanted},`))
        .join("\n");
    },
  };
}
