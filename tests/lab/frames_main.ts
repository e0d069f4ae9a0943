/**
 * Reports every beacon that an interface receives, as it is on the wire.
 *
 *     frames_main.ts <interface>
 *
 * @module
 */

import { BEACON_MAC } from "../../lib/net/beacon.ts";
import { ETHERTYPE_BEACON } from "../../lib/net/ethernet.ts";
import { bootTimeMs } from "../../lib/sys/clock.ts";
import { LinuxNetwork } from "../../lib/sys/network.ts";
import { PacketSocket } from "../../lib/sys/packet_socket.ts";

/** A frame, and CLOCK_BOOTTIME when it was read from the socket. */
export interface HexFrame {
  readonly atMs: number;
  readonly hex: string;
}

if (import.meta.main) {
  using network = new LinuxNetwork();
  const linkIndex = network.links().find(({ name }) => name === Deno.args[0])!.index;
  using socket = PacketSocket.open({ etherType: ETHERTYPE_BEACON, linkIndex, group: BEACON_MAC });
  console.log(JSON.stringify({ ready: true }));
  for (;;) {
    const received = await socket.receive(1000);
    if (received === undefined) continue;
    const frame: HexFrame = { atMs: bootTimeMs(), hex: received.frame.toHex() };
    console.log(JSON.stringify(frame));
  }
}
