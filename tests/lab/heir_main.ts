/**
 * Answers every call of a handover on an interface with an offer in a name that nobody has.
 *
 *     heir_main.ts <interface> <Lease: namespace/name> <node>
 *
 * @module
 */

import { ETHERTYPE_HANDOVER } from "../../lib/net/ethernet.ts";
import { HandoverCodec } from "../../lib/net/handover_frame.ts";
import { LinuxNetwork } from "../../lib/sys/network.ts";
import { PacketSocket } from "../../lib/sys/packet_socket.ts";

const [name, lease, node] = Deno.args as [string, string, string];
using network = new LinuxNetwork();
const link = network.links().find((link) => link.name === name)!;
using socket = PacketSocket.open({ etherType: ETHERTYPE_HANDOVER, linkIndex: link.index });
const codec = new HandoverCodec(lease);
console.log(JSON.stringify({ ready: true }));
for (;;) {
  const received = await socket.receive(1000);
  const said = received && codec.decode(received.frame);
  if (typeof said !== "object" || said.kind !== "call") continue;
  const offer = { kind: "offer", node, id: said.id, incarnation: "none", token: "none" } as const;
  network.send(link.index, codec.encode({ ...offer, priority: 100 }, link.mac, said.mac));
}
