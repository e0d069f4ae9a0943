import type { IpAddress } from "../net/ip.ts";
import type { AddressChange, InterfaceAddress, Link, Network } from "../net/link.ts";
import {
  decodeAddress,
  decodeGateways,
  decodeLink,
  encodeDump,
  LONGEST_ADDRESS_CHANGE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  writeAddressChange,
} from "../net/rtnetlink.ts";
import { EADDRNOTAVAIL, ENODEV, SyscallError } from "./errors.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import { PacketSocket } from "./packet_socket.ts";

/** The network namespace that this process lives in. Needs CAP_NET_ADMIN and CAP_NET_RAW. */
export class LinuxNetwork implements Network {
  readonly #netlink: NetlinkSocket;
  readonly #packets: PacketSocket;

  /** @throws SyscallError when a socket cannot be opened. */
  constructor() {
    this.#packets = PacketSocket.open({ etherType: 0 });
    this.#netlink = new NetlinkSocket();
  }

  /** @throws SyscallError */
  links(): Link[] {
    return this.#netlink.dump(
      "Cannot read the interfaces",
      (sequence) => encodeDump(RTM_GETLINK, sequence),
      ({ type, payload }) => type === RTM_NEWLINK ? decodeLink(payload) : undefined,
    );
  }

  /** @throws SyscallError */
  addresses(exceptMark?: number): InterfaceAddress[] {
    return this.#netlink.dump(
      "Cannot read the addresses",
      (sequence) => encodeDump(RTM_GETADDR, sequence),
      ({ type, payload }) => type === RTM_NEWADDR ? decodeAddress(payload, exceptMark) : undefined,
    );
  }

  /** @throws SyscallError */
  gateways(): IpAddress[] {
    return this.#netlink.dump(
      "Cannot read the routes",
      (sequence) => encodeDump(RTM_GETROUTE, sequence),
      ({ type, payload }) => type === RTM_NEWROUTE ? decodeGateways(payload) : undefined,
    ).flat();
  }

  /**
   * @returns one entry per change: undefined when done, else a SyscallError.
   * @throws SyscallError when the kernel does not answer.
   */
  apply(changes: readonly AddressChange[]): (Error | undefined)[] {
    const errnos = this.#netlink.transact(
      "Cannot change addresses",
      changes,
      writeAddressChange,
      LONGEST_ADDRESS_CHANGE,
    );
    return changes.map((change, index) => refusal(change, errnos[index] ?? 0));
  }

  /** @throws SyscallError */
  send(linkIndex: number, frame: Uint8Array): void {
    this.#packets.send(linkIndex, frame);
  }

  [Symbol.dispose](): void {
    this.#netlink[Symbol.dispose]();
    this.#packets[Symbol.dispose]();
  }
}

function refusal(change: AddressChange, errno: number): SyscallError | undefined {
  if (errno === 0) return undefined;
  const { kind, ip, linkIndex } = change;
  // Not there, or gone with its interface: that is what was wanted.
  if (kind === "remove" && (errno === EADDRNOTAVAIL || errno === ENODEV)) return undefined;
  return kind === "set"
    ? new SyscallError("RTM_NEWADDR", errno, `Cannot set ${ip.text} on interface ${linkIndex}`)
    : new SyscallError(
      "RTM_DELADDR",
      errno,
      `Cannot remove ${ip.text} from interface ${linkIndex}`,
    );
}
