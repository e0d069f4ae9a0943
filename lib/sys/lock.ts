import { createHash } from "node:crypto";
import { AF_UNIX, sockaddrUnAbstract, SUN_PATH_LENGTH } from "../net/sockaddr.ts";
import { EADDRINUSE, LockTakenError, SyscallError } from "./errors.ts";
import { call } from "./libc.ts";
import { SOCK_CLOEXEC, SOCK_STREAM, Socket } from "./socket.ts";

/** One byte of sun_path is the NUL that makes the name abstract. */
const LONGEST_NAME = SUN_PATH_LENGTH - 1;

/**
 * Holds a lock among the processes of one network namespace: an abstract Unix socket (unix(7)),
 * which the kernel frees when the process ends, in whatever way.
 *
 * @param name Any text; the socket is `\0classvip/<name>`.
 * @returns the lock, released when disposed.
 * @throws LockTakenError when another socket has the name.
 */
export function holdLock(name: string): Disposable {
  const socket = new Socket("Cannot open a Unix socket", AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const address = sockaddrUnAbstract(socketName(name));
  try {
    call(`Cannot take the lock "${name}"`, "bind", socket.fd, address, address.length);
  } catch (error) {
    socket[Symbol.dispose]();
    if (error instanceof SyscallError && error.errno === EADDRINUSE) {
      throw new LockTakenError(name, { cause: error });
    }
    throw error;
  }
  return socket;
}

/** A Lease's namespace and name may be longer than sun_path: a hash keeps long names apart. */
function socketName(name: string): Uint8Array {
  const whole = new TextEncoder().encode(`classvip/${name}`);
  if (whole.length <= LONGEST_NAME) return whole;
  const hash = createHash("sha256").update(name).digest("hex");
  return new TextEncoder().encode(`classvip/sha256:${hash}`);
}
