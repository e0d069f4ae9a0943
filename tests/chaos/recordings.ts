import type { Holding } from "../lab/holdings.ts";
import type { Claim, Fault, Recording } from "./recording.ts";

export const VIP = "10.77.0.100";

/** A run of a minute on two nodes; node-1 has the VIP all the time unless something else is given. */
export function recording(parts: Partial<Recording> = {}): Recording {
  return {
    seed: 7,
    fast: false,
    nodes: ["node-1", "node-2"],
    vips: [VIP],
    startMs: 1000,
    stopMs: 61_000,
    endedMs: 61_100,
    holdings: [holding("node-1", 0, 61_050)],
    claims: [],
    faults: [],
    sayings: [],
    longestPauseMs: 5,
    leftovers: [],
    ...parts,
  };
}

export function holding(host: string, fromMs: number, toMs: number, open = false): Holding {
  return { ip: VIP, host, interface: "eth0", fromMs, toMs, open };
}

export function claim(node: string, atMs: number): Claim {
  return { node, ip: VIP, atMs };
}

/** Takes its nodes out, unless something else is given. */
export function fault(
  nodes: readonly string[],
  fromMs: number,
  toMs: number,
  traits: Partial<Fault> = {},
): Fault {
  const none = { setback: false, separates: false, delays: false, calm: false };
  return { label: "SIGSTOP", nodes, fromMs, toMs, disables: true, ...none, ...traits };
}
