import type { Holding } from "../lab/holdings.ts";

/** Something that was done to the nodes, the network, the API server or the Lease. */
export interface Fault {
  /** In words, for example "SIGSTOP". */
  readonly label: string;
  /** The nodes it is done to; empty: to what all of them share. */
  readonly nodes: readonly string[];
  /** CLOCK_BOOTTIME just before it began, as all times here. */
  readonly fromMs: number;
  /** Just after it ended; the same as `fromMs` when it is over at once. */
  readonly toMs: number;
  /** These nodes (all of them when `nodes` is empty) can't take or keep the Lease meanwhile. */
  readonly disables: boolean;
  /** The Lease may have to run out once more, counted from its beginning or its end. */
  readonly setback: boolean;
  /** Nodes don't hear each other meanwhile: these and all others, or (when `nodes` is empty) any two. */
  readonly separates: boolean;
  /** Its nodes may learn late of what the API server knows. */
  readonly delays: boolean;
  /** Nothing else happened meanwhile, nor soon after. */
  readonly calm: boolean;
  /** The address that a hand took from the node's interface; its agent can't know at once. */
  readonly flushed?: string;
}

/** Somebody said that a node has an address (a gratuitous ARP packet), as the wire carried it. */
export interface Claim {
  readonly atMs: number;
  readonly node: string;
  readonly ip: string;
}

/** A line of an agent's log. */
export interface Saying {
  readonly atMs: number;
  readonly node: string;
  readonly text: string;
}

/** A run, as it was seen from outside. */
export interface Recording {
  readonly seed: number;
  /** The agents had fast failover. */
  readonly fast: boolean;
  readonly nodes: readonly string[];
  readonly vips: readonly string[];
  /** All VIPs were served, no fault had begun. */
  readonly startMs: number;
  /** All faults were over, and the agents were told to end. */
  readonly stopMs: number;
  /** The last agent had ended. */
  readonly endedMs: number;
  /** Every address that was on a node, those of the nodes themselves left out. */
  readonly holdings: readonly Holding[];
  readonly claims: readonly Claim[];
  readonly faults: readonly Fault[];
  readonly sayings: readonly Saying[];
  /** From one look at a node's addresses to the next: the longest. */
  readonly longestPauseMs: number;
  /** What else the agents left behind, in words. */
  readonly leftovers: readonly string[];
}
