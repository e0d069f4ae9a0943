import type { Lease } from "../kube/types.ts";
import { isOlder, leaseProblem, type LeaseRecord, readLease, sameRecord } from "./lease_record.ts";
import type { LeaseWriter, Purpose } from "./lease_writer.ts";

/** Who stands, for what, and how long things take. */
export interface ElectionSettings {
  /** `holderIdentity`: the node's name. */
  readonly identity: string;
  /** Boot and network namespace: tells this node's earlier run from a namesake elsewhere. */
  readonly incarnation: string;
  /** What the Lease is for; a Lease that says otherwise is never taken. */
  readonly scope: string;
  readonly leaseDurationMs: number;
  readonly renewIntervalMs: number;
  /** The holder stops this long before its Lease could be taken. */
  readonly fenceMarginMs: number;
  /** How much faster another node's clock may run: a standby waits `duration × (1 + drift)`. */
  readonly clockDrift: number;
  /** Pause after a failed request. */
  readonly retryMs: number;
  /** A standby adds up to this much, so that not all of them write at the same instant. */
  readonly jitterMs: number;
}

/** What the driver has to do next. */
export type Action =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly purpose: Purpose; readonly lease: Lease }
  | { readonly kind: "withdraw"; readonly reason: string }
  /** Nothing to do before `untilMs` (Infinity: before something is seen). */
  | { readonly kind: "wait"; readonly untilMs: number };

type Observed =
  | { readonly kind: "unknown" }
  /** `expiresAtMs`: of a Lease that was there before. */
  | { readonly kind: "absent"; readonly expiresAtMs: number }
  | {
    readonly kind: "present";
    readonly lease: Lease;
    readonly record: LeaseRecord;
    /** What its holder claimed when it last renewed. */
    readonly durationMs: number;
    /** When every right that was given in this term has ended, in local time. */
    readonly expiresAtMs: number;
    readonly released: boolean;
  };

/**
 * The election as a machine without I/O: it is told what was seen and what became of requests,
 * and says what to do next. Its promise: at no instant do two machines on one Lease answer
 * `mayHold()` with true, whatever the network, the API server and the processes do, as long as
 * their monotonic clocks differ in speed by less than `clockDrift`.
 *
 * - The holder may hold until (the time just before it sent the last write that succeeded)
 *   + duration − margin.
 * - A standby waits (the last change it saw) + duration × (1 + drift), unless the holder has
 *   proved that it withdrew.
 * - Every write is a compare-and-swap, so acting on stale sight costs a request, no more. Only
 *   creating is not: it proves that there is no Lease now, not that there was none a moment ago.
 *   So it gives no right, and names no holder; whoever holds takes the new Lease at once, all others
 *   wait as for any.
 */
export class Election {
  readonly #settings: ElectionSettings;
  readonly #writer: LeaseWriter;
  readonly #random: () => number;
  #observed: Observed = { kind: "unknown" };
  #mustRead = true;
  #candidate = true;
  /** Addresses may be on the interface: from this run, or left by an earlier one. */
  #holding: "no" | "leftover" | "yes" | "stuck" = "leftover";
  #holdUntilMs = -Infinity;
  #renewAtMs = -Infinity;
  #notBeforeMs = -Infinity;
  #jitterMs = 0;
  #highestTerm = -1;
  #conflictBefore = false;

  constructor(settings: ElectionSettings, writer: LeaseWriter, random: () => number) {
    this.#settings = settings;
    this.#writer = writer;
    this.#random = random;
  }

  /** The fence: whether an address may be on the interface and be announced at this instant. */
  mayHold(nowMs: number): boolean {
    return this.#holding === "yes" && nowMs < this.#holdUntilMs;
  }

  /** End of the present right to hold, −Infinity without one. */
  get holdUntilMs(): number {
    return this.#holding === "yes" ? this.#holdUntilMs : -Infinity;
  }

  /** `leaseTransitions` of the Lease as last seen. */
  get term(): number {
    return this.#observed.kind === "present" ? this.#observed.record.term : 0;
  }

  /** `holderIdentity` as last seen. */
  get holder(): string | undefined {
    return this.#observed.kind === "present" ? this.#observed.record.holder : undefined;
  }

