import type { IpAddress } from "../net/ip.ts";
import { parseIp } from "../net/ip.ts";
import { type AddressOwners, isOlder, mayOwn } from "../services/address_owners.ts";
import type { Refusal } from "../services/decide.ts";
import type { VipLimits } from "../services/limits.ts";
import { type ServiceView, shows } from "../services/service_view.ts";
import { useConflict } from "../services/sharing.ts";
import { Cursors } from "./cursors.ts";
import type { Intent } from "./journal.ts";
import { isInUse } from "./objection.ts";
import type { Pool } from "./pool.ts";
import type { AddressRange } from "./range.ts";

export interface AllocateInput {
  /** The Services that the instance serves. */
  readonly services: Iterable<ServiceView>;
  /** Undefined: not known yet; everybody keeps what he has. */
  readonly pools: readonly Pool[] | undefined;
  /** Who shows an address or wishes for it, among the Services of all classes. */
  readonly owners: Pick<AddressOwners, "owner" | "naming">;
  /** What is being given out, by uid. */
  readonly intents: ReadonlyMap<string, Intent>;
  /** Why an address cannot be announced here; undefined when it can. */
  readonly unusable: (ip: IpAddress, wishedInterface: string | undefined) => string | undefined;
  /** Addresses that are another instance's to give out. */
  readonly foreign?: readonly AddressRange[];
  /** Why a Service of the instance may not have an address that it asks for; undefined: it may. */
  readonly objection?: (service: ServiceView, ip: IpAddress) => string | undefined;
  /** Why there is no pool, where there should be some. */
  readonly lack?: string | undefined;
  /** Whether another instance may let a Service of its own have it. */
  readonly mayGrant?: (service: ServiceView, ip: IpAddress) => boolean;
  /** How many Services may get something now. */
  readonly room: number;
  readonly limits?: VipLimits;
}

export interface Allocation {
  /** By uid: the addresses of each Service that asks for none, those being given out included. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** By uid: what is to be given out from now on. */
  readonly proposals: ReadonlyMap<string, Intent>;
  readonly refusals: readonly Refusal[];
  /** How many Services lack an address. */
  readonly pending: number;
  /** Whether a Service of the instance asks for the address with a chance to get it. */
  readonly mayGet: (service: ServiceView, vip: string) => boolean;
  /** Addresses that Services keep although no pool has them any more. */
  readonly outside: readonly { readonly service: ServiceView; readonly vip: string }[];
}

/**
 * Which Service has which address of the pools, and which one gets a new one. Pure.
 *
 * The record of what was given is the status of each Service: who shows an address keeps it, also
 * one that no pool has any more. What is free goes to the oldest Service first; an address is free
 * when no Service shows it, or wishes for it with a chance to get it, and it is being given to nobody.
 * Who is beyond the limits gets none: what waits for room would be missing to others.
 */
export function allocate(input: AllocateInput): Allocation {
  return new Allocator(input).run();
}

interface Pending {
  readonly service: ServiceView;
  readonly has: readonly string[];
  readonly missing: readonly (4 | 6)[];
}

type Picked =
  | { readonly vip: string; readonly fresh?: true }
  | { readonly refused: string }
  | { readonly beyond: keyof VipLimits };

class Allocator {
  readonly #input: AllocateInput;
  readonly #pools: readonly Pool[];
  readonly #services: readonly ServiceView[];
  #mine: ReadonlySet<string> | undefined;
  /** The family of a Service that does not say: IPv4 where a pool has it. */
  readonly #usual: readonly (4 | 6)[];
  readonly #hasSharedPools: boolean;
  readonly #given = new Map<string, readonly string[]>();
  readonly #proposals = new Map<string, Intent>();
  readonly #refusals: Refusal[] = [];
  readonly #outside: { service: ServiceView; vip: string }[] = [];
  readonly #pending: Pending[] = [];
  /** Of addresses that may be shared: by key, then by address. */
  readonly #shared = new Map<string, Map<string, ServiceView[]>>();
  /** Being given out, from earlier and from now. */
  readonly #intended = new Set<string>();
  readonly #cursors: Cursors;
  #room: Room | undefined;
  /** Those whose wishes no limit is in the way of; undefined: not known yet. */
  #admitted: ReadonlyMap<ServiceView, ReadonlySet<string>> | undefined;

