/**
 * Reports the ARP frames that an interface of this host receives.
 *
 *     sniffer_main.ts <interface>
 *
 * @module
 */

import { receiveArp } from "./arp_frames.ts";

const [name = ""] = Deno.args;
const frames = receiveArp(name, new AbortController().signal);
// The socket is opened by the first next().
let pending = frames.next();
console.log(JSON.stringify({ ready: true }));
for (;;) {
  const { value, done } = await pending;
  if (done) break;
  console.log(JSON.stringify(value));
  pending = frames.next();
}
