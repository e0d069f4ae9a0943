/**
 * Reports which addresses come to this host's interfaces and which go, from one netlink dump after
 * another, and which came and went in between.
 *
 *     watch_main.ts <host> <pauseMs>
 *
 * @module
 */

import type { InterfaceAddress } from "../../lib/net/link.ts";
import { bootTimeMs } from "../../lib/sys/clock.ts";
import { LinuxNetwork } from "../../lib/sys/network.ts";
import { AddressChanges } from "./address_changes.ts";
import type { AddressReport } from "./holdings.ts";

/** Without a change, this often: it says that nothing has changed until now. */
const REPORT_MS = 50;

const [host = "", pauseMs] = Deno.args;
const network = new LinuxNetwork();
const changes = new AddressChanges();
/** By index, which is never used again. */
const names = new Map<number, string>();
const loopback = network.links().find((link) => link.loopback)?.index;

function nameOf(linkIndex: number): string {
  if (!names.has(linkIndex)) {
    for (const { index, name } of network.links()) names.set(index, name);
  }
  return names.get(linkIndex) ?? `link${linkIndex}`;
}

function keysOf(addresses: readonly InterfaceAddress[]): Set<string> {
  return new Set(
    addresses.filter(({ linkIndex }) => linkIndex !== loopback)
      .map(({ linkIndex, ip }) => `${nameOf(linkIndex)} ${ip.text}`),
  );
}

let former = new Set<string>();
let formerMs = bootTimeMs();
let reportedMs = 0;
let longestPauseMs = 0;

function look(): void {
  const beforeMs = bootTimeMs();
  // Before the dump: what it does not show of these is gone again.
  const set = changes.set();
  const addresses = network.addresses();
  const afterMs = bootTimeMs();
  const now = keysOf(addresses);
  const passed = [...keysOf(set).difference(former).difference(now)];
  const appeared = [...now.difference(former)];
  const vanished = [...former.difference(now)];
  longestPauseMs = Math.max(longestPauseMs, beforeMs - formerMs);
  if (appeared.length + vanished.length + passed.length > 0 || beforeMs - reportedMs >= REPORT_MS) {
    const pauseMs = longestPauseMs;
    const report: AddressReport = {
      host,
      beforeMs,
      afterMs,
      formerMs,
      pauseMs,
      appeared,
      vanished,
      passed,
    };
    console.log(JSON.stringify(report));
    reportedMs = beforeMs;
    longestPauseMs = 0;
  }
  former = now;
  formerMs = beforeMs;
}

console.log(JSON.stringify({ ready: true }));
setInterval(look, Number(pauseMs));
