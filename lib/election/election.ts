import type { Lease } from "../kube/types.ts";
import {
  INCARNATION_ANNOTATION,
  isOlder,
  leaseProblem,
  type LeaseRecord,
  nextTerm,
  readLease,
  sameRecord,
} from "./lease_record.ts";
import type { Heir, LeaseWriter, Purpose } from "./lease_writer.ts";

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
  /** A standby waits this much longer, for what the kernel removes late. */
  readonly lifetimeRoomMs: number;
  /** Pause after a failed request. */
  readonly retryMs: number;
  /** A standby adds up to this much, so that not all of them write at the same instant. */
  readonly jitterMs: number;
  /** Another node may take the Lease while this one's right lasts: on the word of a witness. */
  readonly mayBeReplaced?: boolean;
  readonly preferences?: Preferences;
}

/** Who should hold when several could, and what to do without the API server. */
export interface Preferences {
  /** 0 to 100; compared with the holder's where `failback` is set. Default 100. */
  readonly priority?: number;
  /** Less preferred nodes stand back this long when the Lease becomes free. Default 0. */
  readonly standBackMs?: number;
  /**
   * Further time to stand back at present, asked each time: while it is not 0, this node asks for
   * nothing that another one has.
   */
  readonly alsoStandBackMs?: () => number;
  /** Asks a holder of lower priority to hand over. */
  readonly failback?: boolean;
  /** Keeps the right while the API server cannot be reached and nobody contests it. */
  readonly holdOnApiLoss?: boolean;
}

/** Between two requests of a node that is not the holder, while the API server fails. */
const LONGEST_PAUSE_MS = 2000;
/** How long those that were not asked leave a Lease to the node that it was handed to. */
const HANDOVER_GRACE_MS = 1000;

/** How long a node that leaves, and may still hold, waits for another one to offer itself. */
const CALL_MS = 100;
/** How long it looks on for a better one, once somebody did. */
const CHOICE_MS = 30;
/** Then whoever offered itself counts on nothing any more. */
const OFFER_MS = 250;

/** What the reason of a withdrawal for a named node begins with. */
export const HANDED_OVER = "handed over to ";

/** What a holder that leaves says of its Lease, for those who might take it over. */
export interface Leaving {
  readonly node: string;
  readonly id: string;
  /** The Lease's resourceVersion. */
  readonly version: string;
}

