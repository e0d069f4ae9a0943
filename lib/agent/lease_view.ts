import type { Clock } from "../election/clock.ts";
import { MANAGED_SELECTOR } from "../election/lease_record.ts";
import type { KubeError } from "../kube/errors.ts";
import { watchLeases } from "../kube/lease_api.ts";
import type { KubeClient, Lease } from "../kube/types.ts";
import type { Watch, WatchObserver } from "../kube/watch.ts";
import type { Logger } from "../observe/logger.ts";
import type { Task } from "./task.ts";

/** Bookmarks come every minute. */
const LONGEST_SILENCE_MS = 75_000;
const DEADLINE_MS = 2000;

export interface LeaseViewParts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly observer: WatchObserver;
  readonly logger: Logger;
  /** A watch without an event for this long is dead: holders renew far more often. */
  readonly silenceMs?: number;
}

type Follower = (lease: Lease | undefined) => void;

/**
 * All Leases of classvip in the cluster, kept up to date by one watch for all instances of the
 * process. The events of a watch come in the order of the writes: who sees its own write here sees
 * every Lease as it was then, or later.
 *
 * Where Leases of other namespaces may not be read, those of the instances' own ones are seen.
 */
export class LeaseView implements Task {
  readonly name = "leases";
  readonly #parts: LeaseViewParts;
  readonly #listeners = new Set<() => void>();
  /** By the Lease: `namespace/name`. */
  readonly #followers = new Map<string, Set<Follower>>();
  readonly #seenMs = new WeakMap<Lease, number>();
  /** Ends the watch of all namespaces, where that is not allowed. */
  readonly #narrow = new AbortController();
  #watches: readonly Watch<Lease, Lease>[];
  readonly #settled = Promise.withResolvers<void>();
  /** Of the instances' own Leases. */
  readonly #namespaces = new Set<string>();
  /** Starts the watch of a namespace; undefined while one sees all of them. */
  #follow: ((namespace: string) => void) | undefined;

  constructor(parts: LeaseViewParts) {
    this.#parts = parts;
    this.#watches = [this.#watch(undefined)];
  }

  /** Resolves when the Leases were listed, or could not be. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Whether every watch has seen a complete list. */
  get synced(): boolean {
    return this.#watches.every(({ synced }) => synced);
  }

  /** Whether no namespace is left out. */
  get seesAll(): boolean {
    return !this.#narrow.signal.aborted;
  }

  /** What interrupted a watch, until the server says something again. */
  get lastError(): KubeError | undefined {
    return this.#watches.find(({ lastError }) => lastError !== undefined)?.lastError;
  }

  /** When the server last said anything; undefined before. */
  get lastActivityMs(): number | undefined {
    return this.#earliest(({ lastActivityMs }) => lastActivityMs);
  }

  /** When every watch was last tried, or heard of; undefined before. */
  get lastProgressMs(): number | undefined {
    return this.#earliest(({ lastActivityMs, lastAttemptMs }) =>
      Math.max(lastActivityMs ?? -Infinity, lastAttemptMs ?? -Infinity)
    );
  }

  all(): Lease[] {
    return this.#watches.flatMap(({ items }) => [...items.values()]);
  }

  /** When this version of a Lease was first seen; undefined for one that was not. */
  seenMs(lease: Lease): number | undefined {
    return this.#seenMs.get(lease);
  }

  /** The Lease as it was last seen. */
  find(namespace: string, name: string): Lease | undefined {
    const key = `${namespace}/${name}`;
    return this.#watches.map(({ items }) => items.get(key)).find((lease) => lease !== undefined);
  }

  /** Lists again, at once: a connection may have died without a word, or a proxy hold back events. */
  relist(): void {
    for (const watch of this.#watches) void watch.relist();
  }

  /** An instance has its Lease there. */
  cover(namespace: string): void {
    if (this.#namespaces.has(namespace)) return;
    this.#namespaces.add(namespace);
    this.#follow?.(namespace);
  }

  /** Calls the listener after every change. @returns a function that ends it */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Calls the follower with every version of a Lease that comes; undefined: it was deleted. In the
   * order of the writes, before the listeners.
   *
   * @returns a function that ends it
   */
  follow(namespace: string, name: string, follower: Follower): () => void {
    const key = `${namespace}/${name}`;
    const followers = this.#followers.get(key) ?? new Set();
    this.#followers.set(key, followers.add(follower));
    return () => {
      followers.delete(follower);
      if (followers.size === 0) this.#followers.delete(key);
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#watches[0]!.run(AbortSignal.any([signal, this.#narrow.signal]));
    if (signal.aborted) return;
    this.#watches = [];
    const ended = Promise.withResolvers<void>();
    let running = 0;
    this.#follow = (namespace) => {
      const watch = this.#watch(namespace);
      this.#watches = [...this.#watches, watch];
      running++;
      watch.run(signal).then(() => --running === 0 && ended.resolve(), ended.reject);
    };
    for (const namespace of this.#namespaces) this.#follow(namespace);
    await ended.promise;
  }

  #earliest(of: (watch: Watch<Lease, Lease>) => number | undefined): number | undefined {
    const times = this.#watches.map((watch) => of(watch) ?? -Infinity);
    const earliestMs = Math.min(...times);
    return Number.isFinite(earliestMs) ? earliestMs : undefined;
  }

  #watch(namespace: string | undefined): Watch<Lease, Lease> {
    const { observer, logger, clock } = this.#parts;
    const saw = (lease: Lease) => this.#seenMs.set(lease, clock.nowMs());
    const tell = (key: string, lease: Lease | undefined) => {
      for (const follower of [...this.#followers.get(key) ?? []]) follower(lease);
    };
    const changed = () => {
      if (this.synced) this.#settled.resolve();
      for (const listener of [...this.#listeners]) listener();
    };
    return watchLeases({
      ...this.#parts,
      name: "leases",
      namespace,
      query: { labelSelector: MANAGED_SELECTOR },
      handler: {
        replaced: (items, deleted) => {
          items.forEach(saw);
          // Once the watch itself has taken note.
          queueMicrotask(() => {
            for (const { metadata } of deleted) {
              tell(`${metadata?.namespace}/${metadata?.name}`, undefined);
            }
            items.forEach((lease, key) => tell(key, lease));
            changed();
          });
        },
        changed: (key, lease) => {
          saw(lease);
          tell(key, lease);
          changed();
        },
        deleted: (key) => {
          tell(key, undefined);
          changed();
        },
      },
      observer: {
        ...observer,
        restarted: (reason, error) => {
          const denied = error?.status === 403;
          if (denied && namespace === undefined) {
            logger.warn("only their own namespaces are searched for other Leases of the classes", {
              error,
            });
            return this.#narrow.abort();
          }
          observer.restarted?.(reason, error);
          this.#settled.resolve();
        },
      },
      silenceMs: Math.min(this.#parts.silenceMs ?? Infinity, LONGEST_SILENCE_MS),
      deadlineMs: DEADLINE_MS,
    });
  }
}
