/**
 * Sends frames as they are given, whatever they are, and ends.
 *
 *     send_main.ts <interface> <frame in hex>…
 *
 * @module
 */

import { LinuxNetwork } from "../../lib/sys/network.ts";

const [name, ...frames] = Deno.args;
using network = new LinuxNetwork();
const { index } = network.links().find((link) => link.name === name)!;
for (const hex of frames) network.send(index, Uint8Array.fromHex(hex));
console.log(JSON.stringify({ ready: true }));
