import type { Clock } from "../election/clock.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { Watch, type WatchObserver } from "../kube/watch.ts";
import type { Labels } from "../pools/label_selector.ts";
import type { Task } from "./task.ts";

/**
 * The labels of all namespaces, for all instances of the process. They are watched from the first
 * pool on that goes by them: before that the right to read them is not needed.
 */
export class NamespaceLabels implements Task {
  readonly name = "namespaces";
  readonly #watch: Watch<KubeObject, Labels>;
  readonly #asked = Promise.withResolvers<void>();
  readonly #listeners = new Set<() => void>();
  #isAsked = false;

  constructor(parts: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly random: () => number;
    readonly observer: WatchObserver;
  }) {
    const changed = () => {
      for (const listener of [...this.#listeners]) listener();
    };
    this.#watch = new Watch<KubeObject, Labels>({
      ...parts,
      name: "namespaces",
      path: "/api/v1/namespaces",
      select: ({ metadata }) => metadata?.labels ?? {},
      handler: { replaced: changed, changed, deleted: changed },
    });
  }

  /** @returns what tells those of a namespace, none where it is not there; undefined: not known yet */
  ask(): ((namespace: string) => Labels) | undefined {
    if (!this.#isAsked) {
      this.#isAsked = true;
      this.#asked.resolve();
    }
    return this.#watch.synced ? this.#of : undefined;
  }

  /** What is in the way of those who asked. */
  get problem(): string | undefined {
    if (!this.#isAsked) return undefined;
    return this.#watch.lastError?.message ?? (this.#watch.synced ? undefined : "not listed yet");
  }

  /** Calls the listener after every change. @returns a function that ends it */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const abort = () => aborted.resolve();
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    await Promise.race([this.#asked.promise, aborted.promise]);
    signal.removeEventListener("abort", abort);
    await this.#watch.run(signal);
  }

  readonly #of = (namespace: string): Labels => this.#watch.items.get(namespace) ?? {};
}
