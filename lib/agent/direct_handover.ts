import type { Leaving } from "../election/election.ts";
import type { Successors } from "../election/elector.ts";
import type { Heir } from "../election/lease_writer.ts";
import type { HandoverCodec, HandoverMessage } from "../net/handover_frame.ts";
import { type Link, linkObstacle, type Network } from "../net/link.ts";
import { BROADCAST_MAC, formatMac, MAC_LENGTH } from "../net/mac.ts";
import type { Logger } from "../observe/logger.ts";
import type { InstanceMetrics } from "../observe/metrics.ts";
import type { HandoverLine } from "./handover_line.ts";

/** The election, as far as handovers speak of it. */
export interface HandoverElection {
  offered(heir: Heir): void;
  offer(leaving: Leaving, makeToken: () => string): string | undefined;
}

export interface DirectHandoverParts {
  readonly node: string;
  readonly incarnation: string;
  readonly priority: number;
  readonly codec: Pick<HandoverCodec, "encode" | "decode">;
  readonly line: Pick<HandoverLine, "subscribe">;
  readonly network: Pick<Network, "links" | "send">;
  /** On which interfaces this node announces what it holds: by index. */
  readonly vips: { readonly interfaces: ReadonlyMap<number, string> };
  readonly election: () => HandoverElection;
  /** Makes what nobody can guess. */
  readonly makeToken: () => string;
  readonly metrics: Pick<InstanceMetrics, "handoverFrameRejected">;
  readonly logger: Logger;
}

/**
 * Finds the next holder on the segment of the VIPs: a holder that leaves calls, standbys offer
 * themselves, and the last write of the one that leaves names one of them. Without it a handover takes two
 * writes, one after the other: the former holder's and the next one's. What is heard here proves
 * nothing: the Lease is the judge, and a wrong offer costs the time of an ordinary failover.
 */
export class DirectHandover implements Successors, Disposable {
  readonly #parts: DirectHandoverParts;
  readonly #unsubscribe: () => void;
  /** Of the last call. */
  #id: string | undefined;

  constructor(parts: DirectHandoverParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.line.subscribe((frame, linkIndex) => this.#take(frame, linkIndex));
  }

  call(version: string): boolean {
    const { network, vips, node, makeToken } = this.#parts;
    const used = vips.interfaces;
    if (used.size === 0) return false;
    const id = this.#id = makeToken();
    const links = network.links();
    const ways = links.filter(({ index, name }) =>
      used.has(index) && linkObstacle(name, links) === undefined
    );
    return ways.map((link) => this.#send(link, { kind: "call", node, id, version }, BROADCAST_MAC))
      .includes(true);
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }

  #take(frame: Uint8Array, linkIndex: number): void {
    const { codec, network, node, incarnation, priority, election, makeToken, metrics, logger } =
      this.#parts;
    const said = codec.decode(frame);
    if (typeof said === "string") {
      if (said !== "foreign") metrics.handoverFrameRejected(said);
      return;
    }
    // A loop in the network brings one's own back.
    if (said.node === node) return;
    if (said.kind === "offer") {
      if (said.id !== this.#id) return;
      logger.debug("offers to take over", { node: said.node, mac: formatMac(said.mac) });
      return election().offered(said);
    }
    const token = election().offer(said, makeToken);
    if (token === undefined) return;
    const { id } = said;
    const link = network.links().find(({ index }) => index === linkIndex);
    this.#send(link, { kind: "offer", node, id, incarnation, priority, token }, said.mac);
  }

  /** @returns whether it went out */
  #send(link: Link | undefined, message: HandoverMessage, to: Uint8Array): boolean {
    const { network, codec, logger } = this.#parts;
    if (link?.mac.length !== MAC_LENGTH) return false;
    try {
      network.send(link.index, codec.encode(message, link.mac, to));
      return true;
    } catch (error) {
      logger.debug("could not send on the segment", { interface: link.name, error });
      return false;
    }
  }
}
