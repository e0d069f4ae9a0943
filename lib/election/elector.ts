import { KubeError } from "../kube/errors.ts";
import type { Lease } from "../kube/types.ts";
import type { Clock } from "./clock.ts";
import { type Action, type Election, HANDED_OVER, type Leaving } from "./election.ts";
import type { Heir, Purpose } from "./lease_writer.ts";

/** The Lease at the API server. */
export interface LeaseApi {
  /** @returns undefined when there is no such Lease */
  get(options: LeaseRequest): Promise<Lease | undefined>;
  create(lease: Lease, options: LeaseRequest): Promise<Lease>;
  /** Compare-and-swap on `metadata.resourceVersion`. @throws {KubeError} 409 when it lost */
  replace(lease: Lease, options: LeaseRequest): Promise<Lease>;
}

export interface LeaseRequest {
  readonly deadlineMs: number;
}

/** Who holds the addresses. Its calls are synchronous: a right that ended ends within the call. */
export interface Holder {
  /** The right to hold is being asked for: time to get ready. */
  expecting?(): void;
  /**
   * The right to hold, until `untilMs` of the Clock, begins or is extended.
   *
   * @param lease as it was written; undefined where no write was answered
   */
  granted(untilMs: number, term: number, lease?: Lease): void;
  /** Takes every address from the interface. @returns whether reading it back confirmed that */
  withdraw(reason: string): boolean;
}

/** The way to those who might take over, past the API server. What comes from there proves nothing. */
export interface Successors {
  /**
   * Asks who takes over. Offers go to `Elector.offered`.
   *
   * @param version of the Lease
   * @returns whether somebody may have heard it
   */
  call(version: string): boolean;
}

/** What happens in an election, for logs, metrics and Events. */
export interface ElectionObserver {
  elected(term: number): void;
  renewed(): void;
  withdrawn(reason: string, verified: boolean): void;
  /**
   * @param to the next holder, where one offered itself
   * @param asked whether the segment was asked for one
   */
  released(to: string | undefined, asked: boolean): void;
  /** The Lease could not be released in time: others have to wait for its end. */
  leftBehind(): void;
  /** Another holder is seen; undefined: nobody. */
  holderChanged(holder: string | undefined): void;
  requestFailed(purpose: Purpose | "read", error: KubeError): void;
  obstacleChanged(obstacle: string | undefined): void;
  odd(what: string): void;
}

const STOPPING = "stopping";
/** The reason of a withdrawal for a plan that changes or ends the instance. */
export const PLAN_CHANGED = "the plan changed";

/** Whether somebody wanted a withdrawal for this reason. */
export function isPlanned(reason: string): boolean {
  return reason === STOPPING || reason === PLAN_CHANGED || reason.startsWith(HANDED_OVER);
}

/** Why a signal aborts, where it is not that the process ends. */
export class StopReason extends DOMException {
  /** @param message as it stands in logs */
  constructor(message: string) {
    super(message, "AbortError");
  }

  /** @returns the reason of a signal that aborted */
  static of({ reason }: AbortSignal): string {
    return reason instanceof StopReason ? reason.message : STOPPING;
  }
}

/** Drives an Election: sends its requests, keeps its times. */
export class Elector {
  readonly name = "elector";
  readonly #election: Election;
  readonly #api: LeaseApi;
  readonly #clock: Clock;
  readonly #holder: Holder;
  readonly #observer: ElectionObserver;
  readonly #successors: Successors | undefined;
  readonly #requestTimeoutMs: number;
  readonly #stopTimeoutMs: number;
  #wake = new AbortController();
  #stopping = false;
  #lastError: KubeError | undefined;
  #seenHolder: string | undefined;
  #seenObstacle: string | undefined;
  #seenOddity: string | undefined;
  #lastProgressMs: number;
  #lastRenewalMs = -Infinity;
  /** The segment was asked who takes over, and nothing was released since. */
  #asked = false;
  /** The observer was told so, and of no withdrawal since. */
  #elected = false;

