import type { MixUpKind } from "../classes/mix_ups.ts";
import { type ElectionObserver, isPlanned } from "../election/elector.ts";
import type { KubeError } from "../kube/errors.ts";
import type { EventRecorder } from "../observe/events.ts";
import type { Logger } from "../observe/logger.ts";
import { Once } from "../observe/once.ts";
import type { InstanceMetrics } from "../observe/metrics.ts";
import type { Refusal, StatusWrite } from "../services/decide.ts";
import type { ServiceView } from "../services/service_view.ts";
import type { StatusObserver } from "../services/status_writer.ts";
import type { VipClaim, VipObserver } from "../vip/vips.ts";

/** Says something when it is new, not each time it is so. */
class Changes {
  readonly #said = new Map<string, Once>();

  /** @returns whether the text was not given for the key before */
  differs(key: string, text: string): boolean {
    const said = this.#said.get(key) ?? new Once();
    this.#said.set(key, said);
    return said.isNews(text);
  }

  /** What was said for the keys that begin so may be said again. */
  forget(prefix: string): void {
    for (const key of this.#said.keys()) if (key.startsWith(prefix)) this.#said.delete(key);
  }

  clear(): void {
    this.#said.clear();
  }
}

/** The Service is served all the same. */
const HARMLESS: ReadonlySet<Refusal["reason"]> = new Set(["SettingIgnored", "OutsidePools"]);

/** Services come and go: what was said of those that are gone is of no use. */
const MOST_FORMER = 1000;

/** Turns what happens in one instance into log lines, metrics and Kubernetes Events. */
export class InstanceReports implements ElectionObserver, StatusObserver, VipObserver<ServiceView> {
  readonly #logger: Logger;
  readonly #metrics: InstanceMetrics;
  readonly #events: EventRecorder;
  readonly #node: string;
  readonly #instance: string;
  readonly #lease: { namespace: string; name: string };
  readonly #leaseUid: () => string | undefined;
  readonly #failures = new Changes();
  /** What was said last, by the key of the Service. */
  readonly #refusals = new Map<string, readonly Refusal[]>();
  /** The same of those of whom nothing is refused just now, and that got nothing since. */
  readonly #former = new Map<string, readonly Refusal[]>();
  readonly #refused = new Set<string>();
  readonly #conflicts = new Changes();
  #poolsMissing: string | undefined;
  #holding = false;

  constructor(parts: {
    /** Carries the fields instance, class and lease. */
    logger: Logger;
    metrics: InstanceMetrics;
    events: EventRecorder;
    node: string;
    instance: string;
    lease: { namespace: string; name: string };
    /** As last seen: `kubectl describe` finds Events by it. */
    leaseUid?: () => string | undefined;
  }) {
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
    this.#events = parts.events;
    this.#node = parts.node;
    this.#instance = parts.instance;
    this.#lease = parts.lease;
    this.#leaseUid = parts.leaseUid ?? (() => undefined);
  }

  // Election

  elected(term: number): void {
    this.#holding = true;
    this.#failures.clear();
    this.#conflicts.clear();
    this.#metrics.setHolder(true);
    this.#metrics.leaseTransition();
    this.#logger.info("holds the Lease", { node: this.#node, term });
    this.#onLease(
      "Normal",
      "Elected",
      // With the term: who comes back says it anew.
      `${this.#node} holds the VIPs of instance ${this.#instance} (term ${term})`,
    );
  }

  /** This node has its Lease, and another one serves the same Services. */
  unconfirmed(reason: string): void {
    if (!this.#failures.differs("lease unconfirmed", reason)) return;
    this.#logger.error("puts up no VIP while there is another Lease for them", { reason });
  }

  renewed(): void {
    this.#failures.forget("lease ");
    this.#logger.debug("renewed the Lease");
  }

  withdrawn(reason: string, verified: boolean): void {
    if (this.#holding) this.#metrics.leaseTransition();
    const level = this.#holding && !isPlanned(reason) ? "warn" : "info";
    this.#holding = false;
    this.#former.clear();
    this.#metrics.setHolder(false);
    this.#metrics.setVipsHeld(0);
    if (verified) this.#logger[level]("withdrew all VIPs", { reason });
    else if (this.#failures.differs("lease withdrawal", "")) {
      this.#logger.error("could not withdraw all VIPs, the Lease is kept, trying again", {
        reason,
      });
    }
  }

  released(to: string | undefined, asked: boolean): void {
    if (to !== undefined) return this.#logger.info("handed the Lease over", { to });
    const reason = "nobody on the segment offered to take over within 0.1 s";
    this.#logger.info("released the Lease", asked ? { reason } : {});
  }

  leftBehind(): void {
    this.#logger.error("could not release the Lease in time: others take it when it has run out");
  }

