import { type IpAddress, parseIp } from "../net/ip.ts";
import { unusableVipReason } from "../net/vip_rules.ts";
import { type AddressOwners, isOlder, MOST_ADDRESSES } from "./address_owners.ts";
import { type ClassPolicy, whyNotServed } from "./class_policy.ts";
import { beyondLimits, type VipLimits } from "./limits.ts";
import { type RightfulOwner, rightfulOwners } from "./rightful_owner.ts";
import { type Ingress, type ServiceView, shows } from "./service_view.ts";
import { sharers, sharingConflict } from "./sharing.ts";

/** An address to put on an interface and to announce. */
export interface Claim {
  readonly ip: IpAddress;
  readonly linkIndex: number;
  readonly interface: string;
  readonly service: ServiceView;
}

/** An address to take from its interface. */
export interface Drop {
  /** Canonical text of the address. */
  readonly vip: string;
  readonly reason: string;
}

/** A status that is not what it should be. */
export interface StatusWrite {
  readonly service: ServiceView;
  readonly ingress: readonly Ingress[];
}

/** Something a Service asks for that it does not get. */
export interface Refusal {
  readonly service: ServiceView;
  /** One word for the Event. */
  readonly reason:
    | "AddressRefused"
    | "AddressAskedTwice"
    | "NoAddress"
    | "SettingIgnored"
    | "LimitReached"
    | "NoPool"
    | "AllocationFailed"
    | "OutsidePools";
  /** A sentence that says what to do. */
  readonly message: string;
}

/** Where an address goes on this node, or why it cannot. */
export type Placement =
  | { readonly linkIndex: number; readonly interface: string }
  | { readonly refused: string };

/** What the pools of an instance say to a wish. */
export interface PoolRules {
  /** Services that wish for no address get one. */
  readonly allocates: boolean;
  /** The uid of the Service that the address is being given to, though nobody shows it yet. */
  intendedFor(vip: string): string | undefined;
  /** Why the Service may not have the address; undefined when it may. */
  objection(service: ServiceView, ip: IpAddress): string | undefined;
  /** Whether a Service of another instance asks for the address in vain. */
  refusedElsewhere(service: ServiceView, ip: IpAddress): boolean;
  /** Whether what the Service wishes for was given to it from a pool: its status is the record. */
  gave(service: ServiceView): boolean;
}

export interface DecideInput {
  /** The instance's own Services; others among them are passed over. */
  readonly services: Iterable<ServiceView>;
  /** Who gets which address, among the Services of every class. */
  readonly owners: Pick<AddressOwners, "owner" | "naming">;
  readonly policy: ClassPolicy & Partial<VipLimits>;
  /** Whether this node holds the instance's Lease. */
  readonly mayHold: boolean;
  /** Addresses of this instance on this node's interfaces (canonical text). */
  readonly held: Iterable<string>;
  readonly place: (ip: IpAddress, wishedInterface: string | undefined) => Placement;
  /** Undefined: the instance has no pools, and Services without a wish get nothing. */
  readonly pools?: PoolRules | undefined;
}

export interface Decision {
  readonly claims: readonly Claim[];
  readonly drops: readonly Drop[];
  readonly statuses: readonly StatusWrite[];
  readonly refusals: readonly Refusal[];
  /** The Services that are the instance's to serve, refused ones included. */
  readonly served: readonly ServiceView[];
  /** The addresses that each of them gets. One that several share is in one claim only. */
  readonly gains: ReadonlyMap<ServiceView, readonly string[]>;
}

const NOT_HOLDER: Decision = {
  claims: [],
  drops: [],
  statuses: [],
  refusals: [],
  served: [],
  gains: new Map(),
};

/**
 * What to do, from what is wanted, what may be held and what is held. Pure.
 *
 * An address that two Services ask for goes to the one whose status already shows it, else to the
 * older one, so that every node decides alike. A broken Service concerns nobody else.
 */
