/**
 * Reports the ARP frames that an interface of this host receives.
 *
 *     sniffer_main.ts <interface>
 *
 * @module
 */

import { receiveArp, receiveNa } from "./arp_frames.ts";

const [name = ""] = Deno.args;
const { signal } = new AbortController();
const sources = [receiveArp(name, signal), receiveNa(name, signal)];
// The sockets are opened by the first next().
const first = sources.map((source) => source.next());
console.log(JSON.stringify({ ready: true }));
await Promise.all(sources.map(async (source, index) => {
  let pending = first[index]!;
  for (;;) {
    const { value, done } = await pending;
    if (done) break;
    console.log(JSON.stringify(value));
    pending = source.next();
  }
}));
