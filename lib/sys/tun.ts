import { AF_INET } from "../net/sockaddr.ts";
import { ENOENT, SyscallError } from "./errors.ts";
import { readKernelFile } from "./kernel_file.ts";
import { attempt, call } from "./libc.ts";
import { SOCK_CLOEXEC, SOCK_DGRAM, Socket } from "./socket.ts";

const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
/** `linux/if_tun.h` */
const TUNSETIFF = 0x400454can;
const IFF_TUN = 0x1;
const IFF_NO_PI = 0x1000;
/** netdevice(7) */
const SIOCGIFFLAGS = 0x8913n;
const SIOCSIFFLAGS = 0x8914n;
const SIOCGIFINDEX = 0x8933n;
const IFF_UP = 0x1;
/** `struct ifreq`: the name in 16 bytes, then a union. */
const IFREQ_LENGTH = 40;
const IFNAMSIZ = 16;

/**
 * A network device that lives as long as this process, however it ends, and so do the addresses on
 * it. Nothing is routed to it: nobody needs to read what comes there.
 */
export class Tun implements Disposable {
  readonly linkIndex: number;
  readonly #fd: number;
  #open = true;

  private constructor(fd: number, linkIndex: number) {
    this.#fd = fd;
    this.linkIndex = linkIndex;
  }

  /** @throws SyscallError, needs /dev/net/tun and CAP_NET_ADMIN */
  static open(): Tun {
    const path = new TextEncoder().encode("/dev/net/tun\0");
    const fd = call("Cannot open /dev/net/tun", "open", path, O_RDWR | O_CLOEXEC);
    try {
      const request = new Uint8Array(IFREQ_LENGTH);
      const view = new DataView(request.buffer);
      // The kernel puts the first free number in.
      request.set(new TextEncoder().encode("classvip%d"));
      view.setInt16(IFNAMSIZ, IFF_TUN | IFF_NO_PI, true);
      call("Cannot make a TUN device", "ioctl", fd, TUNSETIFF, request);
      using socket = new Socket("Cannot open a socket", AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      const what = "Cannot set up a TUN device";
      call(what, "ioctl", socket.fd, SIOCGIFFLAGS, request);
      // Without it there is no local route to the addresses.
      view.setInt16(IFNAMSIZ, view.getInt16(IFNAMSIZ, true) | IFF_UP, true);
      call(what, "ioctl", socket.fd, SIOCSIFFLAGS, request);
      call(what, "ioctl", socket.fd, SIOCGIFINDEX, request);
      return new Tun(fd, view.getInt32(IFNAMSIZ, true));
    } catch (error) {
      attempt("close", fd);
      throw error;
    }
  }

  /** Takes the device and its addresses away. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    attempt("close", this.#fd);
  }
}

/**
 * Which ARP requests an interface answers (`arp_ignore` in the kernel's ip-sysctl): only with 0 it
 * answers for addresses of other interfaces too.
 */
export function arpIgnore(name: string): number {
  const read = (conf: string) => {
    try {
      return Number(readKernelFile(`/proc/sys/net/ipv4/conf/${conf}/arp_ignore`));
    } catch (error) {
      if (error instanceof SyscallError && error.errno === ENOENT) return 0;
      throw error;
    }
  };
  return Math.max(read("all"), read(name));
}
