import { Counter, Gauge, Registry } from "prom-client";

/** What one instance reports. */
export interface InstanceMetrics {
  /** The instance took or lost its Lease. */
  setHolder(holds: boolean): void;
  /** Asked at every scrape: seconds since the last renewal that succeeded; undefined before it. */
  setRenewalAge(ageSeconds: () => number | undefined): void;
  setVipsHeld(count: number): void;
  setRefusedServices(count: number): void;
  framesSent(count: number): void;
  leaseTransition(): void;
  reconciled(ok: boolean): void;
  /** Another machine claimed a VIP that is held here. */
  conflict(): void;
  beaconSent(): void;
  beaconHeard(): void;
  /** One that counts for nothing: "foreign" is another instance's. */
  beaconRejected(reason: BeaconRejection): void;
}

const BEACON_REJECTIONS = ["forged", "foreign", "malformed", "replayed"] as const;
type BeaconRejection = typeof BEACON_REJECTIONS[number];

/** The metrics of the process. */
export interface Metrics {
  /** @param loadBalancerClass undefined for Services without a class: the label is empty. */
  instance(name: string, loadBalancerClass: string | undefined): InstanceMetrics;
  /** The names of all instances. */
  readonly instances: ReadonlySet<string>;
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
  const ages: (() => void)[] = [];
  const renewalAge = new Gauge({
    name: "classvip_lease_renewal_age_seconds",
    help: "Seconds since the last renewal of the Lease that succeeded.",
    labelNames: LABELS,
    registers,
    collect: () => ages.forEach((age) => age()),
  });
  const vipsHeld = gauge("vips_held", "VIPs on the interfaces of this node.");
  const refused = gauge("refused_services", "Services of the class that can't be served.");
  const frames = counter("frames_sent_total", "Announcing frames sent (ARP and NDP).");
  const transitions = counter("lease_transitions_total", "Times this node took or lost the Lease.");
  const reconciles = counter("reconciles_total", "Reconciles done.");
  const reconcileErrors = counter("reconcile_errors_total", "Reconciles that failed.");
  const conflicts = counter("conflicts_total", "Frames of others that claim a VIP held here.");
  const beaconsSent = counter("beacons_sent_total", "Beacons sent for fast failover.");
  const beaconsHeard = counter("beacons_heard_total", "Beacons heard and found right.");
  const beaconsRejected = new Counter({
    name: "classvip_beacons_rejected_total",
    help: "Beacons that count for nothing: forged (wrong key), replayed, foreign, malformed.",
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

  const instances = new Set<string>();
  return {
    contentType: registry.contentType,
    instances,
    instance(name, loadBalancerClass) {
      instances.add(name);
      const labels = { instance: name, class: loadBalancerClass ?? "" };
      // A series that appears only with its first event can't be told from one that is lost.
      for (const metric of [holder, since, vipsHeld, refused]) metric.set(labels, 0);
      for (const metric of [frames, transitions, reconciles, reconcileErrors, conflicts]) {
        metric.inc(labels, 0);
      }
      for (const metric of [beaconsSent, beaconsHeard]) metric.inc(labels, 0);
      for (const reason of BEACON_REJECTIONS) beaconsRejected.inc({ ...labels, reason }, 0);
      return {
        setHolder(holds) {
          holder.set(labels, holds ? 1 : 0);
          since.set(labels, holds ? now().getTime() / 1000 : 0);
        },
        setRenewalAge(ageSeconds) {
          ages.push(() => {
            const age = ageSeconds();
            if (age === undefined) renewalAge.remove(labels);
            else renewalAge.set(labels, age);
          });
        },
        setVipsHeld: (count) => vipsHeld.set(labels, count),
        setRefusedServices: (count) => refused.set(labels, count),
        framesSent: (count) => frames.inc(labels, count),
        leaseTransition: () => transitions.inc(labels),
        reconciled(ok) {
          reconciles.inc(labels);
          if (!ok) reconcileErrors.inc(labels);
        },
        conflict: () => conflicts.inc(labels),
        beaconSent: () => beaconsSent.inc(labels),
        beaconHeard: () => beaconsHeard.inc(labels),
        beaconRejected: (reason) => beaconsRejected.inc({ ...labels, reason }),
      };
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
