import { AF_UNIX, sockaddrUnAbstract, sockaddrUnPath } from "../net/sockaddr.ts";
import { attempt } from "./libc.ts";
import { MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM, Socket } from "./socket.ts";

const MSG_NOSIGNAL = 0x4000;

/** The service manager that started this process, as sd_notify(3) speaks to it. */
export class NotifySocket implements Disposable {
  readonly #socket = new Socket("Cannot open a Unix socket", AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  readonly #address: Uint8Array;

  /**
   * @param name NOTIFY_SOCKET: an absolute path, or "@" and an abstract name.
   * @throws Error when it is neither.
   */
  constructor(name: string) {
    this.#address = addressOf(name);
  }

  /**
   * Sends a state: lines of `NAME=value`. Never waits.
   *
   * @returns whether it went out; not when the manager is behind, or gone.
   */
  send(state: string): boolean {
    const bytes = new TextEncoder().encode(state);
    return attempt(
      "sendto",
      this.#socket.fd,
      bytes,
      BigInt(bytes.length),
      MSG_DONTWAIT | MSG_NOSIGNAL,
      this.#address,
      this.#address.length,
    ) !== undefined;
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/**
 * Within how many milliseconds the service manager wants a sign of life (sd_watchdog_enabled(3)).
 *
 * @returns undefined when it wants none, or wants it of another process.
 */
export function watchdogMs(
  env: Readonly<Record<string, string>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: us = "", WATCHDOG_PID: of } = env;
  if (!/^[1-9]\d*$/.test(us) || of !== undefined && of !== String(pid)) return undefined;
  return Number(us) / 1000;
}

function addressOf(name: string): Uint8Array {
  if (name.startsWith("/")) return sockaddrUnPath(name);
  if (name.startsWith("@")) return sockaddrUnAbstract(new TextEncoder().encode(name.slice(1)));
  throw new Error(`NOTIFY_SOCKET "${name}" is neither an absolute path nor "@" and a name`);
}
