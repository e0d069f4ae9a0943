/**
 * A client of a VIP: one short TCP connection after another, each begun on time whether the former
 * ones were answered or not. Reports every attempt when it is over.
 *
 *     traffic_main.ts <ip> <port> <intervalMs> <deadlineMs>
 *
 * @module
 */

import { bootTimeMs } from "../../lib/sys/clock.ts";
import type { Attempt } from "./traffic.ts";

const [hostname = "", port, intervalMs, deadlineMs] = Deno.args;

async function ask(): Promise<string> {
  const signal = AbortSignal.timeout(Number(deadlineMs));
  using connection = await Deno.connect({ hostname, port: Number(port), signal });
  const expired = () => connection.close();
  signal.addEventListener("abort", expired);
  try {
    return await new Response(connection.readable).text();
  } finally {
    signal.removeEventListener("abort", expired);
  }
}

async function attempt(): Promise<Attempt> {
  const atMs = bootTimeMs();
  try {
    return { atMs, node: await ask() };
  } catch (error) {
    return { atMs, error: String(error) };
  }
}

console.log(JSON.stringify({ ready: true }));
setInterval(async () => console.log(JSON.stringify(await attempt())), Number(intervalMs));