  constructor(input: AllocateInput) {
    this.#input = input;
    this.#pools = input.pools ?? [];
    this.#services = [...input.services];
    this.#usual = this.#pools.some((pool) => pool.size(4) > 0n) || this.#pools.length === 0
      ? BOTH.slice(0, 1)
      : [6];
    this.#hasSharedPools = this.#pools.some(({ spec }) => spec.shared !== undefined);
    for (const { addresses } of input.intents.values()) {
      for (const vip of addresses) this.#intended.add(vip);
    }
    this.#cursors = new Cursors(
      (vip) => this.#intended.has(vip) || this.#isNamed(vip),
      input.unusable,
      input.foreign,
    );
  }

  run(): Allocation {
    for (const service of this.#services) this.#look(service);
    this.#pending.sort(({ service: a }, { service: b }) =>
      a.createdAt === b.createdAt ? a.key < b.key ? -1 : 1 : a.createdAt < b.createdAt ? -1 : 1
    );
    for (const one of this.#pending) {
      if (this.#proposals.size >= this.#input.room) break;
      this.#serve(one);
    }
    return {
      given: this.#given,
      proposals: this.#proposals,
      refusals: this.#refusals,
      pending: this.#pending.length,
      mayGet: (service, vip) => this.#mayGet(service, vip),
      outside: this.#outside,
    };
  }

  /** What a Service has already, and what it lacks. */
  #look(service: ServiceView): void {
    if (service.wished.length > 0) {
      for (const text of service.wished) {
        const vip = parseIp(text)?.text;
        if (vip !== undefined) this.#share(service, vip);
      }
      if (this.#pools.length > 0) this.#lookOutside(service);
      return;
    }
    const families = this.#familiesOf(service);
    const intended = this.#input.intents.get(service.uid)?.addresses ?? NONE;
    const has: string[] = [];
    for (const { vip, family, pool } of shownBy(service, this.#pools)) {
      if (!families.includes(family) || !this.#keeps(service, vip)) continue;
      if (pool === undefined && !intended.includes(vip)) {
        // Without a class, what no pool has is another controller's.
        if (service.loadBalancerClass === undefined) return this.#leave(service, vip);
        if (this.#input.pools !== undefined) this.#outside.push({ service, vip });
      }
      has.push(vip);
    }
    for (const vip of intended) {
      if (families.includes(familyOf(vip)) && !has.includes(vip) && this.#keeps(service, vip)) {
        has.push(vip);
      }
    }
    for (const vip of has) this.#share(service, vip);
    const missing = has.length === 1 && families.length === 1
      ? NO_FAMILY
      : families.filter((family) => !has.some((vip) => familyOf(vip) === family));
    this.#given.set(service.uid, has.length > 1 ? inOrder(has, families) : has);
    if (missing.length > 0 && this.#input.pools !== undefined) {
      this.#pending.push({ service, has, missing });
    }
  }

  /** What was asked for, and is in use: of pools that had it. */
  #lookOutside(service: ServiceView): void {
    for (const { vip, pool } of shownBy(service, this.#pools)) {
      if (pool !== undefined || !isInUse(service, vip) || !this.#keeps(service, vip)) continue;
      if (service.wished.some((text) => parseIp(text)?.text === vip)) {
        this.#outside.push({ service, vip });
      }
    }
  }

  /** Whether a Service has the address, or asks for it and may get it. */
  #isNamed(vip: string): boolean {
    for (const service of this.#input.owners.naming(vip)) {
      if (service.clusterIps.includes(vip) || shows(service, vip)) return true;
      if (mayOwn(service) && this.#mayGet(service, vip)) return true;
    }
    return false;
  }

  /** Whether a wish that is not fulfilled may be, as far as is known here. */
  #mayGet(service: ServiceView, vip: string): boolean {
    const { objection, mayGrant, unusable } = this.#input;
    const ip = parseIp(vip)!;
    if (!this.#isMine(service)) return mayGrant?.(service, ip) ?? true;
    if (objection?.(service, ip) !== undefined) return false;
    if (unusable(ip, service.wishedInterface) !== undefined) return false;
    if (!this.#roomLeft().isBounded) return true;
    this.#admitted ??= this.#admit();
    return this.#admitted.get(service)?.has(vip) ?? false;
  }

  /** The wishes that there is room for beside what is there, those of the oldest Service first. */
  #admit(): Map<ServiceView, Set<string>> {
    const room = this.#roomOfNow();
    const admitted = new Map<ServiceView, Set<string>>();
    const wishing = this.#services.filter(({ wished }) => wished.length > 0);
    for (const service of wishing.sort((a, b) => isOlder(a, b) ? -1 : 1)) {
      const vips = new Set<string>();
      admitted.set(service, vips);
      for (const text of service.wished) {
        const ip = parseIp(text);
        if (ip === undefined || this.#input.objection?.(service, ip) !== undefined) continue;
        if (!room.has(ip.text) && room.beyond(service, 0) !== undefined) continue;
        room.take(service, ip.text);
        vips.add(ip.text);
      }
    }
    return admitted;
  }

  #isMine({ uid }: ServiceView): boolean {
    this.#mine ??= new Set(this.#services.map(({ uid }) => uid));
    return this.#mine.has(uid);
  }

  #leave(service: ServiceView, vip: string): void {
    if (this.#input.pools === undefined) return;
    const message = `Its status shows ${vip} of another controller: give it a class, or the ` +
      "annotation classvip.io/addresses";
    this.#refusals.push({ service, reason: "NoAddress", message });
  }

  /** Whether what it shows, or is being given, is its own. */
  #keeps(service: ServiceView, vip: string): boolean {
    const owner = this.#input.owners.owner(vip);
    if (owner === undefined || owner.uid === service.uid) return true;
    if (!shows(owner, vip)) return true;
    const key = this.#keyFor(service, vip);
    if (key === undefined || key !== this.#keyFor(owner, vip)) return false;
    if (!this.#isMine(owner)) return false;
    const members = this.#shared.get(key)?.get(vip) ?? [];
    return [owner, ...members].every((other) => useConflict(other, service) === undefined);
  }

  #serve({ service, has, missing }: Pending): void {
    const eligible = this.#eligible(service);
    if (typeof eligible === "string") return this.#refuse(service, "NoPool", eligible);
    let fresh = 0;
    const picked = missing.map((family) => {
      const one = this.#pick(service, eligible, family, fresh);
      if ("fresh" in one) fresh++;
      return one;
    });
    const refused = picked.flatMap((one) => "refused" in one ? one.refused : []);
    const [beyond] = picked.flatMap((one) => "beyond" in one ? one.beyond : []);
    const got = picked.flatMap((one) => "vip" in one ? one.vip : []);
    if (beyond !== undefined) {
      const limit = `${beyond} is ${this.#input.limits![beyond]}`;
      this.#refuse(service, "LimitReached", `an address from its pool waits for room: ${limit}`);
    }
    if (refused.length > 0) {
      const optional = service.familyPolicy === "PreferDualStack" && has.length + got.length > 0;
      const lacking = missing.filter((_, i) => "refused" in picked[i]!);
      // Who prefers both is well served with one where no pool has the other.
      const offered = lacking.some((family) => eligible.some((pool) => pool.size(family) > 0n));
      if (!optional || offered) {
        this.#refuse(service, "AllocationFailed", `${refused.join("; ")}: it waits for one`);
      }
    }
    if (got.length === 0) return;
    if (got.length < missing.length && service.familyPolicy === "RequireDualStack") return;
    for (const vip of got) {
      this.#room?.take(service, vip);
      this.#intended.add(vip);
      this.#share(service, vip);
    }
    const intended = this.#input.intents.get(service.uid)?.addresses ?? [];
    const addresses = [...intended.filter((vip) => has.includes(vip)), ...got];
    this.#proposals.set(service.uid, { key: service.key, addresses });
    const all = inOrder([...has, ...got], this.#familiesOf(service));
    this.#given.set(service.uid, all);
  }

  #eligible(service: ServiceView): Pool[] | string {
    const pools = this.#pools;
    const { wishedPool } = service;
    const named = wishedPool === undefined
      ? pools.filter(({ spec }) => spec.autoAssign)
      : pools.filter(({ name }) => name === wishedPool);
    const fit = named.filter((pool) => pool.objection(service) === undefined);
    if (fit.length > 0) return fit;
    if (wishedPool !== undefined) {
      const names = pools.map(({ name }) => name).join(", ") || "none";
      return named[0]?.objection(service) ??
        `There is no pool ${wishedPool} (classvip.io/pool), this instance has: ${names}`;
    }
    const { lack } = this.#input;
    if (named.length === 0 && lack !== undefined) return `No pool gives it an address: ${lack}`;
    const why = named.map((pool) => pool.objection(service)).join(", ");
    return `No pool gives it an address${why && ` (${why})`}: ask for one with the annotation ` +
      "classvip.io/addresses";
  }

  /** @param fresh how many others that nobody has yet it gets besides */
  #pick(service: ServiceView, pools: readonly Pool[], family: 4 | 6, fresh: number): Picked {
    for (const pool of pools) {
      const members = this.#shared.get(keyOf(service, pool) ?? "");
      for (const [vip, others] of members ?? []) {
        const ip = parseIp(vip)!;
        if (ip.family !== family || !pool.contains(ip)) continue;
        if (!this.#have(others, vip)) continue;
        if (others.every((other) => useConflict(other, service) === undefined)) return { vip };
      }
    }
    const beyond = this.#roomLeft().beyond(service, fresh);
    if (beyond !== undefined) return { beyond };
    let why: string | undefined;
    for (const pool of pools) {
      const found = this.#cursors.next(pool, family, service.wishedInterface);
      if ("vip" in found) return { ...found, fresh: true };
      why ??= found.refused;
    }
    const names = pools.map(({ name }) => name).join(", ");
    return {
      refused: `no free IPv${family} address in pool ${names}${
        why === undefined ? "" : ` (${why})`
      }`,
    };
  }

  #roomLeft(): Room {
    return this.#room ??= this.#roomOfNow();
  }

  /** What the Services have and are being given. */
  #roomOfNow(): Room {
    const room = new Room(this.#input.limits ?? UNLIMITED);
    if (!room.isBounded) return room;
    for (const service of this.#services) {
      // Without a class, what is shown may be another controller's.
      const has = service.wished.length === 0
        ? this.#given.get(service.uid) ?? NONE
        : shownBy(service, this.#pools).flatMap(({ vip, pool }) =>
          pool || isInUse(service, vip) ? vip : []
        );
      for (const vip of has) room.take(service, vip);
    }
    return room;
  }

  /** Whether those who name an address together are the ones who get it. */
  #have(members: readonly ServiceView[], vip: string): boolean {
    const isMember = (uid: string) => members.some((other) => other.uid === uid);
    const owner = this.#input.owners.owner(vip);
    if (owner !== undefined && !isMember(owner.uid)) return false;
    for (const [uid, { addresses }] of this.#input.intents) {
      if (addresses.includes(vip) && !isMember(uid)) return false;
    }
    return true;
  }

  #familiesOf({ families, familyPolicy }: ServiceView): readonly (4 | 6)[] {
    if (families.length === 0) {
      if (familyPolicy !== "SingleStack") return BOTH;
      return this.#usual;
    }
    return familyPolicy === "SingleStack" ? families.slice(0, 1) : families;
  }

  /** Notes that a Service has an address that others may join. */
  #share(service: ServiceView, vip: string): void {
    const key = this.#keyFor(service, vip);
    if (key === undefined) return;
    const byAddress = this.#shared.get(key) ?? new Map<string, ServiceView[]>();
    this.#shared.set(key, byAddress);
    const members = byAddress.get(vip);
    if (members === undefined) byAddress.set(vip, [service]);
    else if (!members.includes(service)) members.push(service);
  }

  #keyFor(service: ServiceView, vip: string): string | undefined {
    if (service.sharingKey !== undefined) return service.sharingKey;
    if (!this.#hasSharedPools) return undefined;
    const ip = parseIp(vip)!;
    return this.#pools.find((pool) => pool.contains(ip))?.sharingKey(service);
  }

  #refuse(service: ServiceView, reason: Refusal["reason"], message: string): void {
    this.#refusals.push({ service, reason, message: message[0]!.toUpperCase() + message.slice(1) });
  }
}

