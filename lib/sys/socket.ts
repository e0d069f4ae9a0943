import { attempt, call } from "./libc.ts";

/** `enum sock_type` (socket(2)). */
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
/** Not inherited by programs that this process starts (kubeconfig exec plugins). */
export const SOCK_CLOEXEC = 0o2000000;
/** recv(2), send(2). */
export const MSG_DONTWAIT = 0x40;

const SOL_SOCKET = 1;

/** A file descriptor that is closed once. */
export class Socket implements Disposable {
  readonly fd: number;
  #open = true;

  /** @throws SyscallError, its message starting with `what`. */
  constructor(what: string, domain: number, type: number, protocol: number) {
    this.fd = call(what, "socket", domain, type, protocol);
  }

  /** Sets an option, by default of level SOL_SOCKET (socket(7)), from the bytes of its C type. */
  setOption(option: number, value: Uint8Array, level = SOL_SOCKET): void {
    call(
      "Cannot set a socket option",
      "setsockopt",
      this.fd,
      level,
      option,
      value,
      value.length,
    );
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    attempt("close", this.fd);
  }
}
