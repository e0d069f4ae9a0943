import type { LeaseApi, LeaseRequest } from "../../lib/election/elector.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { type ApiServer, refused } from "./api_server.ts";
import type { Process } from "./process.ts";
import type { Timeline } from "./timeline.ts";
import type { Wire } from "./wire.ts";

/** One process's requests: messages to the server and back, each late, lost or repeated. */
export class ApiClient implements LeaseApi {
  readonly #timeline: Timeline;
  readonly #server: ApiServer;
  readonly #process: Process;
  readonly #wire: Wire;
  readonly #name: string;

  constructor(
    parts: { timeline: Timeline; server: ApiServer; process: Process; wire: Wire; name: string },
  ) {
    this.#timeline = parts.timeline;
    this.#server = parts.server;
    this.#process = parts.process;
    this.#wire = parts.wire;
    this.#name = parts.name;
  }

  get(options: LeaseRequest): Promise<Lease | undefined> {
    return this.#request(options, () => this.#server.lease);
  }

  create(lease: Lease, options: LeaseRequest): Promise<Lease> {
    return this.#request(options, () => this.#server.create(lease, this.#name));
  }

  replace(lease: Lease, options: LeaseRequest): Promise<Lease> {
    return this.#request(options, () => this.#server.replace(lease, this.#name));
  }

  #request<T>({ deadlineMs }: LeaseRequest, serve: () => T): Promise<T> {
    const [process, wire] = [this.#process, this.#wire];
    return new Promise((resolve, reject) => {
      let settled = false;
      const settle = (act: () => void) => {
        if (settled) return;
        process.wake(() => {
          if (settled) return;
          settled = true;
          act();
        });
      };
      process.timer(deadlineMs, () => settle(() => reject(refused(0, "Timeout"))));
      if (wire.strikes("lost requests")) return;
      this.#arrive(serve, (act) => {
        if (wire.strikes("lost answers")) return;
        this.#timeline.after(wire.toClientMs(), () => settle(act(resolve, reject)));
      });
      // The server acts on what reaches it, however late, and twice if it comes twice.
      if (wire.strikes("repeated requests")) {
        this.#timeline.after(wire.repeatedAfterMs(), () => this.#arrive(serve, () => {}));
      }
    });
  }

  #arrive<T>(
    serve: () => T,
    answer: (
      act: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
    ) => void,
  ): void {
    this.#timeline.after(this.#wire.toServerMs(), () => {
      if (this.#timeline.nowMs < this.#server.downUntilMs) {
        return answer((_, reject) => () => reject(refused(0, "Unreachable")));
      }
      try {
        const value = serve();
        // Stored, and yet answered with an error: its client cannot know.
        if (this.#wire.strikes("errors")) throw refused(500, "InternalError");
        answer((resolve) => () => resolve(value));
      } catch (error) {
        answer((_, reject) => () => reject(error));
      }
    });
  }
}
