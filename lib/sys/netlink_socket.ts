import {
  decodeErrno,
  decodeNetlinkMessages,
  type NetlinkMessage,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "../net/netlink_message.ts";
import { AF_NETLINK } from "../net/sockaddr.ts";
import { SyscallError } from "./errors.ts";
import { call } from "./libc.ts";
import { SOCK_CLOEXEC, SOCK_RAW, Socket } from "./socket.ts";

const NETLINK_ROUTE = 0;
const SO_RCVTIMEO = 20;
/** `struct timeval` of 2 s: the kernel answers within the call, so this is for broken ones. */
const RECEIVE_TIMEOUT = new Uint8Array(new BigInt64Array([2n, 0n]).buffer);
/** The kernel fills up to 32 KiB when it is given the room. */
const DATAGRAM_LENGTH = 65536;
/**
 * Requests sent before answers are read. Should all fail, each answer waits in the socket's receive
 * buffer with about 1 KiB of overhead, and the smallest usual buffer is 208 KiB.
 */
const BATCH = 64;
const DUMP_ATTEMPTS = 10;

/** Encodes a request with the given sequence number. */
export type Request = (sequence: number) => Uint8Array;

/** A NETLINK_ROUTE socket (rtnetlink(7)): requests with their answers, in turn. */
export class NetlinkSocket implements Disposable {
  readonly #socket = new Socket(
    "Cannot open a netlink socket",
    AF_NETLINK,
    SOCK_RAW | SOCK_CLOEXEC,
    NETLINK_ROUTE,
  );
  readonly #buffer = new Uint8Array(DATAGRAM_LENGTH);
  /** Used again and again: a holder of many VIPs asks all the time. */
  #requests = new DataView(new ArrayBuffer(0));
  #sequence = 0;

  constructor() {
    this.#socket.setOption(SO_RCVTIMEO, RECEIVE_TIMEOUT);
  }

  /**
   * Reads a whole table of the kernel, again when it changed meanwhile.
   *
   * @param what For the error: "Cannot read the addresses".
   * @returns the result of `decode` for each entry that it knows.
   * @throws SyscallError
   */
  dump<T>(
    what: string,
    request: Request,
    decode: (message: NetlinkMessage) => T | undefined,
  ): T[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const sequence = this.#nextSequence();
      this.#send(what, request(sequence));
      const entries: T[] = [];
      let consistent = true;
      for (let done = false; !done;) {
        for (const message of this.#receive(what)) {
          if (message.sequence !== sequence) continue; // left over from a request that failed
          if ((message.flags & NLM_F_DUMP_INTR) !== 0) consistent = false;
          done = message.type === NLMSG_DONE || message.type === NLMSG_ERROR;
          const errno = done ? errnoOf(what, message) : 0;
          if (errno !== 0) throw new SyscallError("netlink", errno, what);
          const entry = done ? undefined : decode(message);
          if (entry !== undefined) entries.push(entry);
        }
      }
      if (consistent) return entries;
    }
    throw new Error(`${what}: they changed each time while they were read`);
  }

  /**
   * Makes requests, many in one go. The kernel takes them in turn, says of each what failed, and is
   * asked for an acknowledgement of the last alone: it stands for all before.
   *
   * @param write writes one of them from an offset on, and says how long it is
   * @param longest of them, in bytes
   * @returns for each its errno, 0 for done.
   * @throws SyscallError when an answer stays away: what was done is not known then.
   */
  transact<T>(
    what: string,
    changes: readonly T[],
    write: (
      into: DataView,
      start: number,
      change: T,
      sequence: number,
      acknowledged: boolean,
    ) => number,
    longest: number,
  ): number[] {
    if (this.#requests.byteLength < BATCH * longest) {
      this.#requests = new DataView(new ArrayBuffer(BATCH * longest));
    }
    const requests = this.#requests;
    const errnos = new Array<number>(changes.length).fill(0);
    for (let start = 0; start < changes.length; start += BATCH) {
      const batch = changes.slice(start, start + BATCH);
      // Wraps as they do in the kernel.
      const first = (this.#sequence + 1) >>> 0;
      const last = batch.length - 1;
      let length = 0;
      batch.forEach((change, i) => {
        length += write(requests, length, change, this.#nextSequence(), i === last);
      });
      this.#send(what, new Uint8Array(requests.buffer, 0, length));
      for (let done = false; !done;) {
        for (const message of this.#receive(what)) {
          const index = (message.sequence - first) >>> 0;
          if (message.type !== NLMSG_ERROR || index > last) continue;
          errnos[start + index] = errnoOf(what, message);
          if (index === last) done = true;
        }
      }
    }
    return errnos;
  }

  #send(what: string, bytes: Uint8Array): void {
    // Without an address it goes to the kernel.
    call(what, "sendto", this.#socket.fd, bytes, BigInt(bytes.length), 0, null, 0);
  }

  #receive(what: string): NetlinkMessage[] {
    const size = BigInt(this.#buffer.length);
    const length = call(what, "recvfrom", this.#socket.fd, this.#buffer, size, 0, null, null);
    const messages = decodeNetlinkMessages(this.#buffer.subarray(0, length));
    if (messages === undefined) throw malformed(what);
    return messages;
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

function errnoOf(what: string, message: NetlinkMessage): number {
  const errno = decodeErrno(message.payload);
  if (errno === undefined) throw malformed(what);
  return errno;
}

function malformed(what: string): Error {
  return new Error(`${what}: malformed netlink answer`);
}
