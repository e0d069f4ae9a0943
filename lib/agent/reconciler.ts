import type { IpAddress } from "../net/ip.ts";
import type { Network } from "../net/link.ts";
import type { Logger } from "../observe/logger.ts";
import type { InstanceMetrics } from "../observe/metrics.ts";
import { type ClassPolicy, whyNotServed } from "../services/class_policy.ts";
import { decide, type Decision } from "../services/decide.ts";
import type { VipLimits } from "../services/limits.ts";
import type { ServiceView } from "../services/service_view.ts";
import type { StatusWriter } from "../services/status_writer.ts";
import { type Placement, placer } from "../vip/placement.ts";
import type { Vips } from "../vip/vips.ts";
import type { AddressProbe } from "./address_probe.ts";
import type { PoolKeeper } from "./pool_keeper.ts";
import type { InstanceReports } from "./reports.ts";
import type { ServiceScope, ServiceSource } from "./service_source.ts";
import type { Wishes } from "./wishes.ts";

/** A flood of changes is taken in together: this much time between two reconciles. */
const SPACING_MS = 10;
/** So many times as long as the last one took: a flood in one class leaves time for the others. */
const REST_FACTOR = 9;
/** Mends what no event tells of: an interface that came, a claim that failed. */
const AGAIN_MS = 5000;

/** After this time what was written before the take-over has long been seen. */
const FRESH_MS = 5000;

export interface ReconcilerParts {
  readonly source: Pick<ServiceSource, "open">;
  readonly policy: ClassPolicy;
  /** Asked each time: they may change. */
  readonly limits: () => VipLimits;
  readonly network: Network;
  /** Name of an interface, or "auto". */
  readonly interface: string;
  readonly mark: number;
  /** Addresses that no Service may have, and what they are. */
  readonly reserved: () => ReadonlyMap<string, string>;
  readonly vips: Vips<ServiceView>;
  /** Undefined: addresses are asked for, and never given. */
  readonly keeper?: Pick<PoolKeeper, "look" | "contains">;
  /** Undefined: addresses are announced without asking who has them. */
  readonly probe?: AddressProbe | undefined;
  readonly statuses: Pick<StatusWriter, "write" | "clear" | "keepOnly" | "forget">;
  readonly reports: InstanceReports;
  readonly metrics: InstanceMetrics;
  readonly logger: Logger;
  /** All that was decided is on the interfaces. */
  readonly carriedOut: () => void;
}

/** A served Service, and the addresses in its status that are this instance's to clear. */
interface Vouched {
  readonly service: ServiceView;
  readonly published: readonly string[];
}

