/** errno(3) on Linux (asm-generic), as far as the system calls made here return them. */
const ERRNO: Readonly<Record<number, readonly [name: string, text: string]>> = {
  1: ["EPERM", "operation not permitted"],
  2: ["ENOENT", "no such file"],
  3: ["ESRCH", "no such process"],
  4: ["EINTR", "interrupted by a signal"],
  6: ["ENXIO", "no such interface"],
  9: ["EBADF", "bad file descriptor"],
  11: ["EAGAIN", "nothing came within the time"],
  12: ["ENOMEM", "out of memory"],
  13: ["EACCES", "permission denied"],
  16: ["EBUSY", "busy"],
  17: ["EEXIST", "exists already"],
  19: ["ENODEV", "no such interface"],
  22: ["EINVAL", "invalid argument"],
  24: ["EMFILE", "too many open files in this process"],
  34: ["ERANGE", "out of range"],
  90: ["EMSGSIZE", "message too long"],
  93: ["EPROTONOSUPPORT", "protocol not supported"],
  95: ["EOPNOTSUPP", "operation not supported"],
  97: ["EAFNOSUPPORT", "address family not supported"],
  98: ["EADDRINUSE", "address already in use"],
  99: ["EADDRNOTAVAIL", "no such address on the interface"],
  100: ["ENETDOWN", "the interface is down"],
  105: ["ENOBUFS", "no buffer space left"],
};

/** The errno values that are branched on. */
export const ENOENT = 2;
export const ENODEV = 19;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;

/** What to do about it, by "call errno": capabilities(7), rtnetlink(7), packet(7). */
const ADVICE: Readonly<Record<string, string>> = {
  "socket EPERM": "this needs the capability CAP_NET_RAW",
  "RTM_NEWADDR EPERM": "this needs the capability CAP_NET_ADMIN",
  "RTM_DELADDR EPERM": "this needs the capability CAP_NET_ADMIN",
  "RTM_NEWADDR EACCES": "IPv6 may be disabled on the interface (sysctl disable_ipv6)",
  "RTM_NEWADDR EOPNOTSUPP": "IPv6 may be disabled on this node",
};

/** A system call, or a netlink request, that the kernel refused. */
export class SyscallError extends Error {
  /** The symbolic errno: "EPERM". */
  override readonly name: string;
  /** The system call ("sendto"), or the netlink request ("RTM_NEWADDR"). */
  readonly syscall: string;
  readonly errno: number;

  /** @param what The thing that failed, as a sentence's start: "Cannot open a packet socket". */
  constructor(syscall: string, errno: number, what: string) {
    const [name, text] = ERRNO[errno] ?? [`errno ${errno}`, "unexpected error"];
    const advice = ADVICE[`${syscall} ${name}`];
    super(`${what}: ${text} (${syscall}: ${name})${advice === undefined ? "" : `; ${advice}`}`);
    this.name = name;
    this.syscall = syscall;
    this.errno = errno;
  }
}

/** Another process on this node, in this network namespace, holds the lock. */
export class LockTakenError extends Error {
  override readonly name = "LockTakenError";
  readonly lock: string;

  constructor(lock: string, options?: ErrorOptions) {
    super(`Another process on this node holds the lock "${lock}"`, options);
    this.lock = lock;
  }
}
