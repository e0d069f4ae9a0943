import type { Clock } from "../../lib/election/clock.ts";
import { Election, type ElectionSettings } from "../../lib/election/election.ts";
import {
  type ElectionObserver,
  Elector,
  type Holder,
  type LeaseApi,
} from "../../lib/election/elector.ts";
import { LeaseWriter } from "../../lib/election/lease_writer.ts";
import { DirectHandover } from "../../lib/agent/direct_handover.ts";
import { HandoverLine } from "../../lib/agent/handover_line.ts";
import type { ElectionTimes } from "../../lib/agent/times.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { HandoverCodec } from "../../lib/net/handover_frame.ts";
import type { Network } from "../../lib/net/link.ts";
import { AddressOwners } from "../../lib/services/address_owners.ts";
import { decide } from "../../lib/services/decide.ts";
import { type ServiceView, viewService } from "../../lib/services/service_view.ts";
import { placer } from "../../lib/vip/placement.ts";
import { BURST_MS } from "../../lib/vip/schedule.ts";
import { instanceMark, type VipObserver, Vips } from "../../lib/vip/vips.ts";
import { Inbox } from "./inbox.ts";
import { FastAgent, type FastParts, SILENT } from "./fast_agent.ts";
import type { Mutation } from "./mutation.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";

export const VIP = "192.0.2.10";
const AT = { namespace: "kube-system", name: "classvip-blue" };
const MARK = instanceMark(AT.namespace, AT.name);
export const CODEC = new HandoverCodec(`${AT.namespace}/${AT.name}`);
const POLICY = { loadBalancerClass: "blue", alsoClassless: false, namespaces: [] };
const SERVICE = viewService({
  metadata: { namespace: "shop", name: "web", uid: "uid-web" },
  spec: { type: "LoadBalancer", loadBalancerClass: "blue", loadBalancerIP: VIP },
});
/** As the reconciler of lib/agent does, to mend a claim that failed. */
const RECONCILE_AGAIN_MS = 5000;

export interface AgentParts {
  readonly identity: string;
  readonly incarnation: string;
  readonly times: ElectionTimes;
  readonly process: Process;
  readonly clock: Clock;
  readonly wallMs: () => number;
  readonly network: Network;
  readonly api: LeaseApi;
  readonly random: Random;
  readonly mutation: Mutation;
  /** Only in fast mode. */
  readonly fast: FastParts | undefined;
  /** Called whenever the right to hold begins. */
  readonly elected: () => void;
  /** Called when the process came to its end by itself. */
  readonly ended: (error: unknown) => void;
}

/** One run of the agent: the parts of lib/, put together as lib/agent/instance.ts does. */
export class Agent {
  readonly elector: Elector;
  readonly fast: FastAgent | undefined;
  readonly #vips: Vips<ServiceView>;
  readonly #parts: AgentParts;
  readonly #handoversIn = new Inbox();
  readonly #handovers = new HandoverLine(() => this.#handoversIn.of(1));
  readonly #terminated = new AbortController();

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const { times, network, mutation, process, clock, fast } = parts;
    this.#vips = new Vips<ServiceView>({
      network,
      clock,
      mark: MARK,
      lifetimeMarginMs: times.lifetimeMarginMs,
      schedule: { burstMs: BURST_MS, refreshMs: 3000 },
      observer: IGNORE_VIPS,
      ...fast && { homeOf: () => fast.homeIndex },
    });
    this.#vips.adoptLeftovers();
    const who: ElectionSettings = {
      mayBeReplaced: fast !== undefined,
      identity: parts.identity,
      incarnation: parts.incarnation,
      scope: "class blue",
      ...times,
    };
    const writer = new LeaseWriter({ ...AT, ...who, annotations: {} }, parts.wallMs);
    const holder: Holder = {
      granted: (untilMs) => {
        const begins = !this.#vips.mayHold;
        this.#vips.granted(untilMs);
        if (!begins) return;
        parts.elected();
        this.#reconcile();
        this.fast?.beacons.announce();
      },
      withdraw: (reason) => this.#vips.withdraw(reason),
    };
    const direct = new DirectHandover({
      node: parts.identity,
      incarnation: parts.incarnation,
      priority: 100,
      codec: CODEC,
      line: this.#handovers,
      network,
      vips: this.#vips,
      election: () => this.elector,
      makeToken: () => String(parts.random()),
      metrics: { handoverFrameRejected() {} },
      logger: SILENT,
    });
    this.elector = new Elector({
      election: new (mutation.election ?? Election)(who, writer, parts.random),
      api: parts.api,
      clock,
      holder: mutation.holder?.(holder, process) ?? holder,
      observer: IGNORE_ELECTION,
      successors: direct,
      requestTimeoutMs: times.requestTimeoutMs,
      stopTimeoutMs: times.leaseDurationMs,
    });
    if (fast !== undefined) {
      const { elector } = this;
      const vips = this.#vips;
      this.fast = new FastAgent({
        fast,
        identity: parts.identity,
        elector,
        vips,
        network,
        clock,
        mutation,
      });
    }
    process.wake(() => void this.#run());
  }

  observe(lease: Lease | undefined): void {
    this.elector.observe(lease);
  }

  hearHandover(frame: Uint8Array): void {
    this.#handoversIn.push(frame);
  }

  /** SIGTERM. */
  terminate(): void {
    this.#terminated.abort();
  }

  async #run(): Promise<void> {
    const rest = new AbortController();
    try {
      await Promise.all([
        this.elector.run(this.#terminated.signal).finally(() => rest.abort()),
        this.#vips.run(rest.signal),
        this.#handovers.run(rest.signal),
        ...(this.fast?.tasks ?? []).map((task) => task.run(rest.signal)),
      ]);
      if (this.#vips.addresses.length > 0) this.#vips.withdraw("the instance ended");
      this.#parts.ended(undefined);
    } catch (error) {
      this.#parts.ended(error);
    }
  }

  #reconcile(): void {
    const { network, process } = this.#parts;
    if (!this.#vips.mayHold) return;
    const snapshot = { links: network.links(), addresses: network.addresses() };
    const decision = decide({
      services: [SERVICE],
      owners: new AddressOwners([SERVICE]),
      policy: POLICY,
      mayHold: true,
      held: this.#vips.addresses,
      place: placer("eth0", MARK, snapshot),
    });
    this.#vips.drop(decision.drops);
    this.#vips.claim(decision.claims.map(({ service: owner, ...place }) => ({ ...place, owner })));
    process.timer(RECONCILE_AGAIN_MS, () => this.#reconcile());
  }
}

const IGNORE_ELECTION: ElectionObserver = {
  elected() {},
  renewed() {},
  withdrawn() {},
  released() {},
  leftBehind() {},
  holderChanged() {},
  requestFailed() {},
  obstacleChanged() {},
  odd() {},
};

const IGNORE_VIPS: VipObserver<unknown> = {
  claimed() {},
  dropped() {},
  vipFailed() {},
  sent() {},
  fenced() {},
};
