import type { Clock } from "../election/clock.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { Watch, type WatchObserver } from "../kube/watch.ts";
import { type Cidr, parseCidr } from "../net/cidr.ts";
import type { Task } from "./task.ts";

/** A node with this taint holds no VIPs; a drain sets it beside the cordon. */
export const NO_VIP_TAINT = "classvip.io/no-vip";

interface Node extends KubeObject {
  spec?: { taints?: { key?: string }[]; podCIDR?: string; podCIDRs?: string[] };
}

/** What is kept of it. */
interface NodeView {
  readonly tainted: boolean;
  readonly podNetworks: readonly Cidr[];
}

/** Watches this node's own object: the taint that keeps VIPs away, the addresses of its pods. */
export class NodeWatch implements Task {
  readonly name = "node";
  readonly #watch: Watch<Node, NodeView>;
  readonly #listeners = new Set<(tainted: boolean) => void>();
  #tainted = false;

  constructor(parts: {
    client: KubeClient;
    clock: Clock;
    random: () => number;
    nodeName: string;
    observer: WatchObserver;
  }) {
    const look = () => this.#tell([...this.#watch.items.values()].some(({ tainted }) => tainted));
    this.#watch = new Watch<Node, NodeView>({
      name: "node",
      client: parts.client,
      clock: parts.clock,
      random: parts.random,
      path: "/api/v1/nodes",
      query: { fieldSelector: `metadata.name=${parts.nodeName}` },
      select: viewNode,
      handler: { replaced: look, changed: look, deleted: look },
      observer: parts.observer,
    });
  }

  /** Where the addresses of its pods come from, unless its CNI keeps them elsewhere. */
  get podNetworks(): readonly Cidr[] {
    return [...this.#watch.items.values()].flatMap(({ podNetworks }) => podNetworks);
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

function viewNode({ spec = {} }: Node): NodeView {
  const podNetworks = spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []);
  return {
    tainted: (spec.taints ?? []).some(({ key }) => key === NO_VIP_TAINT),
    podNetworks: podNetworks.flatMap((text) => parseCidr(text) ?? []),
  };
}
