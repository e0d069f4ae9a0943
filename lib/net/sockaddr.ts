/** Socket addresses in their C layout. Linux runs Deno on little-endian machines only. */
const LITTLE_ENDIAN = true;

/** Address families (`bits/socket.h`). */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

/** `sizeof(sun_path)`, unix(7). */
export const SUN_PATH_LENGTH = 108;
/** `sizeof(struct sockaddr_ll)`, packet(7). */
export const SOCKADDR_LL_LENGTH = 20;

/** `sll_pkttype` of a frame that this host itself sends. */
export const PACKET_OUTGOING = 4;

/** The fields of `struct sockaddr_ll` (packet(7)) that a receiver wants to know. */
export interface PacketAddress {
  /** `sll_protocol`: the EtherType. */
  readonly etherType: number;
  /** `sll_ifindex`; 0 binds to all interfaces. */
  readonly linkIndex: number;
  /** `sll_pkttype`: PACKET_OUTGOING and its like. */
  readonly packetType: number;
}

/** `struct sockaddr_ll` to bind to or to send to. A raw frame carries its own hardware addresses. */
export function sockaddrLl(
  { etherType, linkIndex }: Pick<PacketAddress, "etherType" | "linkIndex">,
): Uint8Array {
  const view = new DataView(new ArrayBuffer(SOCKADDR_LL_LENGTH));
  view.setUint16(0, AF_PACKET, LITTLE_ENDIAN); // sll_family
  view.setUint16(2, etherType); // sll_protocol, network order
  view.setInt32(4, linkIndex, LITTLE_ENDIAN); // sll_ifindex
  return new Uint8Array(view.buffer); // sll_hatype, sll_pkttype, sll_halen, sll_addr: zero
}

/** `struct packet_mreq` (packet(7)) that joins a group of hardware addresses. */
export function packetMreq(linkIndex: number, group: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, linkIndex, LITTLE_ENDIAN); // mr_ifindex
  view.setUint16(4, 0, LITTLE_ENDIAN); // mr_type: PACKET_MR_MULTICAST
  view.setUint16(6, group.length, LITTLE_ENDIAN); // mr_alen
  bytes.set(group, 8); // mr_address
  return bytes;
}

/** @returns undefined when the bytes are no whole `struct sockaddr_ll`. */
export function decodeSockaddrLl(bytes: Uint8Array): PacketAddress | undefined {
  if (bytes.length < SOCKADDR_LL_LENGTH) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(0, LITTLE_ENDIAN) !== AF_PACKET) return undefined;
  return {
    etherType: view.getUint16(2),
    linkIndex: view.getInt32(4, LITTLE_ENDIAN),
    packetType: view.getUint8(10),
  };
}

/**
 * `struct sockaddr_un` (unix(7)) of a socket in the file system.
 *
 * @throws RangeError when the path and its closing NUL do not fit into sun_path.
 */
export function sockaddrUnPath(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  if (name.length > SUN_PATH_LENGTH - 1) {
    throw new RangeError(`Socket path of ${name.length} bytes is too long`);
  }
  const bytes = new Uint8Array(2 + name.length + 1);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, LITTLE_ENDIAN); // sun_family
  bytes.set(name, 2); // sun_path: the path, then a NUL
  return bytes;
}

/**
 * `struct sockaddr_un` (unix(7)) in the abstract name space: the length counts, so the name is cut
 * to it exactly.
 *
 * @throws RangeError when the name does not fit into sun_path behind its leading NUL.
 */
export function sockaddrUnAbstract(name: Uint8Array): Uint8Array {
  if (name.length > SUN_PATH_LENGTH - 1) {
    throw new RangeError(`Abstract socket name of ${name.length} bytes is too long`);
  }
  const bytes = new Uint8Array(2 + 1 + name.length);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, LITTLE_ENDIAN); // sun_family
  bytes.set(name, 3); // sun_path: a NUL, then the name
  return bytes;
}
