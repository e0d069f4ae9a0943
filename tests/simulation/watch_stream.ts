import type { Lease } from "../../lib/kube/types.ts";
import type { ApiServer } from "./api_server.ts";
import type { Process } from "./process.ts";
import type { Timeline } from "./timeline.ts";
import type { Wire } from "./wire.ts";

const RELIST_AGAIN_MS = 300;

/** One process's watch: late, in order, and after a break from a list that may be old. */
export class WatchStream {
  readonly #timeline: Timeline;
  readonly #server: ApiServer;
  readonly #process: Process;
  readonly #wire: Wire;
  readonly #observe: (lease: Lease | undefined) => void;
  readonly #end: () => void;
  /** Messages of a connection that broke are gone. */
  #connection = 0;
  #connected = false;
  #lastArrivalMs = 0;

  constructor(
    parts: { timeline: Timeline; server: ApiServer; process: Process; wire: Wire },
    observe: (lease: Lease | undefined) => void,
  ) {
    this.#timeline = parts.timeline;
    this.#server = parts.server;
    this.#process = parts.process;
    this.#wire = parts.wire;
    this.#observe = observe;
    this.#end = parts.server.onChange(() => {
      if (this.#connected) this.#send(this.#server.lease);
    });
    this.restart(0, 0);
  }

  /**
   * The connection breaks; later the Lease is listed and watched again.
   *
   * @param versionsBehind how old the list is
   */
  restart(afterMs: number, versionsBehind: number): void {
    const connection = ++this.#connection;
    this.#connected = false;
    this.#timeline.after(afterMs, () => {
      if (connection !== this.#connection) return;
      if (this.#timeline.nowMs < this.#server.downUntilMs) {
        return this.restart(RELIST_AGAIN_MS, versionsBehind);
      }
      this.#connected = true;
      const { history } = this.#server;
      const from = Math.max(0, history.length - 1 - versionsBehind);
      for (const lease of history.slice(from)) this.#send(lease);
    });
  }

  end(): void {
    this.#connection++;
    this.#connected = false;
    this.#end();
  }

  #send(lease: Lease | undefined): void {
    const connection = this.#connection;
    const arrivalMs = this.#timeline.nowMs + this.#wire.watchMs();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivalMs);
    this.#timeline.at(this.#lastArrivalMs, () =>
      this.#process.wake(() => {
        if (connection === this.#connection) this.#observe(lease);
      }));
  }
}
