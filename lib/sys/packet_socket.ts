import {
  AF_PACKET,
  decodeSockaddrLl,
  PACKET_OUTGOING,
  packetMreq,
  SOCKADDR_LL_LENGTH,
  sockaddrLl,
} from "../net/sockaddr.ts";
import { attempt, call, poll } from "./libc.ts";
import { type ByteTest, encodeFilter } from "./packet_filter.ts";
import { MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW, Socket } from "./socket.ts";

/** A frame as an AF_PACKET socket hands it over. */
export interface ReceivedFrame {
  /** The whole Ethernet frame, without FCS; the kernel has taken a VLAN tag out already. */
  readonly frame: Uint8Array;
  readonly linkIndex: number;
  /** PACKET_OUTGOING: this host sent it; seen with ETH_P_ALL only. */
  readonly outgoing: boolean;
}

/** Every protocol, in both directions (packet(7)). */
export const ETH_P_ALL = 3;

const SO_RCVBUF = 8;
const SO_ATTACH_FILTER = 26;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const EFD_CLOEXEC = 0o2000000;
const POLLIN = 1;
const LONGEST_FRAME = 65536;
/** Frames taken out of the socket in one go, before other tasks get their turn. */
const BATCH = 64;
/** Room for a burst of announcements; the kernel cuts it to net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 4 << 20;

/** A raw socket for whole Ethernet frames (packet(7)). Needs CAP_NET_RAW. */
export class PacketSocket implements Disposable {
  readonly #socket: Socket;
  /** An eventfd that wakes a pending poll: closing a descriptor does not. */
  readonly #wake: number;
  readonly #buffer = new Uint8Array(LONGEST_FRAME);
  /** Where the last frame went: of thousands, the next one goes there too. */
  #to:
    | { readonly linkIndex: number; readonly etherType: number; readonly address: Uint8Array }
    | undefined;
  readonly #received: ReceivedFrame[] = [];
  #receivers = 0;
  #disposed = false;
  /** The last batch was full. */
  #flooded = false;
  readonly #restMs: number;

  private constructor(socket: Socket, wake: number, restMs: number) {
    this.#socket = socket;
    this.#wake = wake;
    this.#restMs = restMs;
  }

