import type { Clock } from "../election/clock.ts";
import type { KubeClient, Service } from "../kube/types.ts";
import { Watch, type WatchObserver } from "../kube/watch.ts";
import { type ServiceView, viewService } from "../services/service_view.ts";
import type { Task } from "./task.ts";

/**
 * The LoadBalancer Services of the cluster, kept up to date by one watch for all instances of the
 * process, or by one for each namespace where all instances are bound to namespaces.
 */
export class ServiceSource implements Task {
  readonly name = "services";
  readonly #watches: readonly Watch<Service, ServiceView>[];
  readonly #listeners = new Set<() => void>();

  constructor(parts: {
    open: () => KubeClient;
    clock: Clock;
    random: () => number;
    /** Undefined: all namespaces. */
    namespaces: readonly string[] | undefined;
    observer: WatchObserver;
  }) {
    const changed = () => this.#listeners.forEach((listener) => listener());
    const paths = parts.namespaces?.map((name) => `/api/v1/namespaces/${name}/services`) ??
      ["/api/v1/services"];
    this.#watches = paths.map((path) =>
      new Watch<Service, ServiceView>({
        name: "services",
        client: parts.open(),
        clock: parts.clock,
        random: parts.random,
        path,
        query: { fieldSelector: "spec.type=LoadBalancer" },
        fallback: { query: {}, keep: (service) => service.spec?.type === "LoadBalancer" },
        select: viewService,
        handler: { replaced: changed, changed, deleted: changed },
        observer: parts.observer,
      })
    );
  }

  /** Whether every watch has seen a complete list. */
  get synced(): boolean {
    return this.#watches.every(({ synced }) => synced);
  }

  /** What interrupted a watch, until the server says something again. */
  get lastError(): Error | undefined {
    return this.#watches.find(({ lastError }) => lastError !== undefined)?.lastError;
  }

  /** Asks at once for what may have been missed on a connection that died without a word. */
  refresh(): void {
    for (const watch of this.#watches) watch.refresh();
  }

  /** When the quietest watch last heard from the server; undefined before. */
  get lastActivityMs(): number | undefined {
    return oldest(this.#watches.map(({ lastActivityMs }) => lastActivityMs));
  }

  /** When the laziest watch last heard from the server or tried to. */
  get lastProgressMs(): number | undefined {
    return oldest(
      this.#watches.map(({ lastActivityMs, lastAttemptMs }) =>
        Math.max(lastActivityMs ?? -Infinity, lastAttemptMs ?? -Infinity)
      ),
    );
  }

  *services(): Iterable<ServiceView> {
    for (const watch of this.#watches) yield* watch.items.values();
  }

  /** Calls the listener after every change. @returns a function that ends it */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.run(signal)));
  }
}

function oldest(times: readonly (number | undefined)[]): number | undefined {
  return times.some((time) => time === undefined) ? undefined : Math.min(...times as number[]);
}