/** How a request failed. */
export interface Failure {
  /** There was no answer at all. */
  readonly unreachable: boolean;
  /** It was a read: nothing can have been applied. */
  readonly read: boolean;
  /** What the server asked to wait. */
  readonly retryAfterMs?: number | undefined;
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
  /** Of a Lease that was there before: when its rights end, and its term. */
  | { readonly kind: "absent"; readonly expiresAtMs: number; readonly term: number }
  | {
    readonly kind: "present";
    readonly lease: Lease;
    readonly record: LeaseRecord;
    /** What its holder claimed when it last renewed. */
    readonly durationMs: number;
    /** When every right that was given in this term has ended, in local time. */
    readonly expiresAtMs: number;
    readonly released: boolean;
    /** When this record was first seen, and when its term was. */
    readonly seenAtMs: number;
    readonly termSinceMs: number;
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
 * - A holder that leaves asks who takes over, withdraws, and names the one that offered itself on the
 *   Lease, together with the token of its offer. Whoever finds its token there holds as if it had
 *   sent that write when it made the offer: the write is younger.
 * - Every write is a compare-and-swap, so acting on stale sight costs a request, no more. Only
 *   creating is not: it proves that there is no Lease now, not that there was none a moment ago.
 *   So it gives no right, and names no holder; whoever holds takes the new Lease at once, unless it
 *   may have been replaced, all others wait as for any.
 */
export class Election {
  readonly #settings: ElectionSettings;
  readonly #writer: LeaseWriter;
  readonly #random: () => number;
  #observed: Observed = { kind: "unknown" };
  #mustRead = true;
  /** Why this node does not stand; undefined while it does. */
  #resigned: string | undefined;
  /** When it began to stand. */
  #standingSinceMs = -Infinity;
  /** The term whose holder is known to be dead, by a witness other than the Lease, and until when. */
  #dead: { readonly term: number; readonly untilMs: number } | undefined;
  /** Somebody else was seen to hold; only an answer of the API server proves otherwise. */
  #contested: string | undefined;
  /** Addresses may be on the interface: from this run, or left by an earlier one. */
  #holding: "no" | "leftover" | "yes" | "stuck" = "leftover";
  #holdUntilMs = -Infinity;
  /** How far the Lease itself reaches; `holdOnApiLoss` goes beyond. */
  #provenUntilMs = -Infinity;
  #renewAtMs = -Infinity;
  #notBeforeMs = -Infinity;
  #jitterMs = 0;
  #highestTerm = -1;
  #conflictBefore = false;
  /** The version of the Lease that somebody else replaced first, as long as it is the last seen. */
  #outbid: { readonly version: string | undefined; readonly readAtMs: number } | undefined;
  /** A write failed that may have been applied all the same. */
  #unsure = false;
  /** Requests that failed in a row. */
  #failures = 0;
  /** While this node leaves: when it asked who takes over, until when it waits, and who does. */
  #call: { readonly atMs: number; untilMs: number; heir: Heir | undefined } | undefined;
  /** What this node answered last to a holder that leaves. */
  #offer: { readonly call: string; readonly token: string; readonly atMs: number } | undefined;

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

  /** `leaseTransitions` of the Lease as last seen, also when it is gone: its holder holds in it still. */
  get term(): number {
    const observed = this.#observed;
    if (observed.kind === "present") return observed.record.term;
    return observed.kind === "absent" ? observed.term : 0;
  }

  /** The Lease as last seen. */
  get lease(): Lease | undefined {
    return this.#observed.kind === "present" ? this.#observed.lease : undefined;
  }

  /** `holderIdentity` as last seen. */
  get holder(): string | undefined {
    return this.#observed.kind === "present" ? this.#observed.record.holder : undefined;
  }

  /**
   * Why this Lease is not stood for, in words that say what to do; undefined when it is. One for
   * other Services may be taken when it was released, or nobody renewed it for its duration: its
   * instance is gone, or was given another class.
   */
  obstacle(nowMs: number): string | undefined {
    const observed = this.#observed;
    if (observed.kind !== "present" || this.#inScope(observed.record)) return undefined;
    if (observed.released || nowMs >= observed.expiresAtMs) return undefined;
    return this.#otherScope(observed.record);
  }

  /** What somebody's hand left on the Lease, for a log line. */
  get oddity(): string | undefined {
    if (this.#observed.kind !== "present") return undefined;
    const { lease, record, seenAtMs, termSinceMs } = this.#observed;
    const { identity, incarnation } = this.#settings;
    // Renewed while this node looks on: no leftover of an earlier boot.
    const alive = seenAtMs > termSinceMs;
    const another = record.incarnation !== undefined && record.incarnation !== incarnation;
    if (alive && record.holder === identity && another) {
      return `another machine renews it as node ${identity}: node names must be unique`;
    }
    return leaseProblem(lease);
  }

  /**
   * The Lease as somebody saw it; undefined: it is not there.
   *
   * @param source "watch" may be late or out of order; "server" is an answer to a request.
   */
  seen(lease: Lease | undefined, source: "watch" | "server", nowMs: number): void {
    const before = this.#observed;
    if (source === "server") {
      // A read that succeeds after a write that did not tells nothing of writes.
      if (!this.#unsure) this.#failures = 0;
      this.#unsure = false;
      this.#mustRead = false;
      this.#outbid = undefined;
      this.#contested = undefined;
    }
    if (lease === undefined) {
      if (before.kind === "absent") return;
      // Deleted by hand perhaps, and its holder not aware of it yet.
      this.#observed = before.kind === "present"
        ? { kind: "absent", expiresAtMs: before.expiresAtMs, term: before.record.term }
        : { kind: "absent", expiresAtMs: -Infinity, term: 0 };
      return;
    }
    const known = before.kind === "present" ? before : undefined;
    if (known && source === "watch" && isOlder(lease, known.lease)) return;
    if (this.#outbid?.version !== versionOf(lease)) this.#outbid = undefined;
    if (known && sameRecord(lease, known.lease)) {
      this.#observed = { ...known, lease, record: readLease(lease) };
      return;
    }
    const record = readLease(lease);
    const termBefore = before.kind === "absent" ? before.term : known?.record.term ?? 0;
    const sameTerm = known && known.record.term === record.term &&
      (known.record.holder === record.holder || record.holder === undefined);
    // Who edits the duration by hand neither shortens nor prolongs what the holder claimed.
    const edited = sameTerm && known.record.renewTime === record.renewTime;
    const durationMs = edited
      ? known.durationMs
      : Math.max(this.#settings.leaseDurationMs, record.durationMs ?? 0);
    this.#highestTerm = Math.max(this.#highestTerm, record.term);
    this.#jitterMs = this.#random() * this.#settings.jitterMs;
    // Whoever writes is alive.
    this.#dead = undefined;
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
        record.term >= termBefore,
      seenAtMs: nowMs,
      termSinceMs: sameTerm ? known.termSinceMs : nowMs,
    };
    this.#takeUp(record, nowMs);
  }

  /** The Lease was handed over to this node: its right counts from its offer. */
  #takeUp(record: LeaseRecord, nowMs: number): void {
    const offer = this.#offer;
    if (offer === undefined || record.handedOverFor !== offer.token) return;
    this.#offer = undefined;
    if (!this.#isOurs(record) || this.#resigned !== undefined) return;
    const { leaseDurationMs, fenceMarginMs } = this.#settings;
    // Others wait for as long as the Lease says, or for longer.
    const durationMs = Math.min(leaseDurationMs, record.durationMs ?? 0);
    const untilMs = offer.atMs + durationMs - fenceMarginMs;
    if (nowMs >= untilMs) return;
    this.#holding = "yes";
    this.#holdUntilMs = this.#provenUntilMs = untilMs;
    // The Lease still says what its former holder wrote.
    this.#renewAtMs = -Infinity;
  }

  /**
   * The watch does not show the Lease any more: it was deleted, or lost the label that it is found by.
   * The API server knows which.
   */
  lookAgain(): void {
    this.#mustRead = true;
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
    if (this.#outbid !== undefined) {
      return nowMs < this.#outbid.readAtMs ? this.#wait(this.#outbid.readAtMs) : { kind: "read" };
    }
    const observed = this.#observed;
    if (this.#resigned !== undefined || this.successor !== undefined) {
      if (this.#holding === "yes") return this.#wait(this.#call?.untilMs ?? nowMs);
      if (observed.kind !== "present" || !this.#isOurs(observed.record)) {
        return this.#wait(this.#offeredUntilMs(nowMs));
      }
      const heir = this.#heir(nowMs);
      return this.#write(heir ? "handOver" : "release", observed.lease, heir);
    }
    if (observed.kind === "present" && this.#holding === "yes") {
      if (!this.#isOurs(observed.record)) return this.#write("acquire", observed.lease);
      if (nowMs < this.#renewAtMs) return this.#wait(this.#renewAtMs);
      return this.#write("renew", observed.lease);
    }
    const freeAtMs = this.#freeAtMs(nowMs);
    if (nowMs < freeAtMs) {
      const askAtMs = this.#askAtMs();
      if (observed.kind !== "present" || nowMs < askAtMs) {
        return this.#wait(Math.min(freeAtMs, askAtMs));
      }
      return this.#write("accept", observed.lease);
    }
    return observed.kind === "present"
      ? this.#write("acquire", observed.lease)
      : this.#write("create", undefined);
  }

  /** A write succeeded: the server answered with this Lease. `sentAtMs`: just before it was sent. */
  succeeded(purpose: Purpose, lease: Lease, sentAtMs: number, nowMs: number): void {
    this.#failures = 0;
    this.#notBeforeMs = -Infinity;
    this.#conflictBefore = false;
    if (this.#observed.kind === "present" && isOlder(lease, this.#observed.lease)) {
      // The watch was faster, and has shown what somebody wrote on top of it: of what this node gave
      // away, that is the next holder's affair.
      const isGiven = purpose === "release" || purpose === "handOver";
      this.#mustRead = !isGiven || this.#isOurs(this.#observed.record);
      return;
    }
    this.seen(lease, "server", nowMs);
    if (purpose === "release" || purpose === "handOver") this.#call = undefined;
    if (purpose !== "acquire" && purpose !== "renew") return;
    if (this.#resigned !== undefined) return;
    this.#holding = "yes";
    this.#holdUntilMs = sentAtMs + this.#settings.leaseDurationMs - this.#settings.fenceMarginMs;
    this.#provenUntilMs = this.#holdUntilMs;
    this.#renewAtMs = sentAtMs + this.#settings.renewIntervalMs;
  }

  /** Something is to be written on the Lease: the next renewal is due at once. */
  renewNow(): void {
    this.#renewAtMs = -Infinity;
  }

  /**
   * A write lost its compare-and-swap: look again before anything else.
   *
   * @param bid what this node would have taken the Lease with: the watch shows who was first, and
   * reading it would only hold up that one
   */
  conflicted(nowMs: number, bid?: Lease): void {
    this.#call = undefined;
    // A second one in a row: looking again at once each time would go on for ever.
    if (this.#conflictBefore) this.#notBeforeMs = nowMs + this.#settings.retryMs;
    this.#conflictBefore = true;
    if (bid === undefined) this.#mustRead = true;
    else if (versionOf(bid) === versionOf(this.lease)) {
      this.#outbid = { version: versionOf(bid), readAtMs: nowMs + this.#settings.retryMs };
    }
  }

  /** A request failed; a write may or may not have been applied. */
  failed(
    nowMs: number,
    failure: Failure = { unreachable: true, read: false },
  ): void {
    this.#mustRead = true;
    this.#call = undefined;
    if (!failure.read) this.#unsure = true;
    this.#notBeforeMs = nowMs + this.#pauseMs(failure.retryAfterMs ?? 0);
    this.#failures++;
    if (!failure.unreachable || !this.#preferences.holdOnApiLoss || !this.mayHold(nowMs)) return;
    const { leaseDurationMs, fenceMarginMs } = this.#settings;
    this.#holdUntilMs = Math.max(this.#holdUntilMs, nowMs + leaseDurationMs - fenceMarginMs);
  }

  /**
   * Somebody else was seen to hold: withdraws, until the API server says otherwise. While the Lease
   * proves this node's right, it is the judge and nothing else is.
   */
  contestUnproven(by: string, nowMs: number): void {
    if (nowMs >= this.#provenUntilMs) this.contest(by);
  }

  /** A newer holder was heard of: withdraws, until the API server says otherwise. */
  contest(by: string): void {
    this.#contested = by;
    this.#mustRead = true;
  }

  /**
   * A witness other than the Lease finds the holder of this term dead: it may be replaced at once,
   * until the witness has to say so again. What this trades is said in docs/failover.md.
   */
  declareDead(term: number, untilMs: number): void {
    if (this.#observed.kind === "present" && this.#observed.record.term === term) {
      this.#dead = { term, untilMs };
    }
  }

  /** The witness heard of the holder of this term again: it keeps what the Lease gives it. */
  declareAlive(term: number): void {
    if (this.#dead?.term === term) this.#dead = undefined;
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
  resign(reason = "stopping"): void {
    if (this.#resigned === undefined) this.#notBeforeMs = -Infinity;
    this.#resigned = reason;
  }

  /**
   * The Lease's version that a holder which is to leave can name in its call for another one;
   * undefined: it stays, did call, or has nothing that it could hand over.
   */
  callable(nowMs: number): string | undefined {
    const observed = this.#observed;
    const leaves = this.#resigned !== undefined || this.successor !== undefined;
    const mayCall = leaves && this.#call === undefined && this.mayHold(nowMs) &&
      observed.kind === "present" && this.#isOurs(observed.record) && !this.#mustRead;
    return mayCall ? versionOf(observed.lease) : undefined;
  }

  /** The call went out: this node keeps what it holds for as long as it waits for an offer. */
  called(nowMs: number): void {
    this.#call = { atMs: nowMs, untilMs: nowMs + CALL_MS, heir: undefined };
  }

  /** Another node would take over. */
  offered(heir: Heir, nowMs: number): void {
    const call = this.#call;
    if (call === undefined || nowMs >= call.untilMs) return;
    const { successor } = this;
    if (heir.node !== (successor ?? heir.node) || heir.node === this.#settings.identity) return;
    if (call.heir === undefined || heir.priority > call.heir.priority) call.heir = heir;
    // Nobody is better than the best, or than the one that was asked for.
    call.untilMs = successor !== undefined || heir.priority >= 100
      ? nowMs
      : Math.min(call.untilMs, call.atMs + CHOICE_MS);
  }

  /**
   * Whether this node takes over from a holder that leaves.
   *
   * @param makeToken called once for each call: makes what nobody can know before
   * @returns the token of its offer, which has to go out after `nowMs`; undefined: it makes none
   */
  offer(leaving: Leaving, makeToken: () => string, nowMs: number): string | undefined {
    const observed = this.#observed;
    // Without an answer to its last request it may be cut off.
    const stands = this.#resigned === undefined && this.#holding === "no" && !this.#mustRead &&
      this.#alsoStandBackMs === 0;
    if (!stands || observed.kind !== "present" || !this.#inScope(observed.record)) return undefined;
    // With the Lease as it is before its eyes, it sees what is written next.
    if (observed.record.holder !== leaving.node || versionOf(observed.lease) !== leaving.version) {
      return undefined;
    }
    if (this.#offer?.call !== leaving.id) {
      this.#offer = { call: leaving.id, token: makeToken(), atMs: nowMs };
    }
    return this.#offer.token;
  }

  /** Is a candidate again. */
  stand(nowMs: number): void {
    if (this.#resigned === undefined) return;
    this.#resigned = undefined;
    this.#call = undefined;
    this.#standingSinceMs = nowMs;
  }

  /** The node that this one hands over to; undefined: nobody asked, or it did not answer. */
  get successor(): string | undefined {
    const observed = this.#observed;
    if (observed.kind !== "present" || !this.#isOurs(observed.record)) return undefined;
    const { handoverTo, handoverAccepted } = observed.record;
    return handoverAccepted && handoverTo !== this.#settings.identity ? handoverTo : undefined;
  }

  /** Nothing is held, nothing is left to release, and nothing was offered a moment ago. */
  atRest(nowMs: number): boolean {
    return this.#resigned !== undefined && this.#holding === "no" &&
      this.#offeredUntilMs(nowMs) === Infinity &&
      // With the server away, only a write that may have been applied is worth waiting for.
      (!this.#mustRead || (this.#failures > 0 && !this.#unsure)) &&
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
      if (this.#resigned === undefined && undecided && this.successor === undefined) {
        return undefined;
      }
      return this.#resigned ?? "left by an earlier run";
    }
    if (observed.kind === "present" && !this.#inScope(observed.record)) {
      return this.#otherScope(observed.record);
    }
    if (lost && (this.holder !== undefined || observed.released)) {
      const { holder = "nobody", incarnation } = observed.record;
      // A hand took it away, or another program of the same name wrote it: who knows which.
      return holder === this.#settings.identity && incarnation === undefined
        ? `the Lease names ${holder} without ${INCARNATION_ANNOTATION}, which its holder writes`
        : `the Lease is held by ${holder}`;
    }
    // One that is gone or names nobody (made anew, emptied by hand) is the holder's to take, unless
    // somebody else may have held in the meantime.
    if (this.#settings.mayBeReplaced && (lost || observed.kind === "absent")) {
      return "the Lease does not say any more that this node holds";
    }
    if (nowMs >= (this.#call?.untilMs ?? -Infinity)) {
      if (this.#resigned !== undefined) return this.#resigned;
      if (this.successor !== undefined) return HANDED_OVER + this.successor;
    }
    if (this.#contested !== undefined) return this.#contested;
    if (nowMs >= this.#holdUntilMs) return "the Lease could not be renewed in time";
    return undefined;
  }

  /** Whom to name on the Lease. */
  #heir(nowMs: number): Heir | undefined {
    const call = this.#call;
    return call !== undefined && nowMs < call.atMs + OFFER_MS ? call.heir : undefined;
  }

  /** Until when this node's last offer may be taken up; Infinity: it has none. */
  #offeredUntilMs(nowMs: number): number {
    const untilMs = this.#offer === undefined ? -Infinity : this.#offer.atMs + OFFER_MS;
    return nowMs < untilMs ? untilMs : Infinity;
  }

  /** When a Lease that this node does not hold may be taken. */
  #freeAtMs(nowMs: number): number {
    const observed = this.#observed;
    switch (observed.kind) {
      case "unknown":
        return Infinity;
      case "absent":
        return nowMs;
      case "present": {
        const { record, released, seenAtMs, expiresAtMs } = observed;
        const dead = record.term === this.#dead?.term && nowMs < this.#dead.untilMs;
        // Its name in an earlier term than the last seen came from a backup: that term's holder is
        // somebody else, who may not know it yet.
        const isOwn = this.#isOurs(record) && record.term >= this.#highestTerm;
        if (isOwn || dead) return nowMs;
        if (!released) return expiresAtMs + this.#jitterMs + this.#standBackMs;
        if (!record.handoverAccepted) return seenAtMs + this.#standBackMs;
        return record.handoverTo === this.#settings.identity ? nowMs : seenAtMs + HANDOVER_GRACE_MS;
      }
    }
  }

  /** When to say that this node takes over: asked for by name, or by its own priority. */
  #askAtMs(): number {
    const observed = this.#observed;
    if (observed.kind !== "present" || observed.record.holder === undefined) return Infinity;
    const { record } = observed;
    // The holder would hand over what this node cannot serve.
    if (!this.#inScope(record) || this.#alsoStandBackMs > 0) return Infinity;
    const { identity, leaseDurationMs } = this.#settings;
    const { failback, priority = 100 } = this.#preferences;
    if (record.handoverAccepted) return Infinity;
    if (record.handoverTo === identity) return -Infinity;
    if (!failback || record.handoverTo !== undefined) return Infinity;
    if (record.priority === undefined || record.priority >= priority) return Infinity;
    // Not before this node has been well for a while, nor into a take-over that is under way.
    return Math.max(this.#standingSinceMs, observed.termSinceMs) + 2 * leaseDurationMs;
  }

  /** A holder has no time to lose; others leave a server that is in trouble alone. */
  #pauseMs(askedForMs: number): number {
    const { retryMs } = this.#settings;
    if (this.#holding === "yes" || this.#holding === "stuck") return retryMs;
    const pauseMs = Math.min(retryMs * 2 ** this.#failures, LONGEST_PAUSE_MS);
    return Math.max(retryMs, pauseMs * (0.5 + this.#random() / 2), askedForMs);
  }

  /** When a right of this duration has ended that was given no later than now. */
  #expiry(durationMs: number, nowMs: number): number {
    const { clockDrift, lifetimeRoomMs } = this.#settings;
    return nowMs + durationMs * (1 + clockDrift) + lifetimeRoomMs;
  }

  get #preferences(): Preferences {
    return this.#settings.preferences ?? {};
  }

  get #standBackMs(): number {
    return (this.#preferences.standBackMs ?? 0) + this.#alsoStandBackMs;
  }

  get #alsoStandBackMs(): number {
    return this.#preferences.alsoStandBackMs?.() ?? 0;
  }

  #isOurs(record: LeaseRecord): boolean {
    return record.holder === this.#settings.identity &&
      record.incarnation === this.#settings.incarnation && this.#inScope(record);
  }

  #otherScope({ scope }: LeaseRecord): string {
    return `the Lease is used for ${scope}, this instance serves ${this.#settings.scope}: ` +
      "give each its own Lease";
  }

  #inScope(record: LeaseRecord): boolean {
    return record.scope === undefined || record.scope === this.#settings.scope;
  }

  #wait(untilMs: number): Action {
    const fenceMs = this.#holding === "yes" ? this.#holdUntilMs : Infinity;
    return { kind: "wait", untilMs: Math.min(untilMs, fenceMs) };
  }

  #write(purpose: Purpose, base: Lease | undefined, heir?: Heir): Action {
    return {
      kind: "write",
      purpose,
      lease: this.#writer.compose(purpose, base, nextTerm(this.#highestTerm), heir),
    };
  }
}

function versionOf(lease: Lease | undefined): string | undefined {
  return lease?.metadata?.resourceVersion;
}
