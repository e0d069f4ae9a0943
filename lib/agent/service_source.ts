import type { Clock } from "../election/clock.ts";
import type { KubeClient, Service } from "../kube/types.ts";
import { Watch, type WatchObserver } from "../kube/watch.ts";
import type { AddressOwners } from "../services/address_owners.ts";
import type { Changes } from "../services/changes.ts";
import type { ClassPolicy } from "../services/class_policy.ts";
import { type FormerOwners, versionNumber } from "../services/former_owners.ts";
import { ServiceIndex } from "../services/service_index.ts";
import { type ServiceView, viewService } from "../services/service_view.ts";
import type { Task } from "./task.ts";

/** The Services of one instance. */
export interface ServiceScope extends Disposable {
  /** Whether a complete list of its namespaces was seen. */
  readonly synced: boolean;
  /** Those of its class and namespaces, served or not. */
  services(): Iterable<ServiceView>;
  /** One of them by `namespace/name`. */
  find(key: string): ServiceView | undefined;
  /** Who gets which address, among the Services of all classes. */
  readonly owners: AddressOwners;
  /** @see IndexedScope.version */
  readonly version: number;
  /** Up to which resourceVersion, as a number, all is seen of its namespaces, changes or none. */
  readonly seen: number;
  /** @see IndexedScope.lostAt */
  readonly lostAt: number;
  /** Asks at once for what may have been missed on a connection that died without a word. */
  refresh(): void;
  /** Lists anew. @returns when all that was written before the call is known */
  relist(): Promise<void>;
}

/** What a {@linkcode ServiceSource} is made of. */
export interface ServiceSourceParts {
  readonly open: () => KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly observer: WatchObserver;
}

interface Running {
  readonly client: KubeClient;
  readonly watch: Watch<Service, ServiceView>;
  readonly stop: AbortController;
}

/** In place of a namespace: all of them. */
const ALL = "";

/**
 * The LoadBalancer Services of the cluster, kept up to date by one watch for all instances of the
 * process, or by one for each namespace where all instances are bound to namespaces: then no rights
 * beyond them are needed. Instances may come and go; what stays is not listed anew for them, unless
 * one needs other namespaces.
 */
export class ServiceSource implements Task {
  readonly name = "services";
  readonly #parts: ServiceSourceParts;
  readonly #index = new ServiceIndex();
  /** By namespace, or `ALL`. */
  readonly #watches = new Map<string, Running>();
  /** The namespaces of each scope. */
  readonly #scopes = new Set<readonly string[]>();
  readonly #ends = new Set<Promise<void>>();
  readonly #listeners = new Set<() => void>();
  readonly #fault = Promise.withResolvers<never>();
  #signal: AbortSignal | undefined;

  constructor(parts: ServiceSourceParts) {
    this.#parts = parts;
  }

  /** Reads what `open` will need, for as long as the result is not disposed. */
  expect(policy: Pick<ClassPolicy, "namespaces">): Disposable {
    const own = this.#ask(policy);
    return { [Symbol.dispose]: () => this.#forget(own) };
  }

  /** @param changed called after every change that concerns the instance */
  open(policy: ClassPolicy, changed: (changes: Changes) => void): ServiceScope {
    const own = this.#ask(policy);
    const scope = this.#index.open(policy, changed);
    const seenUpTo = (name: string) => this.seenUpTo(name);
    const isSynced = (name: string) => this.#watches.get(name)?.watch.synced ?? false;
    return {
      get synced() {
        return isSynced(ALL) || own.every(isSynced);
      },
      services: () => scope.services.values(),
      find: (key) => scope.services.get(key),
      owners: this.#index.owners,
      get version() {
        return scope.version;
      },
      get seen() {
        return Math.min(...own.map(seenUpTo));
      },
      get lostAt() {
        return scope.lostAt;
      },
      relist: async () => {
        const watches = own.map((name) => this.#watches.get(name) ?? this.#watches.get(ALL));
        await Promise.all(watches.map((running) => running?.watch.relist()));
      },
      refresh: () => this.#watches.forEach(({ watch }) => watch.refresh()),
      [Symbol.dispose]: () => {
        scope[Symbol.dispose]();
        this.#forget(own);
      },
    };
  }

  /** @returns namespaces, or `ALL`: a list of its own, since the same may be asked for twice */
  #ask({ namespaces }: Pick<ClassPolicy, "namespaces">): readonly string[] {
    const own = namespaces.length === 0 ? [ALL] : [...namespaces];
    this.#scopes.add(own);
    this.#arrange();
    return own;
  }

  #forget(own: readonly string[]): void {
    this.#scopes.delete(own);
    this.#arrange();
  }

  /** The LoadBalancer Services of all classes, as far as they are looked at. */
  services(): Iterable<ServiceView> {
    return this.#index.services.values();
  }

  /** Who gets which address. */
  get owners(): AddressOwners {
    return this.#index.owners;
  }

