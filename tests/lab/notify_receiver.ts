import { AF_UNIX, sockaddrUnAbstract, sockaddrUnPath } from "../../lib/net/sockaddr.ts";
import { attempt, call } from "../../lib/sys/libc.ts";
import { MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM, Socket } from "../../lib/sys/socket.ts";
import { rest } from "./clock.ts";
import { Feed } from "./feed.ts";

const LOOK_MS = 10;
const LONGEST_STATE = 4096;

/** The service manager's end of sd_notify(3). */
export class NotifyReceiver implements AsyncDisposable {
  /** Each datagram's text. */
  readonly states = new Feed<string>();
  readonly #socket = new Socket("Cannot open a Unix socket", AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  readonly #reading: Promise<void>;
  #open = true;

  /** @param name a path, or "@" and an abstract name */
  constructor(readonly name: string, { reads = true } = {}) {
    const address = name.startsWith("@")
      ? sockaddrUnAbstract(new TextEncoder().encode(name.slice(1)))
      : sockaddrUnPath(name);
    call(`Cannot listen on ${name}`, "bind", this.#socket.fd, address, address.length);
    this.#reading = reads ? this.#read() : Promise.resolve();
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(LONGEST_STATE);
    while (this.#open) {
      const length = attempt(
        "recvfrom",
        this.#socket.fd,
        buffer,
        BigInt(LONGEST_STATE),
        MSG_DONTWAIT,
        null,
        null,
      );
      if (length === undefined) await rest(LOOK_MS);
      else this.states.push(new TextDecoder().decode(buffer.subarray(0, length)));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    await this.#reading;
    this.#socket[Symbol.dispose]();
  }
}
