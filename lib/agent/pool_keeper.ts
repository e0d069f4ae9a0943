import { type IpAddress, parseIp } from "../net/ip.ts";
import type { Grants } from "../classes/served.ts";
import type { Logger } from "../observe/logger.ts";
import type { InstanceMetrics } from "../observe/metrics.ts";
import { allocate, type Allocation } from "../pools/allocate.ts";
import { ALLOCATING_ANNOTATION, type IntentJournal, MOST_INTENTS } from "../pools/journal.ts";
import { isInUse, objectionTo, type PoolsOfPlan } from "../pools/objection.ts";
import type { Pool } from "../pools/pool.ts";
import type { AddressRange } from "../pools/range.ts";
import type { AddressOwners } from "../services/address_owners.ts";
import type { Placement, PoolRules, Refusal } from "../services/decide.ts";
import type { VipLimits } from "../services/limits.ts";
import { type ServiceView, shows } from "../services/service_view.ts";

/** Where the pools of an instance come from. */
export interface PoolsInUse extends PoolsOfPlan {
  /** The instance has pools, be they known yet or not. */
  readonly expected: boolean;
  /** The same list as long as nothing changed; undefined: not known yet. */
  readonly pools: readonly Pool[] | undefined;
  /** Whether one of them has the address, as far as they are known. */
  contains(ip: IpAddress): boolean;
  /** Addresses that another instance of the cluster gives out, by its word on its Lease. */
  claimed(): readonly AddressRange[];
  /** What other instances are giving out: by address the uid of the Service that gets it. */
  intendedElsewhere(): ReadonlyMap<string, string>;
  /** Of the present: whether an instance of another class may let a Service have its wish. */
  grants(): Pick<Grants, "mayGrant" | "refuses">;
  /** The interface for a Service that asks for none. */
  interfaceFor(service: ServiceView): string | undefined;
}

export interface PoolKeeperParts {
  readonly source: PoolsInUse;
  readonly journal: IntentJournal;
  /** Asked each time: they may change. */
  readonly limits: () => VipLimits;
  /** Writes the Lease, and with it the journal, at once. */
  readonly renewNow: () => void;
  /** Reads all Services. @returns when all that was written before the call is known */
  readonly relist: () => Promise<void>;
  /** There is something to decide anew. */
  readonly changed: () => void;
  readonly metrics: InstanceMetrics;
  readonly logger: Logger;
}

/** What the pools add to a decision. */
export interface PoolLook {
  /** The Services, with the addresses that were given to them as their wishes. */
  readonly services: readonly ServiceView[];
  readonly rules: PoolRules;
  readonly refusals: readonly Refusal[];
}

/** What the Services that were given an address say of where the wish comes from. */
const GIVEN_BY = "from its pool";

/** Gives out the addresses of an instance's pools while this node holds its Lease. */
export class PoolKeeper {
  readonly #parts: PoolKeeperParts;
  /** Of what was made from a view, to tell that nothing changed. */
  readonly #made = new WeakMap<ServiceView, { wish: string; view: ServiceView }>();
  readonly #given = new WeakSet<ServiceView>();
  readonly #rules: PoolRules;
  /** As of the last look. @see PoolsInUse.intendedElsewhere */
  #elsewhere: ReadonlyMap<string, string> = new Map();
  #grants: ReturnType<PoolsInUse["grants"]> | undefined;
  /**
   * All that former holders published is in sight, or on the Lease as being given out. Before that
   * nothing is given out: what a former holder saw published is not on the Lease any more, and this
   * node's watch may be behind his.
   */
  #fresh = false;
  #term = 0;
  #relisting = false;
  #isGiving = false;
  #usage: { allocation: Allocation; services: readonly ServiceView[] } | undefined;

