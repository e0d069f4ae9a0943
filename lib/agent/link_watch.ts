import type { Clock } from "../election/clock.ts";
import type { Link, Network } from "../net/link.ts";
import type { Logger } from "../observe/logger.ts";
import type { Task } from "./task.ts";

/** One look takes some ten microseconds; losing a link is noticed within this time. */
const LOOK_MS = 200;

/** Looks at the node's interfaces for all instances, and tells of every change. */
export class LinkWatch implements Task {
  readonly name = "links";
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<(links: readonly Link[]) => void>();
  #seen = "";
  #failed = false;

  constructor(network: Network, clock: Clock, logger: Logger) {
    this.#network = network;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Calls the listener after every change. @returns a function that ends it */
  subscribe(listener: (links: readonly Link[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#look();
      await this.#clock.until(this.#clock.nowMs() + LOOK_MS, signal);
    }
  }

  #look(): void {
    try {
      const links = this.#network.links();
      const now = JSON.stringify(links.map((link) => ({ ...link, mac: [...link.mac] })));
      this.#failed = false;
      if (now === this.#seen) return;
      this.#seen = now;
      for (const listener of this.#listeners) listener(links);
    } catch (error) {
      if (!this.#failed) this.#logger.error("could not read the interfaces", { error });
      this.#failed = true;
    }
  }
}