  holderChanged(holder: string | undefined): void {
    if (holder === undefined) this.#logger.info("the Lease has no holder");
    else if (holder !== this.#node) this.#logger.info("another holder is seen", { holder });
  }

  requestFailed(purpose: string, error: KubeError): void {
    if (!this.#failures.differs(`lease ${purpose}`, error.message)) return;
    this.#logger.error(`Lease request failed (${purpose}), trying again`, { error });
  }

  obstacleChanged(obstacle: string | undefined): void {
    if (obstacle === undefined) this.#logger.info("the Lease can be stood for again");
    else this.#logger.error("does not serve", { reason: obstacle });
  }

  /** Something on this node keeps it from holding; undefined: nothing any more. */
  condition(reason: string | undefined): void {
    if (reason === undefined) this.#logger.info("the node may hold again");
    else this.#logger.warn("the node may not hold", { reason });
  }

  odd(what: string): void {
    this.#logger.warn("the Lease is not as it should be", { reason: what });
  }

  // VIPs

  claimed({ ip, interface: name, owner }: VipClaim<ServiceView>): void {
    this.#former.delete(owner.key);
    this.#failures.forget(`vip ${ip.text} `);
    this.#logger.info("announces a VIP", { service: owner.key, vip: ip.text, interface: name });
  }

  dropped(claim: VipClaim<ServiceView> | undefined, vip: string, reason: string): void {
    this.#logger.info("withdrew a VIP", {
      ...(claim && { service: claim.owner.key, interface: claim.interface }),
      vip,
      reason,
    });
  }

  vipFailed(vip: string, what: string, error: Error): void {
    if (!this.#failures.differs(`vip ${vip} ${what}`, error.message)) return;
    this.#logger.error(`${what} of a VIP failed, trying again`, { vip, error });
  }

  /** Another machine claims a VIP that is held here. */
  contested(vip: string, mac: string): void {
    this.#metrics.conflict();
    if (!this.#conflicts.differs(vip, mac)) return;
    this.#logger.error("another machine claims a VIP that is held here", { vip, mac });
    this.#onLease(
      "Warning",
      "AddressConflict",
      `${vip}, held by ${this.#node}, is claimed by ${mac}`,
    );
  }

  sent(frames: number): void {
    this.#metrics.framesSent(frames);
  }

  fenced(): void {
    this.#logger.warn("the right to hold ended before the Lease could be renewed");
  }

  // Services

  statusWritten({ service, ingress }: StatusWrite): void {
    const vips = ingress.map(({ ip }) => ip).join(", ");
    this.#failures.forget(`status ${service.key}`);
    this.#logger.info("wrote a status", { service: service.key, vip: vips });
    if (vips === "") return;
    this.onService(service, "Normal", "Announced", `${vips} is announced by ${this.#node}`);
  }

  statusFailed({ service }: StatusWrite, error: KubeError): void {
    if (!this.#failures.differs(`status ${service.key}`, error.message)) return;
    this.#logger.error("could not write a status, trying again", { service: service.key, error });
  }

  /** A VIP of a Service was taken away for a reason that lies in the Service. */
  withdrawnFor(service: ServiceView, vip: string, reason: string): void {
    this.onService(service, "Normal", "Withdrawn", `${vip} is not announced any more: ${reason}`);
  }

  /**
   * All that is refused at present.
   *
   * @param of keys of the Services that were looked at; undefined: all
   */
  refused(refusals: readonly Refusal[], of?: ReadonlySet<string>): void {
    const current = Map.groupBy(refusals, ({ service }) => service.key);
    for (const key of of ?? this.#refusals.keys()) {
      if (current.has(key)) continue;
      // An address that another machine has is asked for again and again, and not refused meanwhile.
      const said = this.#refusals.get(key);
      if (said !== undefined) this.#keepFormer(key, said);
      this.#refusals.delete(key);
      this.#refused.delete(key);
    }
    for (const [key, ofOne] of current) {
      const said = this.#refusals.get(key) ?? this.#former.get(key) ?? [];
      for (const refusal of ofOne) {
        if (said.some((other) => isSame(refusal, other))) continue;
        const { service, reason, message } = refusal;
        this.#logger.warn("refused", { service: key, reason: message });
        this.onService(service, "Warning", reason, message);
      }
      this.#former.delete(key);
      this.#refusals.set(key, ofOne);
      if (ofOne.every(({ reason }) => HARMLESS.has(reason))) this.#refused.delete(key);
      else this.#refused.add(key);
    }
    this.#metrics.setRefusedServices(this.#refused.size);
  }

  /** The ConfigMap with the pools. @param reason why it cannot be used; undefined: it can again */
  poolsMissing(reason: string | undefined): void {
    if (reason === this.#poolsMissing) return;
    this.#poolsMissing = reason;
    this.#metrics.setPoolConfigMapMissing(reason !== undefined);
    if (reason === undefined) this.#logger.info("the ConfigMap with the pools is there again");
    else {
      this.#logger.error("the ConfigMap with the pools is not there", { reason });
      this.#onLease("Warning", "PoolConfigMapMissing", reason, true);
    }
  }

  onService(service: ServiceView, type: "Normal" | "Warning", reason: string, message: string) {
    const { uid, namespace, name } = service;
    const once = reason === "AddressAskedTwice" satisfies MixUpKind;
    const text = { type, reason, message: `${message} (instance ${this.#instance})`, once };
    this.#events.record("Service", { metadata: { uid, namespace, name } }, text);
  }

  #keepFormer(key: string, said: readonly Refusal[]): void {
    this.#former.delete(key);
    this.#former.set(key, said);
    const [oldest] = this.#former.keys();
    if (this.#former.size > MOST_FORMER) this.#former.delete(oldest!);
  }

  /** @param once for the whole cluster, however many nodes say it */
  #onLease(type: "Normal" | "Warning", reason: string, message: string, once = false): void {
    const uid = this.#leaseUid();
    const metadata = { ...this.#lease, ...(uid !== undefined && { uid }) };
    this.#events.record("Lease", { metadata }, { type, reason, message, once });
  }
}

function isSame(a: Refusal, b: Refusal): boolean {
  return a.message === b.message && a.reason === b.reason && a.service.uid === b.service.uid;
}