export function decide(input: DecideInput): Decision {
  if (!input.mayHold) {
    const drops = [...input.held].map((vip) => ({ vip, reason: "this node is not the holder" }));
    return { ...NOT_HOLDER, drops };
  }
  const mine: ServiceView[] = [];
  const leaving = new Map<string, string>();
  const wishes: Claim[] = [];
  const refusals: Refusal[] = [];
  /** By address; those who share it join the first. */
  const wanted = new Map<string, Claim>();
  const gains = new Map<ServiceView, string[]>();
  const kept = new Set<ServiceView>();
  const held = new Set(input.held);
  for (const service of input.services) {
    if (whyNotServed(input.policy, service) === undefined) mine.push(service);
  }
  const ownerOf = rightfulOwners(input);
  const sharing = sharersOf(mine, ownerOf);
  for (const service of inTurn(mine)) {
    const got: string[] = [];
    gains.set(service, got);
    const refuse = (message: string, reason: Refusal["reason"] = "AddressRefused") =>
      refusals.push({ service, reason, message });
    for (const name of service.unsupported) {
      refuse(`${name} asks for something classvip does not do`, "SettingIgnored");
    }
    if (service.wished.length === 0 && !input.pools?.allocates) {
      refuse("No address is asked for: set the annotation classvip.io/addresses", "NoAddress");
    }
    const tooMany = service.wished.length > MOST_ADDRESSES;
    if (tooMany) {
      refuse(
        `${service.wished.length} addresses are asked for (${service.wishedBy}), at most ` +
          `${MOST_ADDRESSES} are right`,
      );
    }
    for (const text of tooMany ? [] : service.wished) {
      const verdict = judge(text, service, input, { sharing, ownerOf });
      if ("refused" in verdict) {
        refuse(`${text} (${service.wishedBy}): ${verdict.refused}`, verdict.reason);
        const vip = parseIp(text)?.text ?? text;
        // Who never had it does not say why it goes.
        if (held.has(vip) && !isOthers(vip, service, input)) leaving.set(vip, verdict.refused);
        // Another node may be able to announce it: it stays given.
        if (input.pools?.gave(service)) kept.add(service);
        continue;
      }
      const vip = verdict.ip.text;
      const first = wanted.get(vip);
      if (first !== undefined && first.linkIndex !== verdict.linkIndex) {
        refuse(
          `${text} (${service.wishedBy}): it is on ${first.interface} for ${first.service.key}`,
        );
        continue;
      }
      if (!got.includes(vip)) got.push(vip);
      if (first !== undefined) continue;
      wanted.set(vip, verdict);
      wishes.push(verdict);
    }
  }
  const { maxVips = 0, maxVipsPerNamespace = 0 } = input.policy;
  const limits = { maxVips, maxVipsPerNamespace };
  const waiting = beyondLimits(
    wishes,
    limits,
    ({ ip: { text }, service }) => held.has(text) || shows(service, text),
  );
  for (const [{ ip: { text: vip }, service }, limit] of waiting) {
    wanted.delete(vip);
    const message = `${vip} (${service.wishedBy}) waits for room: ${limit} is ${limits[limit]}`;
    refusals.push({ service, reason: "LimitReached", message });
  }
  const claims = wishes.filter((wish) => !waiting.has(wish));
  const statuses: StatusWrite[] = [];
  for (const service of mine) {
    const got = gains.get(service)!.filter((vip) => wanted.has(vip));
    gains.set(service, got);
    const ingress = got.map((ip) => ({ ip, ipMode: "VIP" }));
    if (kept.has(service)) continue;
    if (!sameIngress(service.ingress, ingress) && ownsStatus(service, got)) {
      statuses.push({ service, ingress });
    }
  }
  const drops: Drop[] = [];
  for (const vip of held) {
    if (wanted.has(vip)) continue;
    const reason = leaving.get(vip) ?? whyLeft(vip, input);
    drops.push({ vip, reason: reason ?? "no Service of this instance asks for it" });
  }
  return { claims, drops, statuses, refusals, served: mine, gains };
}

/** Whether a status says what it should; `ipMode` may be missing on servers before 1.29. */
export function sameIngress(is: readonly Ingress[], should: readonly Ingress[]): boolean {
  return is.length === should.length && should.every((entry, i) => {
    const other = is[i]!;
    return entry.ip === other.ip && other.hostname === undefined &&
      (other.ipMode ?? "VIP") === entry.ipMode;
  });
}

/** Whether other Services show the address, and not this one. */
function isOthers(vip: string, { uid }: ServiceView, { owners }: DecideInput): boolean {
  const had = [...owners.naming(vip)].filter((one) => shows(one, vip));
  return had.length > 0 && had.every((one) => one.uid !== uid);
}

/** @returns why a Service that shows the address is not served, or not with it. */
function whyLeft(vip: string, { owners, policy }: DecideInput): string | undefined {
  for (const service of owners.naming(vip)) {
    if (!shows(service, vip)) continue;
    const reason = whyNotServed(policy, service);
    if (reason !== undefined) return `Service ${service.key}: ${reason}`;
    const wished = service.wished.map((text) => parseIp(text)?.text);
    // One that wishes for none may have got it from a pool.
    if (wished.length > 0 && !wished.includes(vip)) {
      return `Service ${service.key} does not ask for it any more`;
    }
  }
  return undefined;
}

