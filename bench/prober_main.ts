/**
 * Asks again and again who has an address, so that its holder shows when it answers and when not.
 *
 *     prober_main.ts <interface> <own ip> <vip> <intervalMs>
 *
 * @module
 */

import { arpRequestFrame } from "../lib/net/arp.ts";
import { parseIp } from "../lib/net/ip.ts";
import { LinuxNetwork } from "../lib/sys/network.ts";
import { PacketSocket } from "../lib/sys/packet_socket.ts";

const [name, own = "", vip = "", intervalMs] = Deno.args;
const link = new LinuxNetwork().links().find((link) => link.name === name)!;
const socket = PacketSocket.open({ etherType: 0 });
const frame = arpRequestFrame({
  senderMac: link.mac,
  senderIp: parseIp(own)!,
  targetIp: parseIp(vip)!,
});
console.log(JSON.stringify({ ready: true }));
setInterval(() => socket.send(link.index, frame), Number(intervalMs));