  /** Who had which address before. */
  get formers(): FormerOwners {
    return this.#index.formers;
  }

  /**
   * Up to which resourceVersion, as a number, all changes are seen; 0: none.
   *
   * @param namespace undefined: of all
   */
  seenUpTo(namespace = ALL): number {
    const running = this.#watches.get(ALL) ?? this.#watches.get(namespace);
    return versionNumber(running?.watch.resourceVersion);
  }

  /** Calls the listener after changes of Services. @returns a function that ends it */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether no namespace is left out. */
  get seesAll(): boolean {
    return this.#watches.has(ALL);
  }

  /** Whether every watch has seen a complete list. */
  get synced(): boolean {
    return this.#all.every(({ synced }) => synced);
  }

  /** What interrupted a watch, until the server says something again. */
  get lastError(): Error | undefined {
    return this.#all.find(({ lastError }) => lastError !== undefined)?.lastError;
  }

  /** When the quietest watch last heard from the server; undefined before. */
  get lastActivityMs(): number | undefined {
    return oldest(this.#all.map(({ lastActivityMs }) => lastActivityMs));
  }

  /** When the laziest watch last heard from the server or tried to. */
  get lastProgressMs(): number | undefined {
    return oldest(
      this.#all.map(({ lastActivityMs, lastAttemptMs }) =>
        Math.max(lastActivityMs ?? -Infinity, lastAttemptMs ?? -Infinity)
      ),
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const running of this.#watches.values()) this.#start(running);
    const aborted = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => aborted.resolve(), { once: true });
    if (signal.aborted) aborted.resolve();
    try {
      await Promise.race([aborted.promise, this.#fault.promise]);
    } finally {
      this.#watches.forEach(({ stop }) => stop.abort());
      await Promise.all(this.#ends);
      this.#watches.forEach(({ client }) => client[Symbol.dispose]());
    }
  }

  get #all(): Watch<Service, ServiceView>[] {
    return [...this.#watches.values()].map(({ watch }) => watch);
  }

  /** Starts the watches that are needed now; the others end when these have taken over. */
  #arrange(): void {
    const asked = new Set([...this.#scopes].flat());
    const needed = asked.has(ALL) ? [ALL] : [...asked].sort();
    // In between two plans: most likely the same will be asked for again.
    if (needed.length === 0) return;
    for (const name of needed) {
      if (this.#watches.has(name)) continue;
      const running = this.#make(name);
      this.#watches.set(name, running);
      if (this.#signal !== undefined) this.#start(running);
    }
    if (!needed.every((name) => this.#watches.get(name)!.watch.synced)) return;
    for (const [name, running] of this.#watches) {
      if (!needed.includes(name)) this.#end(name, running);
    }
  }

  #make(namespace: string): Running {
    const { open, clock, random, observer } = this.#parts;
    const client = open();
    const gone = (key: string, version: string | undefined) =>
      this.#index.put(key, this.#find(key), version);
    // Once the watch itself has taken note.
    const told = () =>
      queueMicrotask(() => {
        for (const listener of [...this.#listeners]) listener();
      });
    const watch = new Watch<Service, ServiceView>({
      name: "services",
      client,
      clock,
      random,
      path: namespace === ALL ? "/api/v1/services" : `/api/v1/namespaces/${namespace}/services`,
      query: { fieldSelector: "spec.type=LoadBalancer" },
      fallback: { query: {}, keep: (service) => service.spec?.type === "LoadBalancer" },
      select: viewService,
      handler: {
        replaced: (items, deleted, version) => {
          for (const { key } of deleted) if (!items.has(key)) gone(key, version);
          const missed = watch.synced;
          for (const [key, service] of items) {
            this.#index.put(key, service, service.resourceVersion, missed);
          }
          // The watch counts as synced once this call has returned.
          queueMicrotask(() => this.#arrange());
          told();
        },
        changed: (key, service) => {
          this.#index.put(key, service);
          told();
        },
        deleted: (key, _last, version) => {
          gone(key, version);
          told();
        },
      },
      observer,
    });
    return { client, watch, stop: new AbortController() };
  }

  #start({ watch, stop }: Running): void {
    const end = watch.run(AbortSignal.any([this.#signal!, stop.signal]))
      .catch((error) => this.#fault.reject(error))
      .finally(() => this.#ends.delete(end));
    this.#ends.add(end);
  }

  #end(name: string, { client, watch, stop }: Running): void {
    this.#watches.delete(name);
    stop.abort();
    client[Symbol.dispose]();
    for (const key of watch.items.keys()) this.#index.put(key, this.#find(key));
  }

  /** What another watch knows: two may see one Service while one takes over from the other. */
  #find(key: string): ServiceView | undefined {
    return this.#all.map(({ items }) => items.get(key)).find((service) => service !== undefined);
  }
}

function oldest(times: readonly (number | undefined)[]): number | undefined {
  return times.some((time) => time === undefined) ? undefined : Math.min(...times as number[]);
}
