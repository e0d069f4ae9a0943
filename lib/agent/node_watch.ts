import type { Clock } from "../election/clock.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { Watch, type WatchObserver } from "../kube/watch.ts";
import type { Task } from "./task.ts";

/** A node with this taint holds no VIPs; a drain sets it beside the cordon. */
export const NO_VIP_TAINT = "classvip.io/no-vip";

interface Node extends KubeObject {
  spec?: { taints?: { key?: string }[] };
}

/** Watches this node's own object for the taint that keeps VIPs away. */
export class NodeWatch implements Task {
  readonly name = "node";
  readonly #watch: Watch<Node, boolean>;
  readonly #listeners = new Set<(tainted: boolean) => void>();
  #tainted = false;

  constructor(parts: {
    client: KubeClient;
    clock: Clock;
    random: () => number;
    nodeName: string;
    observer: WatchObserver;
  }) {
    const look = () => this.#tell([...this.#watch.items.values()].includes(true));
    this.#watch = new Watch<Node, boolean>({
      name: "node",
      client: parts.client,
      clock: parts.clock,
      random: parts.random,
      path: "/api/v1/nodes",
      query: { fieldSelector: `metadata.name=${parts.nodeName}` },
      select: (node) => (node.spec?.taints ?? []).some(({ key }) => key === NO_VIP_TAINT),
      handler: { replaced: look, changed: look, deleted: look },
      observer: parts.observer,
    });
  }

  /** Calls the listener now and after every change. @returns a function that ends it */
  subscribe(listener: (tainted: boolean) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#tainted);
    return () => this.#listeners.delete(listener);
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#watch.run(signal);
  }

  #tell(tainted: boolean): void {
    if (tainted === this.#tainted) return;
    this.#tainted = tainted;
    for (const listener of this.#listeners) listener(tainted);
  }
}