  /** Why this Lease is not stood for, in words that say what to do; undefined when it is. */
  get obstacle(): string | undefined {
    const observed = this.#observed;
    if (observed.kind !== "present" || this.#inScope(observed.record)) return undefined;
    return `the Lease is used for ${observed.record.scope}, this instance serves ` +
      `${this.#settings.scope}: give each its own Lease`;
  }

  /** What somebody's hand left on the Lease, for a log line. */
  get oddity(): string | undefined {
    return this.#observed.kind === "present" ? leaseProblem(this.#observed.lease) : undefined;
  }

  /**
   * The Lease as somebody saw it; undefined: it is not there.
   *
   * @param source "watch" may be late or out of order; "server" is an answer to a request.
   */
  seen(lease: Lease | undefined, source: "watch" | "server", nowMs: number): void {
    const before = this.#observed;
    if (source === "server") this.#mustRead = false;
    if (lease === undefined) {
      if (before.kind === "absent") return;
      // Deleted by hand perhaps, and its holder not aware of it yet.
      const expiresAtMs = before.kind === "present" ? before.expiresAtMs : -Infinity;
      this.#observed = { kind: "absent", expiresAtMs };
      return;
    }
    const known = before.kind === "present" ? before : undefined;
    if (known && source === "watch" && isOlder(lease, known.lease)) return;
    if (known && sameRecord(lease, known.lease)) {
      this.#observed = { ...known, lease, record: readLease(lease) };
      return;
    }
    const record = readLease(lease);
    const sameTerm = known && known.record.term === record.term &&
      (known.record.holder === record.holder || record.holder === undefined);
    // Who edits the duration by hand neither shortens nor prolongs what the holder claimed.
    const edited = sameTerm && known.record.renewTime === record.renewTime;
    const durationMs = edited
      ? known.durationMs
      : Math.max(this.#settings.leaseDurationMs, record.durationMs ?? 0);
    this.#highestTerm = Math.max(this.#highestTerm, record.term);
    this.#jitterMs = this.#random() * this.#settings.jitterMs;
    this.#observed = {
      kind: "present",
      lease,
      record,
      durationMs,
      expiresAtMs: Math.max(
        this.#expiry(durationMs, nowMs),
        before.kind === "absent" ? before.expiresAtMs : -Infinity,
        sameTerm ? known.expiresAtMs : -Infinity,
      ),
      // A marker from an earlier term is a copy that somebody applied again.
      released: record.holder === undefined && record.releasedTerm === record.term &&
        record.term >= (known?.record.term ?? 0),
    };
  }

  /** The next thing to do. Asking changes nothing. */
  next(nowMs: number): Action {
    const waiting = nowMs < this.#notBeforeMs;
    if (this.#holding === "stuck") {
      return waiting
        ? this.#wait(this.#notBeforeMs)
        : { kind: "withdraw", reason: "an address could not be removed" };
    }
    const reason = this.#reasonToWithdraw(nowMs);
    if (reason !== undefined) return { kind: "withdraw", reason };
    if (waiting) return this.#wait(this.#notBeforeMs);
    if (this.#mustRead) return { kind: "read" };
    const observed = this.#observed;
    if (!this.#candidate) {
      if (observed.kind !== "present" || !this.#isOurs(observed.record)) {
        return this.#wait(Infinity);
      }
      return this.#write("release", observed.lease);
    }
    if (this.obstacle !== undefined) return this.#wait(Infinity);
    if (observed.kind === "present" && this.#holding === "yes") {
      if (!this.#isOurs(observed.record)) return this.#write("acquire", observed.lease);
      if (nowMs < this.#renewAtMs) return this.#wait(this.#renewAtMs);
      return this.#write("renew", observed.lease);
    }
    const freeAtMs = this.#freeAtMs(nowMs);
    if (nowMs < freeAtMs) return this.#wait(freeAtMs);
    return observed.kind === "present"
      ? this.#write("acquire", observed.lease)
      : this.#write("create", undefined);
  }

  /** A write succeeded: the server answered with this Lease. `sentAtMs`: just before it was sent. */
  succeeded(purpose: Purpose, lease: Lease, sentAtMs: number, nowMs: number): void {
    this.seen(lease, "server", nowMs);
    this.#notBeforeMs = -Infinity;
    this.#conflictBefore = false;
    if (purpose === "release" || purpose === "create" || !this.#candidate) return;
    this.#holding = "yes";
    this.#holdUntilMs = sentAtMs + this.#settings.leaseDurationMs - this.#settings.fenceMarginMs;
    this.#renewAtMs = sentAtMs + this.#settings.renewIntervalMs;
  }

  /** A write lost its compare-and-swap: look again before anything else. */
  conflicted(nowMs: number): void {
    // A second one in a row: looking again at once each time would go on for ever.
    if (this.#conflictBefore) this.#notBeforeMs = nowMs + this.#settings.retryMs;
    this.#conflictBefore = true;
    this.#mustRead = true;
  }

  /** A request failed; a write may or may not have been applied. */
  failed(nowMs: number): void {
    this.#mustRead = true;
    this.#notBeforeMs = nowMs + this.#settings.retryMs;
  }

  /** Every address was taken from the interface, confirmed by reading it. */
  withdrawn(): void {
    this.#holding = "no";
    this.#holdUntilMs = -Infinity;
  }

  /** Addresses could not be taken from the interface: tried again, and nothing released before. */
  withdrawalFailed(nowMs: number): void {
    this.#holding = "stuck";
    this.#holdUntilMs = -Infinity;
    this.#notBeforeMs = nowMs + this.#settings.retryMs;
  }

  /** Stops being a candidate: withdraws, then releases. */
  resign(): void {
    this.#candidate = false;
    this.#notBeforeMs = -Infinity;
  }

  /** Nothing is held, nothing is left to release. */
  get atRest(): boolean {
    return !this.#candidate && this.#holding === "no" && !this.#mustRead &&
      !(this.#observed.kind === "present" && this.#isOurs(this.#observed.record));
  }

  #reasonToWithdraw(nowMs: number): string | undefined {
    if (this.#holding === "no") return undefined;
    const observed = this.#observed;
    const lost = observed.kind === "present" && !this.#isOurs(observed.record);
    if (this.#holding === "leftover") {
      // A crashed run's addresses stay, within their kernel lifetimes, while this node may still
      // be the holder: clients then notice nothing of the restart.
      const undecided = observed.kind === "unknown" || (observed.kind === "present" && !lost);
      if (this.#candidate && undecided) return undefined;
      return this.#candidate ? "left by an earlier run" : "stopping";
    }
    // One that names nobody (made anew, emptied by hand) is the holder's to take.
    if (this.obstacle !== undefined) return this.obstacle;
    if (lost && this.holder !== undefined) return `the Lease is held by ${this.holder}`;
    if (!this.#candidate) return "stopping";
    if (nowMs >= this.#holdUntilMs) return "the Lease could not be renewed in time";
    return undefined;
  }

  /** When a Lease that this node does not hold may be taken. */
  #freeAtMs(nowMs: number): number {
    const observed = this.#observed;
    switch (observed.kind) {
      case "unknown":
        return Infinity;
      case "absent":
        return nowMs;
      case "present":
        if (observed.released || this.#isOurs(observed.record)) return nowMs;
        return observed.expiresAtMs + this.#jitterMs;
    }
  }

  /** When a right of this duration has ended that was given no later than now. */
  #expiry(durationMs: number, nowMs: number): number {
    return nowMs + durationMs * (1 + this.#settings.clockDrift);
  }

  #isOurs(record: LeaseRecord): boolean {
    return record.holder === this.#settings.identity &&
      record.incarnation === this.#settings.incarnation && this.#inScope(record);
  }

  #inScope(record: LeaseRecord): boolean {
    return record.scope === undefined || record.scope === this.#settings.scope;
  }

  #wait(untilMs: number): Action {
    const fenceMs = this.#holding === "yes" ? this.#holdUntilMs : Infinity;
    return { kind: "wait", untilMs: Math.min(untilMs, fenceMs) };
  }

  #write(purpose: Purpose, base: Lease | undefined): Action {
    return {
      kind: "write",
      purpose,
      lease: this.#writer.compose(purpose, base, this.#highestTerm + 1),
    };
  }
}