  constructor(parts: {
    election: Election;
    api: LeaseApi;
    clock: Clock;
    holder: Holder;
    observer: ElectionObserver;
    /** Undefined: whoever leaves releases the Lease, and hands it over to nobody. */
    successors?: Successors | undefined;
    /** Deadline of one request. */
    requestTimeoutMs: number;
    /** How long a stop may take before the Lease is left to expire. */
    stopTimeoutMs: number;
  }) {
    this.#election = parts.election;
    this.#api = parts.api;
    this.#clock = parts.clock;
    this.#holder = parts.holder;
    this.#observer = parts.observer;
    this.#successors = parts.successors;
    this.#requestTimeoutMs = parts.requestTimeoutMs;
    this.#stopTimeoutMs = parts.stopTimeoutMs;
    this.#lastProgressMs = parts.clock.nowMs();
  }

  /** When a request was last answered or given up, or was not due: the sign of life of this Task. */
  get lastProgressMs(): number {
    return this.#lastProgressMs;
  }

  /** When the last successful renewal was sent; −Infinity before the first. */
  get lastRenewalMs(): number {
    return this.#lastRenewalMs;
  }

  /** Why the Lease is not stood for; undefined when it is. */
  get obstacle(): string | undefined {
    return this.#election.obstacle(this.#clock.nowMs());
  }

  /** `leaseTransitions` of the Lease as last seen. */
  get term(): number {
    return this.#election.term;
  }

  /** `holderIdentity` as last seen. */
  get holder(): string | undefined {
    return this.#election.holder;
  }

  /** What became of the last request, where it failed. */
  get lastError(): KubeError | undefined {
    return this.#lastError;
  }

  /** The fence, for the check before every frame. */
  mayHold(): boolean {
    return this.#election.mayHold(this.#clock.nowMs());
  }

