import type { Clock } from "../election/clock.ts";
import { MANAGED_LABEL } from "../election/lease_record.ts";
import { RivalWatch } from "../election/rivals.ts";
import { KubeError } from "../kube/errors.ts";
import { listLeases } from "../kube/lease_api.ts";
import type { KubeClient, Lease } from "../kube/types.ts";
import type { Network } from "../net/link.ts";
import type { Logger } from "../observe/logger.ts";
import { isUsable } from "../vip/placement.ts";

const LOOK_AGAIN_MS = 1000;
/** The obstacle before the first look. */
export const NOT_LOOKED = "not looked yet";
/** Between two looks for a second Lease of the same scope, while standing. */
const RIVAL_CHECK_MS = 10_000;
const LIST_DEADLINE_MS = 5000;

export interface GateParts {
  readonly lease: { readonly namespace: string; readonly name: string; readonly scope: string };
  /** Name of an interface, or "auto". */
  readonly interface: string;
  readonly network: Network;
  readonly client: KubeClient;
  readonly clock: Clock;
  /** @throws when another process on this node has the lock; the message says so */
  readonly holdLock: (name: string) => Disposable;
  readonly logger: Logger;
}

/**
 * What must be true before an instance may stand for its Lease: its interface is there, no other
 * process on this node stands for the same Lease, no other Lease serves the same Services.
 */
export class Gate {
  readonly #parts: GateParts;
  readonly #rivals: RivalWatch;
  #obstacle: string | undefined = NOT_LOOKED;
  #listFailed: string | undefined;
  /** Leases of other namespaces may not be read. */
  #narrow = false;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#rivals = new RivalWatch(parts.lease);
  }

  /** Why the instance does not stand, in words that say what to do; undefined when it does. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  /** Waits until nothing is in the way. @returns the lock; undefined when the signal aborted */
  async pass(signal: AbortSignal): Promise<Disposable | undefined> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      const obstacle = this.#missingInterface() ?? await this.#rival(false, signal);
      const lock = obstacle ?? this.#takeLock();
      if (signal.aborted) {
        if (typeof lock === "object") lock[Symbol.dispose]();
        return undefined;
      }
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
   * @param atLeast resourceVersion of the Lease as it was taken
   * @returns the rival that has the right of way; undefined: nobody is in the way
   * @throws {Error} when that cannot be told yet: no answer, or a rival that has to go first
   */
  async confirm(atLeast: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    const leases = await this.#list(signal, atLeast);
    const older = this.#rivalIn(leases, true);
    if (older !== undefined) {
      this.#report(older);
      return older;
    }
    const younger = this.#rivalIn(leases, false);
    if (younger !== undefined) throw new Error(younger);
    return undefined;
  }

  /** Looks on while the instance stands. Resolves when something got in the way. */
  async guard(signal: AbortSignal, holding: () => boolean): Promise<void> {
    const { clock } = this.#parts;
    let held = false;
    let nextMs = clock.nowMs() + RIVAL_CHECK_MS;
    while (!signal.aborted) {
      // Two that started together see each other at the latest once both hold.
      if (clock.nowMs() >= nextMs || (holding() && !held)) {
        held = holding();
        const rival = await this.#rival(held, signal);
        if (rival !== undefined && !signal.aborted) return this.#report(rival);
        nextMs = clock.nowMs() + (this.#listFailed ? LOOK_AGAIN_MS : RIVAL_CHECK_MS);
      }
      held &&= holding();
      await clock.until(clock.nowMs() + LOOK_AGAIN_MS, signal);
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
    const link = links.find((link) => link.name === name);
    const known = links.filter(isUsable).map((link) => link.name).join(", ") || "none";
    if (link === undefined) {
      return `there is no interface ${name} on this node: set interface to one of ${known}`;
    }
    return isUsable(link)
      ? undefined
      : `interface ${name} is not an Ethernet interface, ARP needs one: set interface to one of ${known}`;
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

  async #rival(holding: boolean, signal: AbortSignal): Promise<string | undefined> {
    try {
      const leases = await this.#list(signal);
      this.#listFailed = undefined;
      return this.#rivalIn(leases, holding);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // Without an answer the election waits as well, and this look comes again before any claim.
      if (error.message !== this.#listFailed && !signal.aborted) {
        this.#parts.logger.warn("could not look for another Lease of the same class", { error });
      }
      this.#listFailed = error.message;
      return error.status === 403 ? error.message : undefined;
    }
  }

  #rivalIn(leases: readonly Lease[], holding: boolean): string | undefined {
    const { lease, clock } = this.#parts;
    const rival = this.#rivals.rival(leases, holding, clock.nowMs());
    return rival && `${lease.scope} is served under Lease ${rival.metadata?.namespace}/` +
        `${rival.metadata?.name} already (holder ${rival.spec?.holderIdentity}): ` +
        `use that Lease, or stop that instance`;
  }

  /** Of all namespaces where that is allowed, else of the Lease's own. */
  async #list(signal: AbortSignal, atLeast?: string): Promise<Lease[]> {
    const { client, lease, logger } = this.#parts;
    const list = (namespace: string | undefined) =>
      listLeases(client, {
        namespace,
        labelSelector: Object.entries(MANAGED_LABEL).map((pair) => pair.join("=")).join(","),
        ...(atLeast !== undefined && { atLeast }),
        deadlineMs: LIST_DEADLINE_MS,
        signal,
      });
    if (this.#narrow) return await list(lease.namespace);
    try {
      return await list(undefined);
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 403) throw error;
      const leases = await list(lease.namespace);
      logger.warn("only this namespace is searched for another Lease of the same class", { error });
      this.#narrow = true;
      return leases;
    }
  }

  #report(obstacle: string | undefined): void {
    if (obstacle === this.#obstacle) return;
    this.#obstacle = obstacle;
    if (obstacle !== undefined) this.#parts.logger.error("does not stand", { reason: obstacle });
    else this.#parts.logger.info("stands for the Lease");
  }
}
