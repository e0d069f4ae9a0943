import { KubeError } from "./errors.ts";
import type { KubeClient, Lease } from "./types.ts";
import { Watch, type WatchClock, type WatchHandler, type WatchObserver } from "./watch.ts";

interface Limits {
  deadlineMs?: number;
  signal?: AbortSignal;
}

/** Requests for one Lease (coordination.k8s.io/v1). Failures are KubeErrors. */
export class KubeLeaseApi {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #name: string;

  constructor(client: KubeClient, lease: { namespace: string; name: string }) {
    this.#client = client;
    this.#namespace = lease.namespace;
    this.#name = lease.name;
  }

  /** @returns undefined when there is no such Lease. */
  async get(limits: Limits = {}): Promise<Lease | undefined> {
    try {
      return await this.#client.request<Lease>({ ...limits, method: "GET", path: this.#path });
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Status 409, reason "AlreadyExists", when there is one. */
  create(lease: Lease, limits: Limits = {}): Promise<Lease> {
    const path = leasesPath(this.#namespace);
    return this.#client.request<Lease>({ ...limits, method: "POST", path, body: lease });
  }

  /** Compare-and-swap on the resourceVersion in `lease`: status 409, reason "Conflict", when stale. */
  replace(lease: Lease, limits: Limits = {}): Promise<Lease> {
    return this.#client.request<Lease>({
      ...limits,
      method: "PUT",
      path: this.#path,
      body: lease,
    });
  }

  /** @param options.client a client of its own, so that the watch never delays a write. */
  watch(options: {
    client: KubeClient;
    clock: WatchClock;
    random: () => number;
    handler: WatchHandler<Lease>;
    observer?: WatchObserver;
    silenceMs?: number;
    deadlineMs?: number;
  }): Watch<Lease, Lease> {
    return new Watch<Lease, Lease>({
      ...options,
      name: `lease-watch ${this.#namespace}/${this.#name}`,
      path: leasesPath(this.#namespace),
      query: { fieldSelector: `metadata.name=${this.#name}` },
      select: (lease) => lease,
    });
  }

  get #path(): string {
    return `${leasesPath(this.#namespace)}/${this.#name}`;
  }
}

/** The Leases of a namespace, or of all, that carry the labels, for example `a=b,c`. */
export async function listLeases(
  client: KubeClient,
  options: { namespace: string | undefined; labelSelector: string } & Limits,
): Promise<Lease[]> {
  const { namespace, labelSelector, ...limits } = options;
  const list = await client.request<{ items?: Lease[] | null }>({
    ...limits,
    method: "GET",
    path: leasesPath(namespace),
    query: { labelSelector },
  });
  return list.items ?? [];
}

function leasesPath(namespace: string | undefined): string {
  const within = namespace === undefined ? "" : `namespaces/${namespace}/`;
  return `/apis/coordination.k8s.io/v1/${within}leases`;
}
