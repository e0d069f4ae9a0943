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
      return checked(
        await this.#client.request<Lease>({ ...limits, method: "GET", path: this.#path }),
      );
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Status 409, reason "AlreadyExists", when there is one. */
  async create(lease: Lease, limits: Limits = {}): Promise<Lease> {
    const path = leasesPath(this.#namespace);
    return checked(
      await this.#client.request<Lease>({ ...limits, method: "POST", path, body: lease }),
    );
  }

  /** Compare-and-swap on the resourceVersion in `lease`: status 409, reason "Conflict", when stale. */
  async replace(lease: Lease, limits: Limits = {}): Promise<Lease> {
    return checked(
      await this.#client.request<Lease>({
        ...limits,
        method: "PUT",
        path: this.#path,
        body: lease,
      }),
    );
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
      select: checked,
    });
  }

  get #path(): string {
    return `${leasesPath(this.#namespace)}/${this.#name}`;
  }
}

/** @throws {KubeError} when what came is no Lease: a proxy in between, a half-broken server */
function checked(lease: Lease | null | undefined): Lease {
  if (typeof lease?.metadata?.resourceVersion === "string") return lease;
  throw unreadable("a Lease");
}

function unreadable(what: string): KubeError {
  return new KubeError(`The API server answered with something that is not ${what}`, {
    status: 0,
    reason: "Unreadable",
  });
}

/**
 * The Leases of a namespace, or of all, that carry the labels, for example `a=b,c`.
 *
 * @param options.atLeast a resourceVersion: the list shows all that was written before it
 */
export async function listLeases(
  client: KubeClient,
  options: { namespace: string | undefined; labelSelector: string; atLeast?: string } & Limits,
): Promise<Lease[]> {
  const { namespace, labelSelector, atLeast, ...limits } = options;
  const list = await client.request<{ items?: Lease[] | null }>({
    ...limits,
    method: "GET",
    path: leasesPath(namespace),
    query: {
      labelSelector,
      resourceVersion: atLeast,
      resourceVersionMatch: atLeast && "NotOlderThan",
    },
  });
  if (!Array.isArray(list?.items)) throw unreadable("a list of Leases");
  return list.items;
}

function leasesPath(namespace: string | undefined): string {
  const within = namespace === undefined ? "" : `namespaces/${namespace}/`;
  return `/apis/coordination.k8s.io/v1/${within}leases`;
}
