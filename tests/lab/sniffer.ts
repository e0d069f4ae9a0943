import type { ArpFrame } from "./arp_frames.ts";
import type { Child } from "./child.ts";
import { startHelper } from "./helper.ts";
import type { LabHost } from "./host.ts";

/** Hears what a host hears: the ARP frames and Neighbor Advertisements that its interface receives. */
export class Sniffer implements AsyncDisposable {
  readonly #child: Child<ArpFrame>;

  private constructor(child: Child<ArpFrame>) {
    this.#child = child;
  }

  /** Resolves when it listens: no frame after that is missed. */
  static async start(host: LabHost): Promise<Sniffer> {
    return new Sniffer(await startHelper<ArpFrame>(host, "sniffer_main.ts", [host.interface]));
  }

  /** All frames so far. */
  get frames(): readonly ArpFrame[] {
    return this.#child.reports.items;
  }

  /** @returns the first frame that fits, of those there (index `from` and later) and those to come. */
  waitFor(
    predicate: (frame: ArpFrame) => boolean,
    deadlineMs: number,
    from = 0,
  ): Promise<ArpFrame> {
    return this.#child.reports.waitFor(predicate, deadlineMs, from);
  }

  /** @returns the first frame by which the host with this MAC claims an address. */
  waitForClaim(
    ip: string,
    deadlineMs: number,
    { mac, sinceMs = 0 }: { mac?: string; sinceMs?: number } = {},
  ): Promise<ArpFrame> {
    return this.waitFor(
      (frame) =>
        frame.gratuitous && frame.senderIp === ip && frame.atMs > sinceMs &&
        (mac === undefined || frame.senderMac === mac),
      deadlineMs,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
