import type { Clock } from "../election/clock.ts";
import { isOlder, readLease } from "../election/lease_record.ts";
import { keyOf, RivalWatch } from "../election/rivals.ts";
import type { Lease } from "../kube/types.ts";
import type { Network } from "../net/link.ts";
import type { Logger } from "../observe/logger.ts";
import { scopesOverlap } from "../services/class_policy.ts";
import { interfaceProblem } from "./interface_problem.ts";
import type { LeaseView } from "./lease_view.ts";

const LOOK_AGAIN_MS = 1000;
/** The obstacle before the first look. */
export const NOT_LOOKED = "not looked yet";
/** Between two looks for a second Lease of the same scope, while standing. */
const GUARD_MS = 250;
/** Between two lists while the watch shows nothing. */
const RELIST_MS = 2000;
/** The longest that a start waits to see which Leases there are. */
const FIRST_LIST_MS = 5000;

export interface GateParts {
  readonly lease: { readonly namespace: string; readonly name: string; readonly scope: string };
  /** Name of an interface, or "auto". */
  readonly interface: string;
  readonly network: Network;
  readonly leases: Pick<LeaseView, "all" | "find" | "settled" | "lastError" | "relist">;
  readonly clock: Clock;
  /** @throws when another process on this node has the lock; the message says so */
  readonly holdLock: (name: string) => Disposable;
  readonly logger: Logger;
}

/** Whether addresses may be put up under a Lease that this node holds. */
export type Verdict =
  | { readonly kind: "clear" }
  /** That Lease, as it was written, is not seen yet: another one may not be seen either. */
  | { readonly kind: "unseen" }
  /** A rival has the right of way. */
  | { readonly kind: "yield"; readonly reason: string }
  /** A rival has to go first. */
  | { readonly kind: "wait"; readonly reason: string };

/**
 * What must be true before an instance may stand for its Lease: its interface is there, no other
 * process on this node stands for the same Lease, no other Lease serves any of the same Services.
 */
export class Gate {
  readonly #parts: GateParts;
  readonly #rivals: RivalWatch;
  #obstacle: string | undefined = NOT_LOOKED;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#rivals = new RivalWatch(parts.lease, scopesOverlap);
  }

  /** Why the instance does not stand, in words that say what to do; undefined when it does. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  /** Waits until nothing is in the way. @returns the lock; undefined when the signal aborted */
  async pass(signal: AbortSignal): Promise<Disposable | undefined> {
    const { clock, leases } = this.#parts;
    const listed = new AbortController();
    void leases.settled.then(() => listed.abort());
    await clock.until(clock.nowMs() + FIRST_LIST_MS, AbortSignal.any([signal, listed.signal]));
    while (!signal.aborted) {
      const obstacle = this.#missingInterface() ?? this.#denied() ?? this.#rival(false);
      const lock = obstacle ?? this.#takeLock();
      this.#report(typeof lock === "string" ? lock : undefined);
      if (typeof lock === "object") return lock;
      await clock.until(clock.nowMs() + LOOK_AGAIN_MS, signal);
    }
    return undefined;
  }

  /**
   * Looks once more after this node took its Lease and before it puts up an address. Of two that
   * take two Leases at the same time, the one that wrote later sees the other.
   *
   * @param own the Lease as it was written
   */
  judge(own: Lease): Verdict {
    const { lease, leases } = this.#parts;
    const seen = leases.find(lease.namespace, lease.name);
    if (seen === undefined || isOlder(seen, own)) return { kind: "unseen" };
    const older = this.#rival(true);
    if (older !== undefined) return { kind: "yield", reason: older };
    const younger = this.#rival(false);
    return younger === undefined ? { kind: "clear" } : { kind: "wait", reason: younger };
  }

  /**
   * Looks on while the instance stands. Resolves when something got in the way.
   *
   * @param held the Lease as last written, while this node holds it
   */
  async guard(signal: AbortSignal, held: () => Lease | undefined): Promise<void> {
    const { clock, leases, logger } = this.#parts;
    let missed: Lease | undefined;
    let relistAtMs = -Infinity;
    while (!signal.aborted) {
      const own = held();
      const verdict = own && this.judge(own);
      if (verdict?.kind === "yield") return this.#report(verdict.reason);
      if (own === undefined) {
        const rival = this.#rival(false);
        if (rival !== undefined) return this.#report(rival);
      }
      const unseen = verdict?.kind === "unseen" ? own : undefined;
      // What was written a look ago should be seen by now.
      if (unseen !== undefined && unseen === missed && clock.nowMs() >= relistAtMs) {
        logger.warn("the watch of Leases is behind, lists them again");
        leases.relist();
        relistAtMs = clock.nowMs() + RELIST_MS;
      }
      missed = unseen;
      await clock.until(clock.nowMs() + GUARD_MS, signal);
    }
  }

  #missingInterface(): string | undefined {
    const { interface: name, network } = this.#parts;
    if (name === "auto") return undefined;
    let links;
    try {
      links = network.links();
    } catch (error) {
      return `the interfaces of this node cannot be read: ${(error as Error).message}`;
    }
    const found = interfaceProblem(name, links);
    return found && `${found.problem}: set interface to ${found.right}`;
  }

  #takeLock(): Disposable | string {
    const { namespace, name } = this.#parts.lease;
    try {
      return this.#parts.holdLock(`${namespace}/${name}`);
    } catch (error) {
      return `Lease ${namespace}/${name} is stood for by another process on this node already: ` +
        `stop it, or set another leaseName (${(error as Error).message})`;
    }
  }

  /** Where Leases may not be read at all, no other one would be seen. */
  #denied(): string | undefined {
    const { lastError } = this.#parts.leases;
    return lastError?.status === 403 ? lastError.message : undefined;
  }

  #rival(holding: boolean): string | undefined {
    const { lease, leases, clock } = this.#parts;
    const rival = this.#rivals.rival(leases.all(), holding, clock.nowMs());
    if (rival === undefined) return undefined;
    const { scope, holder } = readLease(rival);
    const theirs = scope === lease.scope ? "" : `, as part of ${scope},`;
    return `${lease.scope} is served${theirs} under Lease ${keyOf(rival)} already ` +
      `(holder ${holder}): use that Lease, or stop that instance`;
  }

  #report(obstacle: string | undefined): void {
    if (obstacle === this.#obstacle) return;
    this.#obstacle = obstacle;
    if (obstacle !== undefined) this.#parts.logger.error("does not stand", { reason: obstacle });
    else this.#parts.logger.info("stands for the Lease");
  }
}
