import type { Clock } from "../election/clock.ts";
import { RateLimit } from "../kube/rate_limit.ts";
import type { ClassPolicy } from "../services/class_policy.ts";
import type { Changes } from "../services/changes.ts";
import type { Claim } from "../services/decide.ts";
import {
  CARRIED_OUT_ANNOTATION,
  type CarriedOut,
  formatCarriedOut,
  type FormerHolders,
} from "./former_holders.ts";

/** An event of a watch is as a rule no later than that. */
const LATE_MS = 100;
/** From one look to the next. */
const LOOK_MS = 5;
/** Then the watch has lost its place, or a Lease says nonsense. */
const LOST_MS = 500;

/** Somebody may change a class without end: that must not keep the API server busy with Leases. */
const TOLD_PER_SECOND = 5;
const TOLD_BURST_SECONDS = 2;

export interface ServiceProgressParts {
  readonly formers: Pick<FormerHolders, "mayHave" | "sees" | "subscribe">;
  readonly clock: Clock;
  readonly policy: ClassPolicy;
  readonly renewNow: () => void;
  /** Asks the watch of Services again, from where it stands. */
  readonly refresh: () => void;
  readonly relist: () => Promise<void>;
  readonly changed: (changes?: Changes) => void;
}

/**
 * How an address goes from one class to another: who has it takes it away and says on its Lease that
 * it did; only then the other one puts it up.
 */
export class ServiceProgress implements Disposable {
  readonly #parts: ServiceProgressParts;
  readonly #unsubscribe: () => void;
  /** Services that wait for an address, by the address. */
  readonly #waiting = new Map<string, Set<string>>();
  /** Carried out under the present right to hold. */
  #carriedOut: CarriedOut | undefined;
  /** Up to where others were told at once. */
  #told = 0;
  /** For another address since others were told. */
  #waits = false;
  readonly #rate: RateLimit;
  /** From the start of the right to hold until the Services are known as others know them. */
  #catchingUp: AbortController | undefined;

  constructor(parts: ServiceProgressParts) {
    this.#parts = parts;
    this.#rate = new RateLimit(parts.clock, () => TOLD_PER_SECOND, TOLD_BURST_SECONDS);
    this.#unsubscribe = parts.formers.subscribe((vips) => {
      const keys = new Set<string>();
      for (const vip of vips) for (const key of this.#waiting.get(vip) ?? []) keys.add(key);
      if (keys.size > 0) parts.changed({ keys, vips });
    });
  }

  /** The right to hold began: nothing may be put up on an older view of the Services than others'. */
  begin(): void {
    this.end();
    if (this.#parts.formers.sees(this.#parts.policy)) return;
    const catchingUp = this.#catchingUp = new AbortController();
    void this.#catchUp(catchingUp.signal);
  }

  end(): void {
    this.#carriedOut = undefined;
    this.#waiting.clear();
    this.#catchingUp?.abort();
    this.#catchingUp = undefined;
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }

  /** Whether the Services are not known yet as others know them. */
  get behind(): boolean {
    return this.#catchingUp !== undefined;
  }

  /** @returns those that nobody of another class may have; the others have to wait */
  passed(claims: readonly Claim[], has: (vip: string) => boolean): readonly Claim[] {
    const { formers, policy } = this.#parts;
    return claims.filter(({ ip: { text: vip }, service: { key } }) => {
      if (has(vip) || !formers.mayHave(vip, policy)) {
        this.#waiting.delete(vip);
        return true;
      }
      if (!this.#waiting.has(vip)) this.#waits = true;
      this.#waiting.set(vip, (this.#waiting.get(vip) ?? new Set()).add(key));
      return false;
    });
  }

  /**
   * What the Services say was carried out.
   *
   * @param lostAt the last version at which an address went to another class
   */
  carriedOut(all: CarriedOut, lostAt: number): void {
    this.#carriedOut = all;
    // Somebody waits for this instance, or this instance for somebody who may never have been there.
    const isAwaited = lostAt > this.#told || this.#waits;
    // The next renewal tells it anyway.
    if (!isAwaited || this.#rate.tryTake() > 0) return;
    this.#told = lostAt;
    this.#waits = false;
    this.#parts.renewNow();
  }

  /** What a write of the Lease carries. */
  carried(): Readonly<Record<string, string>> {
    return this.#carriedOut === undefined
      ? {}
      : { [CARRIED_OUT_ANNOTATION]: formatCarriedOut(this.#carriedOut) };
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    const { refresh, relist, changed } = this.#parts;
    if (!await this.#sees(LATE_MS, signal)) {
      refresh();
      // What is listed is the truth of now, and says less of what was meanwhile than events do.
      if (!await this.#sees(LOST_MS, signal)) await relist();
    }
    if (signal.aborted) return;
    this.#catchingUp = undefined;
    changed();
  }

  /** @returns whether all is seen within that time */
  async #sees(withinMs: number, signal: AbortSignal): Promise<boolean> {
    const { formers, policy, clock } = this.#parts;
    const endMs = clock.nowMs() + withinMs;
    while (!signal.aborted && !formers.sees(policy)) {
      if (clock.nowMs() >= endMs) return false;
      await clock.until(clock.nowMs() + LOOK_MS, signal);
    }
    return true;
  }
}
