import type { Network } from "../net/link.ts";
import { formatMac } from "../net/mac.ts";
import type { Logger } from "../observe/logger.ts";
import { type AddressClaim, readClaim, readProbe } from "../vip/conflict.ts";
import type { Task } from "./task.ts";

/** Frames of one kind as they come in, of all interfaces. */
export interface FrameSource extends Disposable {
  /** @returns undefined when none came within the time, or the source was disposed */
  receive(timeoutMs: number): Promise<{ readonly frame: Uint8Array } | undefined>;
  /** @returns the next frame that is here already, also while `receive` waits; or undefined */
  take(): { readonly frame: Uint8Array } | undefined;
}

/** Who holds addresses that others might claim. */
export interface ClaimListener {
  holds(vip: string): boolean;
  claimed(claim: AddressClaim): void;
  /** Whether it is about to use the address, and wants to know who else is. */
  probes?(vip: string): boolean;
  /** Another machine is about to use the address. */
  probed?(probe: AddressClaim): void;
}

const NONE: ReadonlySet<string> = new Set();

/** Frames that are taken in at one go: whoever floods the segment must not get all of the processor. */
const AT_ONCE = 512;
/** As many goes take in what the kernel has room for: 8 MiB of frames that count as 768 bytes each. */
export const ALL_GOES = 24;

/** @returns whether it took in all that is there; false: it came to the end of one go before */
export function takeIn(source: FrameSource, read: (frame: Uint8Array) => void): boolean {
  for (let n = 0; n < AT_ONCE; n++) {
    const received = source.take();
    if (received === undefined) return true;
    read(received.frame);
  }
  return false;
}

const ROUND_MS = 1000;
/** For so long the node's hardware addresses, once read, are taken for true. */
const OWN_MACS_MS = 200;

/**
 * Listens for ARP packets and Neighbor Discovery of other machines that claim a VIP held here, or
 * probe one that is asked for, for all instances.
 */
export class ClaimWatch implements Task {
  readonly name = "claims";
  readonly #open: readonly (() => FrameSource)[];
  readonly #network: Network;
  readonly #logger: Logger;
  readonly #listeners = new Set<ClaimListener>();
  #sources: readonly FrameSource[] = [];
  #ownMacs: ReadonlySet<string> = NONE;
  #ownMacsUntilMs = -Infinity;

  /** @param open opens the sources of all frames that may be such claims */
  constructor(open: readonly (() => FrameSource)[], network: Network, logger: Logger) {
    this.#open = open;
    this.#network = network;
    this.#logger = logger;
  }

  /** @returns a function that ends it */
  subscribe(listener: ClaimListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    using opened = new DisposableStack();
    this.#sources = this.#open.map((open) => opened.use(open()));
    const close = () => opened.dispose();
    signal.addEventListener("abort", close, { once: true });
    await Promise.all(this.#sources.map((source) => this.#listen(source, signal)));
    this.#sources = [];
    signal.removeEventListener("abort", close);
  }

  async #listen(source: FrameSource, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const received = await source.receive(ROUND_MS);
      if (received !== undefined) this.#judge(received.frame);
    }
  }

  /**
   * Judges frames that have come in until now.
   *
   * @returns whether that was all of them
   */
  look(): boolean {
    const looks = this.#sources.map((source) => takeIn(source, (frame) => this.#judge(frame)));
    return looks.every((all) => all);
  }

  #judge(frame: Uint8Array): void {
    for (const listener of this.#listeners) {
      const read = (own: ReadonlySet<string>) => ({
        claim: readClaim(frame, (vip) => listener.holds(vip), own),
        probe: readProbe(frame, (vip) => listener.probes?.(vip) ?? false, own),
      });
      // Own hardware addresses are read only for a frame that names one of our VIPs: such frames are
      // rare, where nobody sends them on purpose.
      const named = read(NONE);
      if (named.claim === undefined && named.probe === undefined) continue;
      try {
        const { claim, probe } = read(this.#readOwnMacs());
        if (claim !== undefined) listener.claimed(claim);
        if (probe !== undefined) listener.probed?.(probe);
      } catch (error) {
        this.#logger.error("could not judge a claim", { error });
      }
    }
  }

  #readOwnMacs(): ReadonlySet<string> {
    const nowMs = performance.now();
    if (nowMs >= this.#ownMacsUntilMs) {
      this.#ownMacs = new Set(this.#network.links().map(({ mac }) => formatMac(mac)));
      this.#ownMacsUntilMs = nowMs + OWN_MACS_MS;
    }
    return this.#ownMacs;
  }
}
