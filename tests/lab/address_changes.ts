import type { InterfaceAddress } from "../../lib/net/link.ts";
import { decodeNetlinkMessages } from "../../lib/net/netlink_message.ts";
import { decodeAddress, RTM_NEWADDR } from "../../lib/net/rtnetlink.ts";
import { AF_NETLINK } from "../../lib/net/sockaddr.ts";
import { attempt, call } from "../../lib/sys/libc.ts";
import { MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW, Socket } from "../../lib/sys/socket.ts";

const NETLINK_ROUTE = 0;
/** `RTMGRP_IPV4_IFADDR` and `RTMGRP_IPV6_IFADDR` (rtnetlink(7)). */
const GROUPS = 0x10 | 0x100;
const WHAT = "Cannot listen to changes of addresses";

/** `struct sockaddr_nl` (netlink(7)): the kernel chooses the port. */
function sockaddrNl(groups: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setUint16(0, AF_NETLINK, true); // nl_family
  view.setUint32(8, groups, true); // nl_groups
  return new Uint8Array(view.buffer);
}

/** What the kernel says of addresses that are set in this network namespace. */
export class AddressChanges implements Disposable {
  readonly #socket = new Socket(WHAT, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  readonly #buffer = new Uint8Array(65536);

  constructor() {
    const address = sockaddrNl(GROUPS);
    call(WHAT, "bind", this.#socket.fd, address, address.length);
  }

  /** Those that were set, or set anew, since the last call: also those that are gone again. */
  set(): InterfaceAddress[] {
    const all: InterfaceAddress[] = [];
    for (;;) {
      const size = BigInt(this.#buffer.length);
      // When too many wait the kernel drops some: the dumps alone have to do then.
      const length = attempt(
        "recvfrom",
        this.#socket.fd,
        this.#buffer,
        size,
        MSG_DONTWAIT,
        null,
        null,
      );
      if (length === undefined) return all;
      for (
        const { type, payload } of decodeNetlinkMessages(this.#buffer.subarray(0, length)) ?? []
      ) {
        const address = type === RTM_NEWADDR ? decodeAddress(payload) : undefined;
        if (address !== undefined) all.push(address);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
