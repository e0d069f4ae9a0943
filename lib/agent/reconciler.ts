import type { Cidr } from "../net/cidr.ts";
import type { IpAddress } from "../net/ip.ts";
import type { InterfaceAddress, Network } from "../net/link.ts";
import type { Logger } from "../observe/logger.ts";
import type { InstanceMetrics } from "../observe/metrics.ts";
import { type Changes, type Part, partOf } from "../services/changes.ts";
import { type ClassPolicy, whyNotServed } from "../services/class_policy.ts";
import { decide, type Decision } from "../services/decide.ts";
import type { VipLimits } from "../services/limits.ts";
import type { ServiceView } from "../services/service_view.ts";
import type { StatusWriter } from "../services/status_writer.ts";
import { isSameNetwork, type NetworkSnapshot, type Placement, placer } from "../vip/placement.ts";
import type { Vips } from "../vip/vips.ts";
import type { AddressProbe } from "./address_probe.ts";
import type { PoolKeeper } from "./pool_keeper.ts";
import type { InstanceReports } from "./reports.ts";
import type { ServiceProgress } from "./service_progress.ts";
import type { ServiceScope, ServiceSource } from "./service_source.ts";
import type { Wishes } from "./wishes.ts";

/** A flood of changes is taken in together: this much time between two reconciles. */
const SPACING_MS = 10;
/** So many times as long as the last one took: a flood in one class leaves time for the others. */
const REST_FACTOR = 9;
/** But no longer: it may have been the machine that took its time. */
const LONGEST_REST_MS = 1000;
/** Mends what no event tells of: an interface that came, a claim that failed. */
const AGAIN_MS = 5000;

/** Beyond so many changes a look at all is the shorter way. */
const MANY_CHANGES = 500;

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
  /** Where the addresses of the node's pods come from. */
  readonly podNetworks?: () => readonly Cidr[];
  readonly vips: Vips<ServiceView>;
  /** Undefined: addresses are asked for, and never given. */
  readonly keeper?: Pick<PoolKeeper, "look" | "allocates" | "contains" | "isGiving">;
  /** Why this instance can serve no IPv6 address; undefined when it can. */
  readonly ipv4Only?: string | undefined;
  /** Undefined: addresses that were another class' are not waited for. */
  readonly progress?: ServiceProgress;
  /** Undefined: addresses are announced without asking who has them. */
  readonly probe?: AddressProbe | undefined;
  readonly statuses: Pick<StatusWriter, "write" | "clear" | "keepOnly" | "forget">;
  readonly reports: InstanceReports;
  readonly metrics: InstanceMetrics;
  readonly logger: Logger;
  /** All that was decided is on the interfaces. */
  readonly carriedOut: () => void;
}

/** What addresses were placed on. */
interface Ground extends NetworkSnapshot {
  readonly reserved: ReadonlyMap<string, string>;
}

/** A served Service, and the addresses that it got and does not show yet: mostly none. */
interface Vouched {
  readonly service: ServiceView;
  readonly unseen: readonly string[];
}

/**
 * Makes it so: asks `decide()` after every change, and carries out what it says. After a change of
 * some Services it is asked of these alone; every few seconds, and after all other changes, of all.
 * Where the last look left nothing to be done, and the node is as it was then, that is not asked.
 */
