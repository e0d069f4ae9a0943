import type { Clock } from "../election/clock.ts";
import { Election } from "../election/election.ts";
import { Elector } from "../election/elector.ts";
import { RELEASED_ANNOTATION } from "../election/lease_record.ts";
import { LeaseWriter } from "../election/lease_writer.ts";
import { RivalWatch } from "../election/rivals.ts";
import type { Lease } from "../kube/types.ts";
import { parseIp } from "../net/ip.ts";
import type { InterfaceAddress, Link, Network } from "../net/link.ts";
import { EventRecorder } from "../observe/events.ts";
import type { Logger } from "../observe/logger.ts";
import { createMetrics } from "../observe/metrics.ts";
import { scopesOverlap } from "../services/class_policy.ts";
import { ServiceIndex } from "../services/service_index.ts";
import { viewService } from "../services/service_view.ts";
import { BURST_MS } from "../vip/schedule.ts";
import { Vips } from "../vip/vips.ts";
import { Reconciler } from "./reconciler.ts";
import { InstanceReports } from "./reports.ts";
import type { Task } from "./task.ts";
import { electionTimes } from "./times.ts";

const LEASE = { namespace: "rehearsal", name: "rehearsal" };
/** Of the ranges for documentation (RFC 5737, RFC 3849). */
const VIPS = "192.0.2.1,2001:db8::1";
const LINK: Link = {
  index: 1,
  name: "eth0",
  mac: new Uint8Array(6),
  up: true,
  carrier: true,
  ipv6: true,
  loopback: false,
};
const SUBNETS = ([["192.0.2.9", 24], ["2001:db8::9", 64]] as const).map((
  [text, prefixLength],
): InterfaceAddress => ({
  linkIndex: 1,
  ip: parseIp(text)!,
  prefixLength,
  mark: 0,
  preferredSeconds: 0xffffffff,
  validSeconds: 0xffffffff,
}));
/** Leads nowhere. */
const NETWORK: Network = {
  links: () => [LINK],
  addresses: () => SUBNETS,
  gateways: () => [],
  apply: (changes) => changes.map(() => undefined),
  send: () => {},
  [Symbol.dispose]: () => {},
};
/** Stands still: only a signal ends a wait. */
const CLOCK: Clock = {
  nowMs: () => 0,
  until: (_, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    }),
};
const SILENT: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => SILENT,
};

/** A start, with all that it asks for, is over by then: it would be held up. */
const AFTER_MS = 1000;

/** Rehearses once, soon after the start: a node that holds at once has no need to. */
export class Rehearsal implements Task {
  readonly name = "rehearsal";
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#clock.until(this.#clock.nowMs() + AFTER_MS, signal);
    if (signal.aborted) return;
    await rehearse();
    await this.#clock.until(Infinity, signal);
  }
}

/**
 * Takes over two made-up VIPs and lets them go again, once, without touching anything. Code is compiled
 * when it first runs: without this the first take-over of a process would be some 5 ms slower.
 *
 * @returns the addresses that were held in between
 */
export async function rehearse(): Promise<string[]> {
  const metrics = createMetrics({ version: "" }).instance("rehearsal", "rehearsal");
  const events = new EventRecorder({
    post: () => Promise.resolve(),
    rate: { take: () => Promise.resolve() },
    node: "",
    clock: CLOCK,
    logger: SILENT,
  });
  const reports = new InstanceReports({
    logger: SILENT,
    metrics,
    events,
    node: "",
    instance: "rehearsal",
    lease: LEASE,
  });
  const vips = new Vips({
    network: NETWORK,
    clock: CLOCK,
    mark: 1,
    schedule: { burstMs: BURST_MS, refreshMs: Infinity },
    observer: reports,
  });
  const service = viewService({
    metadata: { ...LEASE, uid: "1", annotations: { "classvip.io/addresses": VIPS } },
    spec: { type: "LoadBalancer", loadBalancerClass: "rehearsal" },
  });
  const index = new ServiceIndex();
  index.put(service.key, service);
  using reconciler = new Reconciler({
    source: {
      open: (policy, changed) => {
        const scope = index.open(policy, changed);
        return {
          synced: true,
          services: () => scope.services.values(),
          find: (key) => scope.services.get(key),
          owners: index.owners,
          version: 0,
          seen: 0,
          lostAt: 0,
          refresh: () => {},
          relist: () => Promise.resolve(),
          [Symbol.dispose]: () => scope[Symbol.dispose](),
        };
      },
    },
    policy: { loadBalancerClass: "rehearsal", alsoClassless: false, namespaces: [] },
    network: NETWORK,
    interface: "auto",
    mark: 1,
    reserved: () => new Map(),
    vips,
    statuses: { write: () => {}, clear: () => {}, keepOnly: () => {}, forget: () => {} },
    reports,
    metrics,
    limits: () => ({ maxVips: 2, maxVipsPerNamespace: 2 }),
    logger: SILENT,
    carriedOut: () => {},
  });
  const times = electionTimes(5000, 1500);
  const who = { ...LEASE, identity: "rehearsal", incarnation: "rehearsal", scope: "rehearsal" };
  const election = new Election(
    { ...who, ...times },
    new LeaseWriter({ ...who, leaseDurationMs: 5000, annotations: {} }, () => 0),
    () => 0,
  );
  election.withdrawn();
  const rivals = new RivalWatch(who, scopesOverlap);
  const stop = new AbortController();
  let held: string[] = [];
  let version = 1;
  const written = (lease: Lease): Promise<Lease> =>
    Promise.resolve({ ...lease, metadata: { ...lease.metadata, resourceVersion: `${++version}` } });
  const elector = new Elector({
    election,
    api: {
      get: () =>
        written({
          metadata: { ...LEASE, uid: "1", annotations: { [RELEASED_ANNOTATION]: "1" } },
          spec: { leaseTransitions: 1, leaseDurationSeconds: 5 },
        }),
      create: written,
      replace: written,
    },
    clock: CLOCK,
    holder: {
      granted: (untilMs) => {
        rivals.rival([election.lease!], true, 0);
        vips.granted(untilMs);
        reconciler.begin();
        held = vips.addresses;
        stop.abort();
      },
      withdraw: (reason) => {
        reconciler.end();
        return vips.withdraw(reason);
      },
    },
    observer: reports,
    requestTimeoutMs: times.requestTimeoutMs,
    stopTimeoutMs: 5000,
  });
  await elector.run(stop.signal);
  await events.drain(0);
  return held;
}