/** Makes it so: asks `decide()` after every change, and carries out what it says. */
export class Reconciler implements Wishes {
  readonly #parts: ReconcilerParts;
  readonly #scope: ServiceScope;
  /** As last decided, by uid. */
  #served = new Map<string, Vouched>();
  #due = false;
  #beganMs = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** From the start of the right to hold, once this instance may use it. */
  #begun = false;
  #nextRunMs = -Infinity;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#scope = parts.source.open(parts.policy, () => this.soon());
  }

  /** The right to hold began: acts at once. */
  begin(): void {
    this.#beganMs = performance.now();
    this.#begun = true;
    this.#run();
    // What was deleted or changed on a connection that died unnoticed must not stay for long.
    this.#scope.refresh();
  }

  /**
   * The right to hold is being asked for: thinks through what will be decided then. A processor that
   * did so a moment ago does it in half the time.
   */
  expect(): void {
    clearTimeout(this.#timer);
    // Once the request is on its way. A pool gives nothing out without the right to.
    this.#timer = setTimeout(() => {
      try {
        if (this.#scope.synced) this.#decide(undefined);
      } catch {
        // The reconcile that counts will say it.
      }
    }, 1);
  }

  /** The right to hold ended: what was not written yet is the next holder's. */
  end(): void {
    this.#begun = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#served.clear();
    this.#parts.probe?.end();
    this.#parts.statuses.forget();
    this.#parts.reports.refused([]);
  }

  [Symbol.dispose](): void {
    this.#scope[Symbol.dispose]();
    clearTimeout(this.#timer);
  }

  /** Something changed: acts when it is time. */
  soon(): void {
    if (!this.#begun || !this.#parts.vips.mayHold || this.#due) return;
    const waitMs = this.#nextRunMs - performance.now();
    if (waitMs > 0) return this.#schedule(waitMs);
    this.#due = true;
    // After the rest of what arrived with this change.
    queueMicrotask(() => this.#run());
  }

  /** @see ServiceScope.relist */
  relist(): Promise<void> {
    return this.#scope.relist();
  }

  #schedule(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), waitMs);
  }

  #run(): void {
    this.#due = false;
    const { vips, metrics, logger, carriedOut } = this.#parts;
    if (!this.#begun || !vips.mayHold || !this.#scope.synced) return;
    this.#schedule(AGAIN_MS);
    const startedMs = performance.now();
    try {
      this.#carryOut(this.#decide(this.#parts.keeper));
      metrics.reconciled(true);
      carriedOut();
    } catch (error) {
      metrics.reconciled(false);
      logger.error("could not reconcile, trying again", { error });
    }
    metrics.setVipsHeld(vips.size);
    const nowMs = performance.now();
    this.#nextRunMs = nowMs + Math.max(SPACING_MS, REST_FACTOR * (nowMs - startedMs));
  }

  #decide(keeper: ReconcilerParts["keeper"]): Decision {
    const { policy, limits, network, vips, mark } = this.#parts;
    const snapshot = { links: network.links(), addresses: network.addresses() };
    const { owners } = this.#scope;
    const placed = placer(
      this.#parts.interface,
      mark,
      snapshot,
      this.#parts.reserved(),
      (ip) => this.#parts.keeper?.contains(ip) ?? false,
    );
    const place = (ip: IpAddress, wishedInterface?: string): Placement => {
      const placement = placed(ip, wishedInterface);
      const user = this.#parts.probe?.userOf(ip);
      return user === undefined || "refused" in placement
        ? placement
        : { refused: `${user} answers for it` };
    };
    const served = [...this.#scope.services()]
      .filter((service) => whyNotServed(policy, service) === undefined);
    const { services, rules, refusals } = keeper?.look(served, owners, place) ??
      { services: served, rules: undefined, refusals: [] };
    const decision = decide({
      services,
      owners,
      policy: { ...policy, ...limits() },
      mayHold: true,
      held: vips.addresses,
      place,
      pools: rules,
    });
    return { ...decision, refusals: [...decision.refusals, ...refusals] };
  }

  #carryOut(decision: Decision): void {
    const { vips, statuses, reports } = this.#parts;
    const owners = new Map(vips.claims.map(({ ip, owner }) => [ip.text, owner]));
    vips.drop(decision.drops);
    const claims = this.#parts.probe?.passed(decision.claims, new Set(vips.addresses)) ??
      decision.claims;
    vips.claim(claims.map(({ service: owner, ...place }) => ({ ...place, owner })));
    const held = new Set(vips.addresses);
    for (const { vip, reason } of decision.drops) {
      const owner = owners.get(vip);
      if (owner !== undefined && !held.has(vip)) reports.withdrawnFor(owner, vip, reason);
    }
    // A status speaks of addresses that are there, never of ones that are hoped for.
    const writes = decision.statuses.filter(({ ingress }) =>
      ingress.every(({ ip }) => held.has(ip!))
    );
    statuses.keepOnly(new Set(writes.map(({ service }) => service.key)));
    // The former holder may have written what this node's watch has not shown yet.
    const look = performance.now() - this.#beganMs < FRESH_MS;
    for (const write of writes) statuses.write(write, look);
    const served = this.#vouchedFor(decision);
    for (const [uid, { service, published }] of this.#served) {
      // Also what was written just now, and is not seen on the Service yet.
      if (!served.has(uid) && published.length > 0) statuses.clear(service, published);
    }
    this.#served = served;
    reports.refused(decision.refusals);
  }

  #vouchedFor({ served, gains }: Decision): Map<string, Vouched> {
    return new Map(served.map((service) => {
      // Without a class, what else is shown may be another controller's.
      const shown = service.loadBalancerClass === undefined ? [] : service.ingress;
      const got = gains.get(service) ?? [];
      const published = [...shown.flatMap(({ ip }) => ip ?? []), ...got];
      return [service.uid, { service, published }];
    }));
  }
}