/** How many addresses the Services have or are being given, against the limits. */
class Room {
  readonly #limits: VipLimits;
  readonly #taken = new Set<string>();
  readonly #byNamespace = new Map<string, number>();

  constructor(limits: VipLimits) {
    this.#limits = limits;
  }

  get isBounded(): boolean {
    return this.#limits.maxVips > 0 || this.#limits.maxVipsPerNamespace > 0;
  }

  has(vip: string): boolean {
    return this.#taken.has(vip);
  }

  /** An address that several share counts once. */
  take({ namespace }: ServiceView, vip: string): void {
    if (this.#taken.has(vip)) return;
    this.#taken.add(vip);
    this.#byNamespace.set(namespace, (this.#byNamespace.get(namespace) ?? 0) + 1);
  }

  /** @returns the limit that is in the way of one more, besides `more` */
  beyond({ namespace }: ServiceView, more: number): keyof VipLimits | undefined {
    const { maxVips, maxVipsPerNamespace } = this.#limits;
    const ofOne = this.#byNamespace.get(namespace) ?? 0;
    if (this.#taken.size + more >= (maxVips || Infinity)) return "maxVips";
    return ofOne + more >= (maxVipsPerNamespace || Infinity) ? "maxVipsPerNamespace" : undefined;
  }
}

const UNLIMITED: VipLimits = { maxVips: 0, maxVipsPerNamespace: 0 };
const NONE: readonly string[] = [];
const NO_FAMILY: readonly (4 | 6)[] = [];
const BOTH: readonly (4 | 6)[] = [4, 6];

interface Shown {
  readonly vip: string;
  readonly family: 4 | 6;
  readonly pool: Pool | undefined;
}

/** Most Services are as they were at the last look, and parsing is most of the work. */
const SHOWN = new WeakMap<ServiceView, { pools: readonly Pool[]; shown: readonly Shown[] }>();

/** The addresses in the status of a Service, and the pool of each. */
export function shownBy(service: ServiceView, pools: readonly Pool[]): readonly Shown[] {
  const known = SHOWN.get(service);
  if (known?.pools === pools) return known.shown;
  const shown = service.ingress.flatMap(({ ip: text }) => {
    const ip = text === undefined ? undefined : parseIp(text);
    if (ip === undefined) return [];
    return { vip: ip.text, family: ip.family, pool: pools.find((pool) => pool.contains(ip)) };
  });
  SHOWN.set(service, { pools, shown });
  return shown;
}

function keyOf(service: ServiceView, pool: Pool): string | undefined {
  return service.sharingKey ?? pool.sharingKey(service);
}

function familyOf(vip: string): 4 | 6 {
  return vip.includes(":") ? 6 : 4;
}

function inOrder(vips: readonly string[], families: readonly (4 | 6)[]): string[] {
  return families.flatMap((family) => vips.filter((vip) => familyOf(vip) === family));
}