function judge(
  text: string,
  service: ServiceView,
  { owners, place, pools }: DecideInput,
  { sharing, ownerOf }: {
    readonly sharing: ReadonlyMap<string, readonly ServiceView[]>;
    readonly ownerOf: (vip: string) => RightfulOwner | undefined;
  },
): Claim | { refused: string; reason?: Refusal["reason"] } {
  const ip = parseIp(text);
  if (ip === undefined) return { refused: "it is not an IP address" };
  const unusable = unusableVipReason(ip);
  if (unusable !== undefined) return { refused: `it is ${unusable}` };
  const objection = pools?.objection(service, ip);
  if (objection !== undefined) {
    // Said as what it is, whatever else is in the way.
    const rival = owners.owner(ip.text);
    const isTheirs = rival !== undefined && shows(rival, ip.text) &&
      rival.loadBalancerClass !== service.loadBalancerClass;
    return !isTheirs ? { refused: objection } : {
      refused: `${objection}, and Service ${rival.key} ${classOf(rival, service)} has it already`,
      reason: "AddressAskedTwice",
    };
  }
  const owner = ownerOf(ip.text);
  if (owner?.service?.clusterIps.includes(ip.text)) {
    return { refused: `it is the cluster IP of Service ${owner.service.key}` };
  }
  const together = sharing.get(ip.text) ?? [];
  const joins = together[0]?.uid === owner?.uid && together.includes(service);
  if (owner !== undefined && owner.uid !== service.uid && !joins) {
    if (owner.service === undefined) return { refused: "it is being given to another Service" };
    const whose = classOf(owner.service, service);
    const conflict = service.sharingKey === undefined
      ? undefined
      : sharingConflict(owner.service, service);
    const why = conflict === undefined ? "" : `, and cannot share it: ${conflict}`;
    return {
      refused: `Service ${owner.service.key} ${whose} has it already${why}`,
      ...(owner.service.loadBalancerClass !== service.loadBalancerClass &&
        { reason: "AddressAskedTwice" }),
    };
  }
  const placement = place(ip, service.wishedInterface);
  return "refused" in placement ? placement : { ip, service, ...placement };
}

/** The class of an owner, for people, as who asks for its address is told. */
function classOf({ loadBalancerClass: theirs }: ServiceView, asking: ServiceView): string {
  if (theirs === asking.loadBalancerClass) return "of the same class";
  return theirs === undefined ? "without a class" : `of class ${theirs}`;
}

/** Those who may share an address come in an order of their own: who is first has the interface. */
function inTurn(services: readonly ServiceView[]): readonly ServiceView[] {
  const sharing = services.filter(({ sharingKey }) => sharingKey !== undefined);
  if (sharing.length === 0) return services;
  const alone = services.filter(({ sharingKey }) => sharingKey === undefined);
  return [...alone, ...sharing.sort((a, b) => isOlder(a, b) ? -1 : 1)];
}

/** For each address that Services with a sharing key ask for, those who get it together. */
function sharersOf(
  services: readonly ServiceView[],
  ownerOf: (vip: string) => RightfulOwner | undefined,
): Map<string, ServiceView[]> {
  const contenders = new Map<string, ServiceView[]>();
  for (const service of services) {
    if (service.sharingKey === undefined) continue;
    for (const vip of new Set(service.wished.flatMap((text) => parseIp(text)?.text ?? []))) {
      contenders.set(vip, [...contenders.get(vip) ?? [], service]);
    }
  }
  for (const [vip, all] of contenders) {
    const owner = ownerOf(vip);
    all.sort((a, b) => {
      if (a.uid === owner?.uid || b.uid === owner?.uid) return a.uid === owner?.uid ? -1 : 1;
      if (shows(a, vip) !== shows(b, vip)) return shows(a, vip) ? -1 : 1;
      return isOlder(a, b) ? -1 : 1;
    });
    contenders.set(vip, sharers(all));
  }
  return contenders;
}

/**
 * The status of a Service of one's own class is one's own. One without a class may be another
 * controller's: its status is written only to add an address that was asked for.
 */
function ownsStatus(service: ServiceView, got: readonly string[]): boolean {
  return service.loadBalancerClass !== undefined || got.length > 0;
}
