import type { IpAddress } from "./ip.ts";

/** A network interface as the kernel reports it (rtnetlink(7), RTM_NEWLINK). */
export interface Link {
  /** `ifi_index`. */
  readonly index: number;
  readonly name: string;
  /** 6 bytes for Ethernet; empty for interfaces without a hardware address. */
  readonly mac: Uint8Array;
  /** IFF_UP: an administrator switched it on. */
  readonly up: boolean;
  /** IFF_LOWER_UP: the carrier is there. */
  readonly carrier: boolean;
  /** IFF_LOOPBACK. */
  readonly loopback: boolean;
  /** It can have IPv6 addresses: the kernel has IPv6, and `disable_ipv6` is off. */
  readonly ipv6: boolean;
}

/** An address on an interface (rtnetlink(7), RTM_NEWADDR). */
export interface InterfaceAddress {
  readonly linkIndex: number;
  readonly ip: IpAddress;
  readonly prefixLength: number;
  /** IFA_RT_PRIORITY: classvip stores the instance's mark here; 0 when the attribute is absent. */
  readonly mark: number;
  /** `ifa_prefered` in seconds, 0xffffffff for ever. */
  readonly preferredSeconds: number;
  /** `ifa_valid` in seconds, 0xffffffff for ever. */
  readonly validSeconds: number;
}

/** One address to put on an interface or to take from it. */
export type AddressChange =
  | {
    readonly kind: "set";
    readonly linkIndex: number;
    readonly ip: IpAddress;
    readonly mark: number;
    /** Whole seconds until the kernel removes the address by itself. */
    readonly validSeconds: number;
  }
  | {
    readonly kind: "remove";
    readonly linkIndex: number;
    readonly ip: IpAddress;
    readonly mark: number;
  };

/**
 * What the VIP layer needs of the node's network: the seam between `lib/vip` and `lib/sys`,
 * so that tests can put a double in its place.
 */
export interface Network extends Disposable {
  links(): Link[];
  /** @param exceptMark addresses with this mark are left out: of many VIPs nothing else is read */
  addresses(exceptMark?: number): InterfaceAddress[];
  /** The next hops of all routes: routers of this node. */
  gateways(): IpAddress[];
  /**
   * Applies all changes in one batch. A "set" replaces what is there (same address, new lifetime).
   * Removing what is not there is no error.
   *
   * @returns one entry per change: undefined when done, else why not.
   */
  apply(changes: readonly AddressChange[]): (Error | undefined)[];
  /** Sends one whole Ethernet frame out of the interface. */
  send(linkIndex: number, frame: Uint8Array): void;
}

/**
 * What is wrong with an interface that VIPs are to be announced on.
 *
 * @returns a sentence for people, or undefined
 */
export function linkObstacle(name: string, links: readonly Link[]): string | undefined {
  const link = links.find((link) => link.name === name);
  if (link === undefined) return `interface ${name} is gone`;
  if (!link.up) return `interface ${name} is down`;
  return link.carrier ? undefined : `interface ${name} has no carrier`;
}
