import { SyscallError } from "./errors.ts";

const SYMBOLS = {
  /** `int socket(int domain, int type, int protocol)` */
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** `int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen)` */
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  /** `int open(const char *pathname, int flags, ...)` */
  open: { parameters: ["buffer", "i32"], result: "i32" },
  /** `ssize_t read(int fd, void *buf, size_t count)` */
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  /** `ssize_t readlink(const char *pathname, char *buf, size_t bufsiz)` */
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  /** `int ioctl(int fd, unsigned long op, ...)` */
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  /** `int prctl(int op, ...)`: of unsigned longs */
  prctl: { parameters: ["i32", "u64"], result: "i32" },
  /** `int close(int fd)` */
  close: { parameters: ["i32"], result: "i32" },
  /** `int setsockopt(int sockfd, int level, int optname, const void *optval, socklen_t optlen)` */
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  /**
   * `ssize_t sendto(int sockfd, const void *buf, size_t len, int flags,
   *   const struct sockaddr *dest_addr, socklen_t addrlen)`
   */
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  /**
   * `ssize_t recvfrom(int sockfd, void *buf, size_t len, int flags,
   *   struct sockaddr *src_addr, socklen_t *addrlen)`
   */
  recvfrom: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"], result: "isize" },
  /** `int eventfd(unsigned int initval, int flags)` */
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  /** `ssize_t write(int fd, const void *buf, size_t count)` */
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  /** `int clock_gettime(clockid_t clockid, struct timespec *tp)` */
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  /** `int poll(struct pollfd *fds, nfds_t nfds, int timeout)`, on a thread of its own */
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  /** `int *__errno_location(void)` */
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
/** The calls that report failure as a negative result, on the calling thread. */
type Syscall = Exclude<keyof Libc, "poll" | "__errno_location">;
/** Parameters as the C prototype has them; a buffer may be a view of anything. */
type Loosened<P extends unknown[]> = {
  [I in keyof P]: P[I] extends number | bigint ? P[I] : Uint8Array | null;
};
type Arguments<K extends Syscall> = Loosened<Parameters<Libc[K]>>;

let opened: { libc: Libc; errno: Int32Array } | undefined;

/** Opens the C library at the first use; it stays open for as long as the process runs. */
function open(): { libc: Libc; errno: Int32Array } {
  if (opened === undefined) {
    const libc = Deno.dlopen("libc.so.6", SYMBOLS).symbols;
    const address = libc.__errno_location();
    if (address === null) throw new Error("The C library has no errno");
    // One view for good: errno stays where it is as long as the thread lives.
    const errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(address, 4));
    opened = { libc, errno };
  }
  return opened;
}

/**
 * Makes a system call.
 *
 * @param what The thing that is tried, for the error: "Cannot open a packet socket".
 * @returns the call's result, zero or more.
 * @throws SyscallError when the result is negative.
 */
export function call<K extends Syscall>(what: string, syscall: K, ...args: Arguments<K>): number {
  const { libc, errno } = open();
  const symbol = libc[syscall] as (...args: unknown[]) => number | bigint;
  const result = Number(symbol(...args));
  // Nothing may run in between: whatever the runtime does next may overwrite errno.
  const reason = errno[0] ?? 0;
  if (result < 0) throw new SyscallError(syscall, reason, what);
  return result;
}

/** As `call`, where failure needs no reason: undefined when the result is negative. */
export function attempt<K extends Syscall>(syscall: K, ...args: Arguments<K>): number | undefined {
  const symbol = open().libc[syscall] as (...args: unknown[]) => number | bigint;
  const result = Number(symbol(...args));
  return result < 0 ? undefined : result;
}

/** poll(2) on another thread, so that errno is out of reach. `fds` is an array of `struct pollfd`. */
export async function poll(fds: Uint8Array<ArrayBuffer>, timeoutMs: number): Promise<void> {
  await open().libc.poll(fds, BigInt(fds.byteLength / 8), timeoutMs);
}
