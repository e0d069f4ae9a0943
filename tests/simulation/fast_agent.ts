import { type BeaconElection, type BeaconParts, Beacons } from "../../lib/agent/beacons.ts";
import { ClaimWatch } from "../../lib/agent/claim_watch.ts";
import type { Task } from "../../lib/agent/task.ts";
import type { Clock } from "../../lib/election/clock.ts";
import type { Elector } from "../../lib/election/elector.ts";
import type { Network } from "../../lib/net/link.ts";
import type { Logger } from "../../lib/observe/logger.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import type { Vips } from "../../lib/vip/vips.ts";
import type { BeaconFrames } from "./beacon_frames.ts";
import { Inbox } from "./inbox.ts";
import type { Mutation } from "./mutation.ts";

/** What fast failover needs besides. */
export interface FastParts {
  readonly intervalMs: number;
  readonly codec: BeaconFrames;
  /** Index of the device whose addresses go with the process; undefined: there is none. */
  readonly homeIndex: number | undefined;
  /** Calls back before the election is told so. */
  readonly declaresDead: (term: number) => void;
}

/** What fast failover adds to an agent, put together as lib/agent/instance.ts does. */
export class FastAgent {
  readonly beacons: Beacons;
  readonly tasks: readonly Task[];
  readonly #beaconsIn = new Inbox();
  readonly #arpIn = new Inbox();

  constructor(parts: {
    fast: FastParts;
    identity: string;
    elector: Elector;
    vips: Vips<ServiceView>;
    network: Network;
    clock: Clock;
    mutation: Mutation;
  }) {
    const { fast, identity, elector, vips, network, clock, mutation } = parts;
    const claims = new ClaimWatch([() => this.#arpIn], network, SILENT);
    claims.subscribe({
      holds: (vip) => vips.holds(vip),
      claimed: ({ vip, mac }) => elector.contestUnproven(`${vip} is claimed by ${mac}`),
    });
    const election: BeaconElection = {
      get term() {
        return elector.term;
      },
      get holder() {
        return elector.holder;
      },
      declareDead: (term, untilMs) => {
        fast.declaresDead(term);
        elector.declareDead(term, untilMs);
      },
      declareAlive: (term) => elector.declareAlive(term),
      contest: (by) => elector.contest(by),
    };
    const beaconParts: BeaconParts = {
      node: identity,
      priority: 100,
      codec: fast.codec,
      intervalMs: fast.intervalMs,
      interface: "eth0",
      network,
      openBeacons: () => this.#beaconsIn,
      claims,
      links: { subscribe: () => () => {} },
      clock,
      election,
      vips,
      stands: () => elector.obstacle === undefined,
      metrics: { beaconSent() {}, beaconHeard() {}, beaconRejected() {} },
      logger: SILENT,
    };
    this.beacons = new Beacons(mutation.beacons?.(beaconParts) ?? beaconParts);
    this.tasks = [this.beacons, claims];
  }

  hearBeacon(frame: Uint8Array): void {
    this.#beaconsIn.push(frame);
  }

  hearArp(frame: Uint8Array): void {
    this.#arpIn.push(frame);
  }
}

export const SILENT: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => SILENT,
};
