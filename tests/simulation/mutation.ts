import type { ElectionTimes } from "../../lib/agent/times.ts";
import type { BeaconParts } from "../../lib/agent/beacons.ts";
import type { Election } from "../../lib/election/election.ts";
import type { Holder, LeaseApi } from "../../lib/election/elector.ts";
import type { Network } from "../../lib/net/link.ts";
import type { Machine } from "./machine.ts";
import type { Process } from "./process.ts";

/** A way to break one rule of the agent, from the outside. */
export interface Mutation {
  readonly times?: (times: ElectionTimes) => ElectionTimes;
  readonly election?: typeof Election;
  /** What the agent takes for boot time. */
  readonly nowMs?: (machine: Machine) => number;
  readonly holder?: (holder: Holder, of: Process) => Holder;
  readonly api?: (api: LeaseApi) => LeaseApi;
  readonly network?: (network: Network) => Network;
  readonly beacons?: (parts: BeaconParts) => BeaconParts;
  /** Changes a class of lib/ for all agents, until it is disposed. */
  readonly patch?: () => Disposable;
}