  /**
   * @param options.etherType Receives frames of this type that come in; ETH_P_ALL receives all
   *   frames, those that go out too; 0 receives nothing, for sending only.
   * @param options.linkIndex Receives from this interface alone; by default from all.
   * @param options.filter Receives only frames that pass all of these tests.
   * @param options.group A group address that the interface's hardware is to let pass.
   * @param options.restMs Rest of `receive` after 64 frames without a pause: a flood gets a part of
   *   the processor, and the kernel drops what there is no room for.
   * @throws SyscallError
   */
  static open(
    { etherType, linkIndex = 0, filter, group, restMs = 0 }: {
      etherType: number;
      linkIndex?: number;
      filter?: readonly ByteTest[];
      group?: Uint8Array;
      restMs?: number;
    },
  ): PacketSocket {
    // Protocol 0 at first: a frame that comes in before bind would be of another interface.
    const socket = new Socket("Cannot open a packet socket", AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    try {
      if (etherType !== 0) {
        socket.setOption(SO_RCVBUF, new Uint8Array(new Int32Array([RECEIVE_BUFFER_BYTES]).buffer));
        if (filter !== undefined) attachFilter(socket, filter);
        const address = sockaddrLl({ etherType, linkIndex });
        const what = `Cannot listen on interface ${linkIndex}`;
        call(what, "bind", socket.fd, address, address.length);
        if (group !== undefined) {
          socket.setOption(PACKET_ADD_MEMBERSHIP, packetMreq(linkIndex, group), SOL_PACKET);
        }
      }
      const wake = call("Cannot make an eventfd", "eventfd", 0, EFD_CLOEXEC);
      return new PacketSocket(socket, wake, restMs);
    } catch (error) {
      socket[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Sends one whole Ethernet frame. Never waits: a full queue is an error.
   *
   * @throws SyscallError
   */
  send(linkIndex: number, frame: Uint8Array): void {
    if (this.#disposed) throw new Error("The packet socket is closed");
    const etherType = frame[12]! << 8 | frame[13]!;
    const to = this.#to?.linkIndex === linkIndex && this.#to.etherType === etherType
      ? this.#to
      : this.#to = { linkIndex, etherType, address: sockaddrLl({ etherType, linkIndex }) };
    const { address } = to;
    call(
      `Cannot send a frame on interface ${linkIndex}`,
      "sendto",
      this.#socket.fd,
      frame,
      BigInt(frame.length),
      MSG_DONTWAIT,
      address,
      address.length,
    );
  }

  /**
   * For one receiver at a time.
   *
   * @returns the next frame; undefined when none came within the time, or the socket was closed.
   */
  async receive(timeoutMs: number): Promise<ReceivedFrame | undefined> {
    if (this.#received.length === 0 && !this.#disposed) await this.#fill(timeoutMs);
    return this.#disposed ? undefined : this.#received.shift();
  }

  /** @returns the next frame that came in until now; undefined when there is none. */
  take(): ReceivedFrame | undefined {
    return this.#disposed ? undefined : this.#received.shift() ?? this.#receiveNow();
  }

  async #fill(timeoutMs: number): Promise<void> {
    if (this.#flooded && this.#restMs > 0) await this.#wait([this.#wake], this.#restMs);
    if (!this.#disposed) await this.#wait([this.#wake, this.#socket.fd], timeoutMs);
    this.#flooded = false;
    // A negative result is EAGAIN, or ENETDOWN said once: both mean no frame for now.
    while (!this.#disposed && !this.#flooded) {
      const received = this.#receiveNow();
      if (received === undefined) return;
      this.#received.push(received);
      this.#flooded = this.#received.length >= BATCH;
    }
  }

  /** Until one of these can be read, or the time is over. */
  async #wait(descriptors: readonly number[], timeoutMs: number): Promise<void> {
    const fds = new DataView(new ArrayBuffer(8 * descriptors.length)); // pollfd: fd, events, revents
    for (const [index, fd] of descriptors.entries()) {
      fds.setInt32(index * 8, fd, true);
      fds.setInt16(index * 8 + 4, POLLIN, true);
    }
    this.#receivers++;
    try {
      await poll(new Uint8Array(fds.buffer), timeoutMs);
    } finally {
      this.#receivers--;
      if (this.#disposed) this.#close();
    }
  }

  #receiveNow(): ReceivedFrame | undefined {
    const address = new Uint8Array(SOCKADDR_LL_LENGTH);
    const addressLength = new Uint8Array(new Uint32Array([address.length]).buffer);
    const length = attempt(
      "recvfrom",
      this.#socket.fd,
      this.#buffer,
      BigInt(this.#buffer.length),
      MSG_DONTWAIT,
      address,
      addressLength,
    );
    const from = length === undefined ? undefined : decodeSockaddrLl(address);
    if (from === undefined) return undefined;
    const outgoing = from.packetType === PACKET_OUTGOING;
    return { frame: this.#buffer.slice(0, length), linkIndex: from.linkIndex, outgoing };
  }

  /** Closes the socket. A pending `receive` resolves with undefined. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#receivers === 0) this.#close();
    else attempt("write", this.#wake, new Uint8Array(new BigUint64Array([1n]).buffer), 8n);
  }

  /** Only when nothing polls any more: the kernel gives the numbers to others at once. */
  #close(): void {
    if (this.#receivers > 0) return;
    this.#socket[Symbol.dispose]();
    attempt("close", this.#wake);
  }
}

/** The kernel copies the program before the call returns. */
function attachFilter(socket: Socket, tests: readonly ByteTest[]): void {
  const program = encodeFilter(tests);
  const view = new DataView(new ArrayBuffer(16)); // struct sock_fprog: len, filter
  view.setUint16(0, program.length / 8, true);
  view.setBigUint64(8, Deno.UnsafePointer.value(Deno.UnsafePointer.of(program)), true);
  socket.setOption(SO_ATTACH_FILTER, new Uint8Array(view.buffer));
}