export class Reconciler implements Wishes {
  readonly #parts: ReconcilerParts;
  readonly #scope: ServiceScope;
  /** As last decided, by key. */
  readonly #served = new Map<string, Vouched>();
  /** Not looked at yet; undefined: all Services are to be looked at. */
  #changes: { readonly keys: Set<string>; readonly vips: Set<string> } | undefined;
  /** When all are to be looked at again. */
  #allAgainMs = -Infinity;
  /**
   * The addresses on this node that are not this instance's, as of the last look at all; undefined:
   * not read yet. Who has nothing to place does not read them: another instance may have thousands.
   */
  #foreign: readonly InterfaceAddress[] | undefined;
  /** Of the last look; undefined: nothing was placed. */
  #ground: Ground | undefined;
  /** Of the last look at all, if nothing was left to be done, then and since; undefined: something was. */
  #settled: Ground | undefined;
  #due = false;
  /** Somebody asked for a look since the last one. */
  #asked = false;
  #beganMs = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** From the start of the right to hold, once this instance may use it. */
  #begun = false;
  /** Nothing was carried out since: what is served now is taken over, and did not come. */
  #takesOver = true;
  #nextRunMs = -Infinity;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#scope = parts.source.open(parts.policy, (changes) => {
      parts.probe?.forget(changes.moved);
      this.soon(changes);
    });
  }

  /** The right to hold began: acts at once. */
  begin(): void {
    this.#beganMs = performance.now();
    this.#begun = true;
    this.#takesOver = true;
    this.#changes = undefined;
    this.#asked = true;
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
        if (this.#scope.synced) this.#decide(undefined, undefined);
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

  /** @see Wishes.soon */
  soon(changes?: Changes, atOnce = false): void {
    if (!this.#begun) return;
    this.#asked = true;
    if (changes === undefined) this.#changes = undefined;
    for (const key of changes?.keys ?? []) this.#changes?.keys.add(key);
    for (const vip of changes?.vips ?? []) this.#changes?.vips.add(vip);
    this.#wake(atOnce);
  }

  #wake(atOnce: boolean): void {
    if (!this.#begun || !this.#parts.vips.mayHold || this.#due) return;
    const waitMs = atOnce ? 0 : this.#nextRunMs - performance.now();
    if (waitMs > 0) return this.#schedule(waitMs);
    this.#due = true;
    // After the rest of what arrived with this change.
    queueMicrotask(() => this.#run());
  }

  /** @see ServiceScope.refresh */
  refresh(): void {
    this.#scope.refresh();
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
    const { vips, metrics, logger, progress, carriedOut } = this.#parts;
    if (!this.#begun || !vips.mayHold || !this.#scope.synced || progress?.behind) return;
    // When the last of what was decided is up, it is asked for a look.
    if (!this.#asked && vips.isPuttingUp) return this.#schedule(AGAIN_MS);
    this.#asked = false;
    const { version, seen, lostAt } = this.#scope;
    const startedMs = performance.now();
    const isUnasked = this.#changes?.keys.size === 0 && this.#changes.vips.size === 0;
    const part = this.#takePart(startedMs);
    if (part === undefined) this.#allAgainMs = startedMs + AGAIN_MS;
    this.#schedule(this.#allAgainMs - startedMs);
    try {
      const { isWhole, isRid } = part === undefined && isUnasked && this.#isSettled
        ? { isWhole: true, isRid: true }
        : this.#look(part);
      if (isRid) progress?.carriedOut({ changedAt: version, seen }, lostAt);
      metrics.reconciled(true);
      if (isWhole && this.#parts.keeper?.isGiving !== true) carriedOut();
    } catch (error) {
      this.#changes = undefined;
      metrics.reconciled(false);
      logger.error("could not reconcile, trying again", { error });
    }
    metrics.setVipsHeld(vips.size);
    const nowMs = performance.now();
    const restMs = Math.max(SPACING_MS, REST_FACTOR * (nowMs - startedMs));
    // A rest that was broken off is owed.
    const untilMs = Math.max(nowMs, this.#nextRunMs) + restMs;
    this.#nextRunMs = Math.min(untilMs, nowMs + LONGEST_REST_MS);
  }

  #look(part: Part | undefined): { isWhole: boolean; isRid: boolean } {
    const { vips, keeper } = this.#parts;
    const before = part === undefined ? undefined : this.#settled;
    this.#settled = undefined;
    this.#ground = undefined;
    const decision = this.#decide(keeper, part);
    const ground = part === undefined ? this.#ground : before;
    const result = this.#carryOut(decision, part);
    const { claims, refusals, statuses } = decision;
    const isDone = result.isWhole && result.isRid && refusals.length === 0 && statuses.length === 0;
    if (isDone && claims.every(({ ip }) => vips.holds(ip.text))) this.#settled = ground;
    return result;
  }

  /** Whether a look at all would find what the last one found: nothing to be done. */
  get #isSettled(): boolean {
    if (this.#settled === undefined || this.#isEntwined || this.#parts.vips.isPuttingUp) {
      return false;
    }
    this.#foreign = undefined;
    return isSameGround(this.#settled, this.#readGround());
  }

  #readGround(): Ground {
    const { network, mark, podNetworks, reserved } = this.#parts;
    return {
      links: network.links(),
      addresses: this.#foreign ??= network.addresses(mark),
      podNetworks: podNetworks?.() ?? [],
      reserved: reserved(),
    };
  }

  /** With these, what one Service gets depends on what all others have. */
  get #isEntwined(): boolean {
    const { maxVips, maxVipsPerNamespace } = this.#parts.limits();
    return maxVips > 0 || maxVipsPerNamespace > 0 || (this.#parts.keeper?.allocates ?? false);
  }

  /** @returns what is to be looked at; undefined: everything */
  #takePart(nowMs: number): Part | undefined {
    const changes = this.#changes;
    this.#changes = { keys: new Set(), vips: new Set() };
    if (changes === undefined || this.#isEntwined || nowMs >= this.#allAgainMs) return undefined;
    if (changes.keys.size > MANY_CHANGES) return undefined;
    return partOf(changes, (key) => this.#scope.find(key), this.#scope.owners);
  }

  #decide(keeper: ReconcilerParts["keeper"], part: Part | undefined): Decision {
    const { vips } = this.#parts;
    if (part !== undefined) {
      const decision = this.#decideOn(part.services, keeper, part);
      // Nothing is put up on an old look at the node.
      if (decision.claims.every(({ ip }) => vips.holds(ip.text))) return decision;
    }
    this.#foreign = undefined;
    return this.#decideOn(part?.services ?? this.#scope.services(), keeper, part);
  }

  #decideOn(
    all: Iterable<ServiceView>,
    keeper: ReconcilerParts["keeper"],
    part: Part | undefined,
  ): Decision {
    const { policy, limits, vips, ipv4Only } = this.#parts;
    const { owners } = this.#scope;
    let placed: ReturnType<typeof placer> | undefined;
    const place = (ip: IpAddress, wishedInterface?: string): Placement => {
      if (ip.family === 6 && ipv4Only !== undefined) return { refused: ipv4Only };
      placed ??= this.#placer();
      const placement = placed(ip, wishedInterface);
      const user = this.#parts.probe?.userOf(ip);
      return user === undefined || "refused" in placement
        ? placement
        : { refused: `another machine has it: ${user} answers for it` };
    };
    const served = [...all].filter((service) => whyNotServed(policy, service) === undefined);
    const { services, rules, refusals } = keeper?.look(served, owners, place) ??
      { services: served, rules: undefined, refusals: [] };
    const decision = decide({
      services,
      owners,
      policy: { ...policy, ...limits() },
      mayHold: true,
      held: part === undefined ? vips.addresses : [...part.vips].filter((vip) => {
        const owner = vips.owner(vip);
        return owner !== undefined && part.keys.has(owner.key);
      }),
      place,
      pools: rules,
    });
    return { ...decision, refusals: [...decision.refusals, ...refusals] };
  }

  #placer(): ReturnType<typeof placer> {
    const ground = this.#ground = this.#readGround();
    return placer(
      this.#parts.interface,
      this.#parts.mark,
      ground,
      ground.reserved,
      (ip) => this.#parts.keeper?.contains(ip) ?? false,
    );
  }

  /**
   * @returns `isWhole`: no address has to wait until it is known that nobody has it, or until others
   * are up; `isRid`: all that had to go is gone
   */
  #carryOut(decision: Decision, part: Part | undefined): { isWhole: boolean; isRid: boolean } {
    const { vips, statuses, reports, progress } = this.#parts;
    const owners = decision.drops.map(({ vip }) => vips.owner(vip));
    vips.drop(decision.drops);
    const has = (vip: string) => vips.has(vip);
    const free = progress?.passed(decision.claims, has) ?? decision.claims;
    const claims = this.#parts.probe?.passed(
      free,
      has,
      ({ key, uid }) => !this.#takesOver && this.#served.get(key)?.service.uid !== uid,
    ) ?? free;
    this.#takesOver = false;
    // Statuses of what comes later are written then.
    vips.claim(
      claims.map(({ service: owner, ...place }) => ({ ...place, owner })),
      () => this.soon(),
    );
    // What failed is tried again with the next change, or in a few seconds.
    if (!claims.every(({ ip }) => vips.holds(ip.text))) this.#changes = undefined;
    decision.drops.forEach(({ vip, reason }, i) => {
      const owner = owners[i];
      if (owner !== undefined && !vips.has(vip)) reports.withdrawnFor(owner, vip, reason);
    });
    // A status speaks of addresses that are there, never of ones that are hoped for.
    const writes = decision.statuses.filter(({ ingress }) =>
      ingress.every(({ ip }) => vips.has(ip!))
    );
    statuses.keepOnly(new Set(writes.map(({ service }) => service.key)), part?.keys);
    // The former holder may have written what this node's watch has not shown yet.
    const look = performance.now() - this.#beganMs < FRESH_MS;
    for (const write of writes) statuses.write(write, look);
    const served = this.#vouchedFor(decision);
    for (const key of part?.keys ?? [...this.#served.keys()]) {
      const former = this.#served.get(key);
      if (former === undefined) continue;
      this.#served.delete(key);
      // Also what was written just now, and is not seen on the Service yet.
      const { service, unseen } = former;
      const published = [...shownBy(service), ...unseen];
      const stays = served.get(key)?.service.uid === service.uid;
      if (!stays && published.length > 0) statuses.clear(service, published);
    }
    for (const [key, vouched] of served) this.#served.set(key, vouched);
    reports.refused(decision.refusals, part?.keys);
    const isRid = !decision.drops.some(({ vip }) => vips.has(vip));
    if (!isRid) this.#changes = undefined;
    // Another class may be about to let go of what `free` has not.
    return { isWhole: claims.length === free.length && !vips.isPuttingUp, isRid };
  }

  #vouchedFor({ served, gains }: Decision): Map<string, Vouched> {
    return new Map(served.map((service) => {
      const got = gains.get(service) ?? [];
      return [service.key, {
        service,
        unseen: got.filter((vip) => !shownBy(service).includes(vip)),
      }];
    }));
  }
}

function isSameGround(a: Ground, b: Ground): boolean {
  return isSameNetwork(a, b) && a.reserved.size === b.reserved.size &&
    [...a.reserved].every(([vip, purpose]) => b.reserved.get(vip) === purpose);
}

/**
 * The addresses in its status that are this instance's to clear. Without a class, what is shown may
 * be another controller's.
 */
function shownBy({ loadBalancerClass, ingress }: ServiceView): string[] {
  return loadBalancerClass === undefined ? [] : ingress.flatMap(({ ip }) => ip ?? []);
}
