import type { Clock } from "../election/clock.ts";
import type { LeaseRequest } from "../election/elector.ts";
import { KubeError } from "../kube/errors.ts";
import type { Lease } from "../kube/types.ts";
import type { Task } from "./task.ts";

/** Less than the 30 s after which a client gives up idle connections. */
const LOOK_MS = 20_000;

export interface LeaseLookParts {
  readonly api: { get(options: LeaseRequest): Promise<Lease | undefined> };
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** A holder's renewals do all this. */
  readonly holds: () => boolean;
  readonly observe: (lease: Lease) => void;
}

/**
 * A standby looks at its Lease now and then, over the connection that its next write will take: a
 * new one, with TLS, would cost a take-over more than the write does. And what a watch shows may be
 * old without anybody noticing.
 */
export class LeaseLook implements Task {
  readonly name = "Lease look";
  readonly #parts: LeaseLookParts;

  constructor(parts: LeaseLookParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { api, clock, deadlineMs, holds, observe } = this.#parts;
    while (!signal.aborted) {
      await clock.until(clock.nowMs() + LOOK_MS, signal);
      if (signal.aborted || holds()) continue;
      try {
        const lease = await api.get({ deadlineMs });
        if (lease !== undefined) observe(lease);
      } catch (error) {
        // A server in trouble is the election's to report.
        if (!(error instanceof KubeError)) throw error;
      }
    }
  }
}
