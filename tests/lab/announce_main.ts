/**
 * Sends one gratuitous ARP request and one reply.
 *
 *     announce_main.ts <interface> <ip>
 *
 * @module
 */

import { gratuitousArpFrames } from "../../lib/net/arp.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { LinuxNetwork } from "../../lib/sys/network.ts";

const [name, address = ""] = Deno.args;
using network = new LinuxNetwork();
const link = network.links().find((link) => link.name === name)!;
const { request, reply } = gratuitousArpFrames(link.mac, parseIp(address)!);
network.send(link.index, request);
network.send(link.index, reply);
console.log(JSON.stringify({ ready: true }));