  /** Takes in what the watch saw; undefined: it shows no Lease any more. */
  observe(lease: Lease | undefined): void {
    this.#tell((election) => {
      if (lease === undefined) election.lookAgain();
      else election.seen(lease, "watch", this.#clock.nowMs());
    });
  }

  /** Hands over, or stays away, for as long as something on this node is not as it must be. */
  resign(reason: string): void {
    this.#tell((election) => election.resign(reason));
  }

  /** @see Election.offered */
  offered(heir: Heir): void {
    this.#tell((election) => election.offered(heir, this.#clock.nowMs()));
  }

  /** @see Election.offer */
  offer(leaving: Leaving, makeToken: () => string): string | undefined {
    const token = this.#election.offer(leaving, makeToken, this.#clock.nowMs());
    if (token !== undefined) this.#holder.expecting?.();
    return token;
  }

  /** Is a candidate again. */
  stand(): void {
    if (this.#stopping) return;
    this.#tell((election) => election.stand(this.#clock.nowMs()));
  }

  /** Renews at once; while another write is under way, after it. @see LeaseWriter */
  renewNow(): void {
    this.#tell((election) => election.renewNow());
  }

  /** Somebody else was seen to hold. @see Election.contest */
  contest(by: string): void {
    this.#tell((election) => election.contest(by));
  }

  /** @see Election.contestUnproven */
  contestUnproven(by: string): void {
    this.#tell((election) => election.contestUnproven(by, this.#clock.nowMs()));
  }

  /** @see Election.declareDead */
  declareDead(term: number, untilMs: number): void {
    this.#tell((election) => election.declareDead(term, untilMs));
  }

  /** @see Election.declareAlive */
  declareAlive(term: number): void {
    this.#election.declareAlive(term);
  }

  /** Stands until the signal aborts; then withdraws, verifies and releases. */
  async run(signal: AbortSignal): Promise<void> {
    let stopAtMs = Infinity;
    const stop = () => {
      this.#stopping = true;
      stopAtMs = this.#clock.nowMs() + this.#stopTimeoutMs;
      this.resign(StopReason.of(signal));
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    try {
      while (!this.#stopping || !this.#election.atRest(this.#clock.nowMs())) {
        this.#lastProgressMs = this.#clock.nowMs();
        if (this.#lastProgressMs >= stopAtMs) return this.#observer.leftBehind();
        this.#wake = new AbortController();
        const action = this.#settle();
        switch (action.kind) {
          case "wait":
            await this.#clock.until(
              // A sign of life at least every second, also when there is nothing to wait for.
              Math.min(action.untilMs, stopAtMs, this.#lastProgressMs + 1000),
              this.#wake.signal,
            );
            break;
          case "read":
            await this.#read();
            break;
          case "write":
            await this.#write(action.purpose, action.lease);
            break;
        }
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #tell(news: (election: Election) => void): void {
    news(this.#election);
    this.#settle();
    this.#wake.abort();
  }

  /**
   * Calls for the next holder where this one leaves, withdraws where the right ended, and says what
   * changed. All of it at once.
   *
   * @returns the next action
   */
  #settle(): Exclude<Action, { kind: "withdraw" }> {
    const nowMs = this.#clock.nowMs();
    const version = this.#election.callable(nowMs);
    if (version !== undefined && this.#successors?.call(version)) {
      this.#election.called(nowMs);
      this.#asked = true;
    }
    for (;;) {
      const action = this.#election.next(this.#clock.nowMs());
      this.#report();
      if (action.kind !== "withdraw") {
        // Handed over by its former holder: there was no write of this node.
        if (!this.#elected && this.mayHold()) this.#took(this.#clock.nowMs());
        return action;
      }
      const verified = this.#holder.withdraw(action.reason);
      if (verified) this.#election.withdrawn();
      else this.#election.withdrawalFailed(this.#clock.nowMs());
      this.#elected = false;
      this.#observer.withdrawn(action.reason, verified);
    }
  }

  async #read(): Promise<void> {
    try {
      const lease = await this.#api.get({ deadlineMs: this.#requestTimeoutMs });
      this.#election.seen(lease, "server", this.#clock.nowMs());
      this.#lastError = undefined;
    } catch (error) {
      this.#failed("read", error);
    }
  }

  async #write(purpose: Purpose, lease: Lease): Promise<void> {
    const sentAtMs = this.#clock.nowMs();
    const options = { deadlineMs: this.#requestTimeoutMs };
    let written: Lease;
    try {
      const answer = purpose === "create"
        ? this.#api.create(lease, options)
        : this.#api.replace(lease, options);
      if (purpose === "acquire") this.#holder.expecting?.();
      written = await answer;
      this.#election.succeeded(purpose, written, sentAtMs, this.#clock.nowMs());
      this.#lastError = undefined;
    } catch (error) {
      // A create is answered with 404 when its namespace is missing: that is no lost race.
      const lost = error instanceof KubeError &&
        (error.status === 409 || (error.status === 404 && purpose !== "create"));
      const bid = purpose === "acquire" && !this.mayHold() ? lease : undefined;
      if (lost) this.#election.conflicted(this.#clock.nowMs(), bid);
      else this.#failed(purpose, error);
      return;
    }
    if (purpose === "release" || purpose === "handOver") {
      this.#observer.released(written.spec?.holderIdentity || undefined, this.#asked);
      this.#asked = false;
    } else if (purpose !== "create" && this.mayHold()) {
      this.#took(sentAtMs, written);
    }
  }

  /** The right to hold begins or is extended. */
  #took(sinceMs: number, written?: Lease): void {
    this.#lastRenewalMs = sinceMs;
    if (this.#elected) this.#observer.renewed();
    else this.#observer.elected(this.#election.term);
    this.#elected = true;
    this.#holder.granted(this.#election.holdUntilMs, this.#election.term, written);
  }

  #failed(purpose: Purpose | "read", error: unknown): void {
    if (!(error instanceof KubeError)) throw error;
    this.#lastError = error;
    const { status, reason, retryAfterMs } = error;
    const before = this.#election.holdUntilMs;
    this.#election.failed(this.#clock.nowMs(), {
      unreachable: status === 0 && (reason === "Timeout" || reason === "Unreachable"),
      read: purpose === "read",
      retryAfterMs,
    });
    const { holdUntilMs, term } = this.#election;
    if (holdUntilMs > before) this.#holder.granted(holdUntilMs, term);
    this.#observer.requestFailed(purpose, error);
  }

  #report(): void {
    const { holder, oddity } = this.#election;
    const { obstacle } = this;
    if (holder !== this.#seenHolder) {
      this.#seenHolder = holder;
      this.#observer.holderChanged(holder);
    }
    if (obstacle !== this.#seenObstacle) {
      this.#seenObstacle = obstacle;
      this.#observer.obstacleChanged(obstacle);
    }
    if (oddity !== this.#seenOddity) {
      this.#seenOddity = oddity;
      if (oddity !== undefined) this.#observer.odd(oddity);
    }
  }
}
