import { contains } from "../net/cidr.ts";
import type { IpAddress } from "../net/ip.ts";
import type { InterfaceAddress, Link } from "../net/link.ts";

/** Where an address goes on this node, or why it cannot. */
export type Placement =
  | { readonly linkIndex: number; readonly interface: string }
  | { readonly refused: string };

/** The node's network at one moment. */
export interface NetworkSnapshot {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
}

/**
 * Makes the function that finds the interface for an address, and refuses addresses that are
 * somebody else's on this node.
 *
 * @param setting name of an interface, or "auto": the one with a subnet that holds the address
 * @param mark the instance's mark: addresses with it are this instance's own
 * @param reserved addresses that must not be taken, and what they are
 * @param sanctioned whether somebody said that this very address may be given to Services: only
 * then it may be outside of the subnets, where the addresses of the cluster and of the world are
 */
export function placer(
  setting: string,
  mark: number,
  { links, addresses }: NetworkSnapshot,
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
      const known = links.filter(isUsable).map((link) => link.name).join(", ") || "none";
      return {
        refused: name === "auto"
          ? `no interface of this node has a subnet with it (${known}): set --interface`
          : `there is no interface ${name} on this node (there are: ${known})`,
      };
    }
    const own = subnets.filter((a) => a.linkIndex === link.index && a.ip.family === ip.family);
    // An interface without a subnet was set up for VIPs alone, by who named it in the settings.
    const isForVips = own.length === 0 && name === setting;
    if (!isForVips && !own.some((a) => contains(a, ip)) && !sanctioned(ip)) {
      return { refused: `no subnet of ${link.name} holds it: it needs a pool that does` };
    }
    return isUsable(link)
      ? { linkIndex: link.index, interface: link.name }
      : { refused: `interface ${name} is not an Ethernet interface, ARP needs one` };
  };
}

const NONE: ReadonlyMap<string, string> = new Map();

/** What an address with all host bits clear or set is for in a subnet (RFC 1122, 3.2.1.3). */
function subnetPurpose(
  ip: IpAddress,
  subnets: readonly InterfaceAddress[],
): string | undefined {
  if (ip.family !== 4) return undefined;
  for (const subnet of subnets) {
    // A /31 has no such addresses (RFC 3021).
    if (subnet.prefixLength > 30 || !contains(subnet, ip)) continue;
    const hostMask = 2 ** (32 - subnet.prefixLength) - 1;
    const host = (new DataView(ip.bytes.buffer, ip.bytes.byteOffset).getUint32(0) & hostMask) >>> 0;
    if (host === 0) return `the address of the network itself (/${subnet.prefixLength})`;
    if (host === hostMask) return `the broadcast address of its network (/${subnet.prefixLength})`;
  }
  return undefined;
}

/** Whether ARP can be spoken on it: Ethernet, not loopback. */
export function isUsable(link: Link | undefined): link is Link {
  return link !== undefined && !link.loopback && link.mac.length === 6;
}

/** Whether an address was put there by an agent of this kind: single, marked, never a source. */
function isVip(address: InterfaceAddress): boolean {
  return address.mark !== 0 && address.preferredSeconds === 0 &&
    address.prefixLength === address.ip.bytes.length * 8;
}