  constructor(parts: PoolKeeperParts) {
    this.#parts = parts;
    this.#rules = {
      get allocates() {
        return parts.source.expected;
      },
      intendedFor: (vip) => parts.journal.intendedFor(vip) ?? this.#elsewhere.get(vip),
      refusedElsewhere: (service, ip) => this.#grants?.refuses(service, ip) ?? false,
      gave: (service) => this.#given.has(service),
      objection: (service, ip) => this.#objection(service, ip),
    };
    parts.metrics.setPools(() => this.usage());
  }

  /** As of the last look: addresses are about to be given out, as soon as the Lease says so. */
  get isGiving(): boolean {
    return this.#isGiving;
  }

  /** Addresses are given out: what one Service gets depends on all. */
  get allocates(): boolean {
    return this.#rules.allocates;
  }

  /** The right to hold began. @param text the journal on the Lease that was taken */
  begin(text: string | undefined): void {
    this.end();
    if (this.#parts.journal.begin(text)) return;
    this.#parts.logger.warn("the former holder's note of what it was giving out is not readable", {
      reason: `somebody edited the annotation ${ALLOCATING_ANNOTATION} of the Lease`,
    });
  }

  /** The Lease was written. @param text the journal on it, as the server has it */
  saved(text: string | undefined): void {
    const { journal, renewNow, changed } = this.#parts;
    const waiting = journal.unsaved;
    journal.saved(text);
    // What was added while the write was under way.
    if (journal.unsaved) renewNow();
    if (waiting) changed();
  }

  /** The right to hold ended. */
  end(): void {
    this.#fresh = false;
    this.#term++;
    this.#relisting = false;
    this.#isGiving = false;
    this.#usage = undefined;
    this.#parts.journal.end();
    this.#parts.metrics.setOutsidePools(0);
  }

  /**
   * Gives out what can be given.
   *
   * @param services those that the instance serves
   */
  look(
    services: readonly ServiceView[],
    owners: AddressOwners,
    place: (ip: IpAddress, wishedInterface: string | undefined) => Placement,
  ): PoolLook {
    const { source, journal, metrics } = this.#parts;
    this.#elsewhere = source.intendedElsewhere();
    const grants = this.#grants = source.grants();
    if (!source.expected) return { services, rules: this.#rules, refusals: [] };
    if (this.#fresh) this.#dropSettled(services);
    const allocation = allocate({
      services,
      pools: source.pools,
      owners,
      intents: journal.intents,
      unusable: (ip, wishedInterface) => unusable(ip, wishedInterface, place),
      foreign: source.claimed(),
      objection: (service, ip) => this.#objection(service, ip),
      lack: source.lack,
      mayGrant: (service, ip) => grants.mayGrant(service, ip),
      limits: this.#parts.limits(),
      room: this.#fresh ? MOST_INTENTS - journal.intents.size : 0,
    });
    if (allocation.proposals.size > 0) {
      for (const [uid, intent] of allocation.proposals) journal.set(uid, intent);
      this.#parts.renewNow();
    } else if (!this.#fresh && (allocation.pending > 0 || journal.intents.size > 0)) this.#relist();
    this.#isGiving = journal.unsaved || !this.#fresh && allocation.pending > 0;
    metrics.setOutsidePools(allocation.outside.length);
    this.#usage = { allocation, services };
    const seen = services.map((service) => this.#view(service, allocation));
    const outside: Refusal[] = allocation.outside.map(({ service, vip }) => ({
      service,
      reason: "OutsidePools",
      message: `${vip} is in no pool of this instance: the Service keeps it as long as it is there`,
    }));
    return {
      services: seen,
      rules: this.#rules,
      refusals: [...allocation.refusals, ...outside, ...this.#waiting(services, seen)],
    };
  }

  /** Whether a pool of the instance has the address. */
  contains(ip: IpAddress): boolean {
    return this.#parts.source.contains(ip);
  }

  /** Size and use of each pool, as of the last look. */
  usage(): { pool: string; size: number; used: number }[] {
    const pools = this.#parts.source.pools ?? [];
    const used = new Map<Pool, number>();
    const { allocation, services = [] } = this.#usage ?? {};
    const vips = new Set([
      // Who is refused an address does not use it.
      ...services.flatMap((service) =>
        service.wished.flatMap((text) => parseIp(text)?.text ?? [])
          .filter((vip) => shows(service, vip) || allocation!.mayGet(service, vip))
      ),
      ...[...allocation?.given.values() ?? []].flat(),
    ]);
    for (const vip of vips) {
      const pool = pools.find((pool) => pool.contains(parseIp(vip)!));
      if (pool !== undefined) used.set(pool, (used.get(pool) ?? 0) + 1);
    }
    return pools.map((pool) => ({
      pool: pool.name,
      // A /64 has more than a metric can count.
      size: Math.min(Number(pool.size()), Number.MAX_SAFE_INTEGER),
      used: used.get(pool) ?? 0,
    }));
  }

  /** Those that get nothing new before the pools are known. */
  #waiting(services: readonly ServiceView[], seen: readonly ServiceView[]): Refusal[] {
    const { pools, lack } = this.#parts.source;
    if (pools !== undefined || lack === undefined) return [];
    return services.flatMap((service, i): Refusal[] => {
      const got = seen[i]!.wished.length;
      if (got > 0 && got >= service.wished.length) return [];
      return [{ service, reason: "NoPool", message: `An address waits for its pool: ${lack}` }];
    });
  }

  /** What is in use stays, whatever the pools are by now. */
  #objection(service: ServiceView, ip: IpAddress): string | undefined {
    if (this.#given.has(service) || isInUse(service, ip.text)) return undefined;
    return objectionTo(service, ip, this.#parts.source);
  }

  /** Forgets what is being given out where it has arrived, or is not wanted any more. */
  #dropSettled(services: readonly ServiceView[]): void {
    const { journal } = this.#parts;
    if (journal.intents.size === 0) return;
    const byUid = new Map(services.map((service) => [service.uid, service]));
    for (const [uid, { addresses }] of journal.intents) {
      const service = byUid.get(uid);
      const wanted = service !== undefined && service.wished.length === 0 &&
        !addresses.every((vip) => shows(service, vip));
      // A status that is still under way was decided on an older version of the Service than this
      // one, and is refused.
      if (!wanted) journal.drop(uid);
    }
  }

  #relist(): void {
    if (this.#relisting) return;
    this.#relisting = true;
    const term = this.#term;
    void this.#parts.relist().then(() => {
      if (term !== this.#term) return;
      this.#relisting = false;
      this.#fresh = true;
      this.#parts.changed();
    });
  }

  /** A Service that was given an address is one that wishes for it. */
  #view(service: ServiceView, { given }: Allocation): ServiceView {
    const { journal, source } = this.#parts;
    if (source.pools === undefined && service.wished.length > 0) return withoutNewWishes(service);
    const intent = journal.intents.get(service.uid);
    const saved = intent === undefined || journal.isSaved(service.uid);
    const vips = (given.get(service.uid) ?? []).filter((vip) =>
      saved || !intent.addresses.includes(vip) || shows(service, vip)
    );
    const sharingKey = service.sharingKey ?? this.#sharingKey(service, vips);
    if (vips.length === 0 && sharingKey === service.sharingKey) return service;
    const wishedInterface = service.wishedInterface ??
      (vips.length > 0 ? source.interfaceFor(service) : undefined);
    const wish = [sharingKey, wishedInterface, ...vips].join(" ");
    const known = this.#made.get(service);
    if (known?.wish === wish) return known.view;
    const wished = vips.length > 0 ? { wished: vips, wishedBy: GIVEN_BY } : {};
    const view = { ...service, ...wished, sharingKey, wishedInterface };
    this.#made.set(service, { wish, view });
    if (vips.length > 0) this.#given.add(view);
    return view;
  }

  /** As the pools of its addresses have it. */
  #sharingKey(service: ServiceView, given: readonly string[]): string | undefined {
    const sharing = this.#parts.source.pools?.filter(({ spec }) => spec.shared !== undefined) ?? [];
    if (sharing.length === 0) return undefined;
    for (const text of [...given, ...service.wished]) {
      const ip = parseIp(text);
      const key = ip && sharing.find((pool) => pool.contains(ip))?.sharingKey(service);
      if (key !== undefined) return key;
    }
    return undefined;
  }
}

/** What is let through before the pools are known would stay when they are. */
function withoutNewWishes(service: ServiceView): ServiceView {
  const wished = service.wished.filter((text) => shows(service, parseIp(text)?.text ?? text));
  return wished.length === service.wished.length ? service : { ...service, wished };
}

function unusable(
  ip: IpAddress,
  wishedInterface: string | undefined,
  place: (ip: IpAddress, wishedInterface: string | undefined) => Placement,
): string | undefined {
  const placement = place(ip, wishedInterface);
  return "refused" in placement ? placement.refused : undefined;
}
