import { equal } from "../net/bytes.ts";
import { type Cidr, contains, parseCidr } from "../net/cidr.ts";
import type { IpAddress } from "../net/ip.ts";
import { type InterfaceAddress, type Link, linkObstacle } from "../net/link.ts";

/** Where an address goes on this node, or why it cannot. */
export type Placement =
  | { readonly linkIndex: number; readonly interface: string }
  | { readonly refused: string };

/** The node's network at one moment. */
export interface NetworkSnapshot {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  /** Where the addresses of its pods come from. */
  readonly podNetworks?: readonly Cidr[];
}

/** Whether every address would be placed on both alike. */
export function isSameNetwork(a: NetworkSnapshot, b: NetworkSnapshot): boolean {
  const pods = ({ podNetworks = [] }: NetworkSnapshot) =>
    podNetworks.map(({ ip, prefixLength }) => `${ip.text}/${prefixLength}`).join();
  return a.links.length === b.links.length && a.addresses.length === b.addresses.length &&
    pods(a) === pods(b) &&
    a.links.every((link, i) => isSameLink(link, b.links[i]!)) &&
    a.addresses.every((address, i) => isSameAddress(address, b.addresses[i]!));
}

function isSameLink(a: Link, b: Link): boolean {
  return a.index === b.index && a.name === b.name && equal(a.mac, b.mac) && a.up === b.up &&
    a.carrier === b.carrier && a.loopback === b.loopback && a.ipv6 === b.ipv6;
}

/** Lifetimes change all the time; that there is none to be preferred in is the mark of a VIP. */
function isSameAddress(a: InterfaceAddress, b: InterfaceAddress): boolean {
  return a.linkIndex === b.linkIndex && a.ip.text === b.ip.text && a.mark === b.mark &&
    a.prefixLength === b.prefixLength && isVip(a) === isVip(b);
}

/**
 * Makes the function that finds the interface for an address, and refuses addresses that are
 * somebody else's on this node.
 *
 * @param setting name of an interface, or "auto": the one with a subnet that holds the address
 * @param mark the instance's mark: addresses with it are this instance's own
 * @param reserved addresses that must not be taken, and what they are
 * @param sanctioned whether somebody said that this very address may be given to Services: only
 * then it may be a pod's, or outside of the subnets, where the cluster's and the world's are
 */
