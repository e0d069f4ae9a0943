import { type IpAddress, parseIp } from "../net/ip.ts";
import { unusableVipReason } from "../net/vip_rules.ts";
import { type AddressOwners, MOST_ADDRESSES } from "./address_owners.ts";
import { type ClassPolicy, whyNotServed } from "./class_policy.ts";
import { beyondLimits, type VipLimits } from "./limits.ts";
import type { Ingress, ServiceView } from "./service_view.ts";

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
  readonly reason: "AddressRefused" | "NoAddress" | "SettingIgnored" | "LimitReached";
  /** A sentence that says what to do. */
  readonly message: string;
}

/** Where an address goes on this node, or why it cannot. */
export type Placement =
  | { readonly linkIndex: number; readonly interface: string }
  | { readonly refused: string };

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
}

export interface Decision {
  readonly claims: readonly Claim[];
  readonly drops: readonly Drop[];
  readonly statuses: readonly StatusWrite[];
  readonly refusals: readonly Refusal[];
  /** The Services that are the instance's to serve, refused ones included. */
  readonly served: readonly ServiceView[];
}

const NOT_HOLDER: Decision = { claims: [], drops: [], statuses: [], refusals: [], served: [] };

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
  const wanted = new Set<string>();
  const held = new Set(input.held);
  for (const service of input.services) {
    if (whyNotServed(input.policy, service) !== undefined) continue;
    mine.push(service);
    const refuse = (message: string, reason: Refusal["reason"] = "AddressRefused") =>
      refusals.push({ service, reason, message });
    for (const name of service.unsupported) {
      refuse(`${name} asks for something classvip does not do`, "SettingIgnored");
    }
    if (service.wished.length === 0) {
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
      const verdict = judge(text, service, input);
      if ("refused" in verdict) {
        refuse(`${text} (${service.wishedBy}): ${verdict.refused}`);
        leaving.set(text, verdict.refused);
        continue;
      }
      if (wanted.has(verdict.ip.text)) continue;
      wanted.add(verdict.ip.text);
      wishes.push(verdict);
    }
  }
  const { maxVips = 0, maxVipsPerNamespace = 0 } = input.policy;
  const limits = { maxVips, maxVipsPerNamespace };
  const waiting = beyondLimits(
    wishes,
    limits,
    ({ ip: { text }, service }) => held.has(text) || service.ingress.some(({ ip }) => ip === text),
  );
  for (const [{ ip: { text: vip }, service }, limit] of waiting) {
    wanted.delete(vip);
    const message = `${vip} (${service.wishedBy}) waits for room: ${limit} is ${limits[limit]}`;
    refusals.push({ service, reason: "LimitReached", message });
  }
  const claims = wishes.filter((wish) => !waiting.has(wish));
  const gains = Map.groupBy(claims, ({ service }) => service);
  const statuses: StatusWrite[] = [];
  for (const service of mine) {
    const got = gains.get(service)?.map(({ ip }) => ip.text) ?? [];
    const ingress = got.map((ip) => ({ ip, ipMode: "VIP" }));
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
  return { claims, drops, statuses, refusals, served: mine };
}

/** Whether a status says what it should; `ipMode` may be missing on servers before 1.29. */
export function sameIngress(is: readonly Ingress[], should: readonly Ingress[]): boolean {
  return is.length === should.length && should.every((entry, i) => {
    const other = is[i]!;
    return entry.ip === other.ip && other.hostname === undefined &&
      (other.ipMode ?? "VIP") === entry.ipMode;
  });
}

/** @returns why a Service that shows the address is not served. */
function whyLeft(vip: string, { owners, policy }: DecideInput): string | undefined {
  for (const service of owners.naming(vip)) {
    if (!service.ingress.some(({ ip }) => ip === vip)) continue;
    const reason = whyNotServed(policy, service);
    if (reason !== undefined) return `Service ${service.key}: ${reason}`;
  }
  return undefined;
}

function judge(
  text: string,
  service: ServiceView,
  { owners, place }: DecideInput,
): Claim | { refused: string } {
  const ip = parseIp(text);
  if (ip === undefined) return { refused: "it is not an IP address" };
  if (ip.family === 6) return { refused: "IPv6 addresses are not announced yet, use an IPv4 one" };
  const unusable = unusableVipReason(ip);
  if (unusable !== undefined) return { refused: `it is ${unusable}` };
  const owner = owners.owner(ip.text);
  if (owner !== undefined && owner !== service) {
    const whose = owner.loadBalancerClass === service.loadBalancerClass
      ? "of the same class"
      : owner.loadBalancerClass === undefined
      ? "without a class"
      : `of class ${owner.loadBalancerClass}`;
    return { refused: `Service ${owner.key} ${whose} has it already` };
  }
  const placement = place(ip, service.wishedInterface);
  return "refused" in placement ? placement : { ip, service, ...placement };
}

/**
 * The status of a Service of one's own class is one's own. One without a class may be another
 * controller's: its status is written only to add an address that was asked for.
 */
function ownsStatus(service: ServiceView, got: readonly string[]): boolean {
  return service.loadBalancerClass !== undefined || got.length > 0;
}
