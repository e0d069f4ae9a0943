import type { Clock } from "../election/clock.ts";
import { StopReason } from "../election/elector.ts";
import { readLease } from "../election/lease_record.ts";
import { KubeError } from "../kube/errors.ts";
import type { KubeLeaseApi } from "../kube/lease_api.ts";
import { arpProbeFrame } from "../net/arp.ts";
import type { IpAddress } from "../net/ip.ts";
import { linkObstacle, type Network } from "../net/link.ts";
import type { Logger } from "../observe/logger.ts";
import type { ServiceView } from "../services/service_view.ts";
import type { Vips } from "../vip/vips.ts";
import type { ClaimWatch } from "./claim_watch.ts";
import type { FixedClaim } from "./fixed_claim.ts";
import type { Task } from "./task.ts";

/** RFC 5227, section 1.1: PROBE_WAIT, PROBE_NUM, PROBE_MIN, PROBE_MAX, ANNOUNCE_WAIT. */
const PROBE_WAIT_MS = 1000;
const PROBES = 3;
const PROBE_MIN_MS = 1000;
const PROBE_MAX_MS = 2000;
const ANNOUNCE_WAIT_MS = 2000;

/** Between two questions to the API server. */
const ASK_MS = 250;
/** After somebody else was found to have the address. */
const AGAIN_MS = 10_000;
/** From the first answer of the API server until this node must have its Lease. */
const JOIN_MS = 60_000;
/** In all: kubeadm gives up long before. */
const LONGEST_MS = 15 * 60_000;

/** What the API server says of the Lease. */
type Answer =
  /** Nothing: it is not there, or does not let this agent have a Lease yet. */
  | { readonly kind: "none" }
  /** Nobody else has it. */
  | { readonly kind: "free" }
  | { readonly kind: "held"; readonly by: string };

export interface BootstrapParts {
  readonly ip: IpAddress;
  readonly claim: Pick<FixedClaim, "place" | "putUp">;
  readonly vips: Vips<ServiceView>;
  readonly api: Pick<KubeLeaseApi, "get">;
  readonly node: string;
  readonly leaseDurationMs: number;
  readonly fenceMarginMs: number;
  readonly requestTimeoutMs: number;
  readonly network: Network;
  readonly claims: Pick<ClaimWatch, "subscribe">;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/**
 * Holds the VIP of a control plane that is not there yet. The only place where an address is put up
 * without a Lease, so it looks three ways: the API server must not have said anything about the
 * Lease, ARP probes (RFC 5227) must find nobody who has the address, and the first packet that says
 * otherwise ends it. It ends for good when the election has the Lease, when the Lease names another
 * node, or when time is up.
 */
export class Bootstrap implements Task {
  readonly name = "bootstrap";
  readonly #parts: BootstrapParts;
  #state: "looking" | "holding" | "over" = "looking";
  #wake = new AbortController();
  #claimedBy: string | undefined;

  constructor(parts: BootstrapParts) {
    this.#parts = parts;
  }

  /** Whether the address is up by this right. */
  get holds(): boolean {
    return this.#state === "holding";
  }