export function placer(
  setting: string,
  mark: number,
  { links, addresses, podNetworks = [] }: NetworkSnapshot,
  reserved: ReadonlyMap<string, string> = NONE,
  sanctioned: (ip: IpAddress) => boolean = () => false,
): (ip: IpAddress, wishedInterface?: string) => Placement {
  const byIndex = new Map(links.map((link) => [link.index, link]));
  const foreign = new Map(
    addresses.filter((a) => a.mark !== mark).map((a) => [a.ip.text, a]),
  );
  // The most specific subnet wins, as in routing. VIPs themselves (/32, /128) are no subnets.
  const subnets = addresses
    .filter((a) => a.prefixLength < a.ip.bytes.length * 8 && isUsable(byIndex.get(a.linkIndex)))
    .sort((a, b) => b.prefixLength - a.prefixLength);

  return (ip, wishedInterface) => {
    const purpose = reserved.get(ip.text) ?? subnetPurpose(ip, subnets);
    if (purpose !== undefined) return { refused: `it is ${purpose}` };
    const taken = foreign.get(ip.text);
    if (taken !== undefined) {
      const where = byIndex.get(taken.linkIndex)?.name ?? `interface ${taken.linkIndex}`;
      return {
        refused: isVip(taken)
          ? `another instance on this node has it (${where})`
          : `it is an address of the node itself (${where})`,
      };
    }
    const name = wishedInterface ?? setting;
    const link = name === "auto"
      ? byIndex.get(subnets.find((a) => contains(a, ip))?.linkIndex ?? -1)
      : links.find((link) => link.name === name);
    if (link === undefined) {
      const known = usableNames(links);
      return {
        refused: name === "auto"
          ? `no interface of this node has a subnet with it (${known}): set --interface`
          : `there is no interface ${name} on this node (there are: ${known})`,
      };
    }
    if (!isUsable(link)) {
      return { refused: `interface ${name} is not an Ethernet interface, ARP and NDP need one` };
    }
    // Where the instance's own interface fails, the node hands over; one that a Service alone names
    // must not take all others along.
    const isOwn = wishedInterface === undefined || name === setting;
    const obstacle = isOwn ? undefined : linkObstacle(link.name, links);
    if (obstacle !== undefined) return { refused: obstacle };
    const onLink = subnets.filter((a) =>
      a.linkIndex === link.index && !contains(IPV6_LINK_LOCAL, a.ip)
    );
    const own = onLink.filter((a) => a.ip.family === ip.family);
    // An interface without a subnet was set up for VIPs alone, by who named it in the settings. One
    // that has none of IPv6 alone is simply on a network without it.
    const isForVips = name === setting && (ip.family === 4 ? own : onLink).length === 0;
    if (!isForVips && !own.some((a) => contains(a, ip)) && !sanctioned(ip)) {
      return { refused: `no subnet of ${link.name} holds it: it needs a pool that does` };
    }
    // The next pod may get it: until then nobody answers for it.
    const pods = podNetworks.find((network) => contains(network, ip));
    if (pods !== undefined && !sanctioned(ip)) {
      const network = `${pods.ip.text}/${pods.prefixLength}`;
      return {
        refused: `it is for the pods of this node (${network}): it needs a pool that has it`,
      };
    }
    return ip.family === 6 && !link.ipv6
      ? { refused: `IPv6 is off on interface ${link.name}: sysctl disable_ipv6, or the kernel` }
      : { linkIndex: link.index, interface: link.name };
  };
}

const NONE: ReadonlyMap<string, string> = new Map();
/** Every interface with IPv6 has an address of it (RFC 4291, section 2.1). */
const IPV6_LINK_LOCAL = parseCidr("fe80::/10")!;

/**
 * What an address with all host bits clear or set is for in a subnet (RFC 1122, 3.2.1.3; RFC 4291,
 * section 2.6.1).
 */
function subnetPurpose(
  ip: IpAddress,
  subnets: readonly InterfaceAddress[],
): string | undefined {
  for (const subnet of subnets) {
    // The two of a /31 or a /127 are two hosts' (RFC 3021, RFC 6164).
    if (subnet.prefixLength > ip.bytes.length * 8 - 2 || !contains(subnet, ip)) continue;
    if (ip.family === 6) {
      if (!hasHostBits(ip, subnet.prefixLength)) {
        return `the subnet-router anycast address of its network (/${subnet.prefixLength})`;
      }
      continue;
    }
    const hostMask = 2 ** (32 - subnet.prefixLength) - 1;
    const value = ip.bytes.reduce((sum, byte) => sum << 8 | byte, 0);
    const host = (value & hostMask) >>> 0;
    if (host === 0) return `the address of the network itself (/${subnet.prefixLength})`;
    if (host === hostMask) return `the broadcast address of its network (/${subnet.prefixLength})`;
  }
  return undefined;
}

function hasHostBits({ bytes }: IpAddress, prefixLength: number): boolean {
  return bytes.some((byte, index) =>
    (byte & 0xff >> Math.min(8, Math.max(0, prefixLength - index * 8))) !== 0
  );
}

/** Whether ARP and NDP can be spoken on it: Ethernet, not loopback. */
export function isUsable(link: Link | undefined): link is Link {
  return link !== undefined && !link.loopback && link.mac.length === 6;
}

/** The names of interfaces that VIPs may be on, for people. */
export function usableNames(links: readonly Link[]): string {
  return links.filter(isUsable).map(({ name }) => name).join(", ") || "none";
}

/** Whether an address was put there by an agent of this kind: single, marked, never a source. */
function isVip(address: InterfaceAddress): boolean {
  return address.mark !== 0 && address.preferredSeconds === 0 &&
    address.prefixLength === address.ip.bytes.length * 8;
}