  /** This node has its Lease: from now on that alone gives rights. */
  joined(): void {
    if (this.#state === "over") return;
    const { logger, ip } = this.#parts;
    this.#state = "over";
    this.#wake.abort();
    logger.info("has its Lease: bootstrap has done its work, take the setting out", {
      vip: ip.text,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { ip, claims, clock, vips } = this.#parts;
    using subscriptions = new DisposableStack();
    subscriptions.defer(claims.subscribe({
      holds: (vip) => vip === ip.text && this.#state !== "over",
      claimed: ({ mac }) => this.#contested(mac),
    }));
    const endMs = clock.nowMs() + LONGEST_MS;
    while (!signal.aborted && this.#state !== "over") {
      if (clock.nowMs() >= endMs) {
        this.end("no API server came up in time");
      } else if ((await this.#ask()).kind !== "none") {
        this.end("the API server answers: the Lease decides");
      } else if (await this.#isFree(signal) && (await this.#ask()).kind === "none") {
        await this.#hold(endMs, signal);
      } else await this.#pause(AGAIN_MS, signal);
    }
    if (this.holds) vips.withdraw(StopReason.of(signal));
    this.#state = "over";
    if (!signal.aborted) await clock.until(Infinity, signal);
  }

  /** Until the election takes over, or somebody else has the address. */
  async #hold(endMs: number, signal: AbortSignal): Promise<void> {
    const { ip, vips, claim, clock, logger, leaseDurationMs, fenceMarginMs } = this.#parts;
    if (this.#claimedBy !== undefined || this.#state !== "looking" || signal.aborted) return;
    logger.warn("puts the VIP up without a Lease: no API server answers, and nobody has it", {
      vip: ip.text,
    });
    this.#state = "holding";
    let answeredAtMs: number | undefined;
    while (this.holds && !signal.aborted) {
      vips.granted(clock.nowMs() + leaseDurationMs - fenceMarginMs);
      claim.putUp();
      await this.#pause(ASK_MS, signal);
      const answer = await this.#ask();
      if (!this.holds) return;
      const nowMs = clock.nowMs();
      if (answer.kind === "free") answeredAtMs ??= nowMs;
      if (answer.kind === "held") this.end(`the Lease is held by ${answer.by}`);
      else if (answeredAtMs !== undefined && nowMs >= answeredAtMs + JOIN_MS) {
        this.end("the Lease could not be had in time");
      } else if (nowMs >= endMs) this.end("no API server came up in time");
    }
  }

  /** @returns whether nobody answers for the address (RFC 5227, section 2.1.1) */
  async #isFree(signal: AbortSignal): Promise<boolean> {
    const { ip, claim, network, random } = this.#parts;
    this.#claimedBy = undefined;
    await this.#pause(random() * PROBE_WAIT_MS, signal);
    for (let sent = 1; sent <= PROBES; sent++) {
      const place = claim.place();
      const link = network.links().find(({ index }) => index === place?.linkIndex);
      // Who hears nothing must not conclude that nobody is there.
      if (link === undefined || linkObstacle(link.name, [link]) !== undefined) return false;
      network.send(link.index, arpProbeFrame(link.mac, ip));
      const pauseMs = PROBE_MIN_MS + random() * (PROBE_MAX_MS - PROBE_MIN_MS);
      await this.#pause(sent < PROBES ? pauseMs : ANNOUNCE_WAIT_MS, signal);
      if (this.#claimedBy !== undefined || this.#state !== "looking") return false;
    }
    return !signal.aborted;
  }

  #contested(mac: string): void {
    const { ip, vips, logger } = this.#parts;
    if (this.#claimedBy === undefined) {
      logger.warn("another machine has the VIP, it is not put up without a Lease", {
        vip: ip.text,
        mac,
      });
    }
    this.#claimedBy = mac;
    if (!this.holds) return;
    this.#state = "looking";
    vips.withdraw(`${ip.text} is claimed by ${mac}`);
    this.#wake.abort();
  }

  /** For good: from now on the Lease decides. */
  end(reason: string): void {
    if (this.#state === "over") return;
    const { ip, vips, logger } = this.#parts;
    if (this.holds) vips.withdraw(reason);
    this.#state = "over";
    this.#wake.abort();
    logger.info("bootstrap is over", { vip: ip.text, reason });
  }

  async #ask(): Promise<Answer> {
    const { api, node, requestTimeoutMs } = this.#parts;
    try {
      const lease = await api.get({ deadlineMs: requestTimeoutMs });
      const holder = lease && readLease(lease).holder;
      return holder === undefined || holder === node
        ? { kind: "free" }
        : { kind: "held", by: holder };
    } catch (error) {
      if (error instanceof KubeError) return { kind: "none" };
      throw error;
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    this.#wake = new AbortController();
    if (this.#state === "over") return;
    await clock.until(clock.nowMs() + ms, AbortSignal.any([signal, this.#wake.signal]));
  }
}
