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
      // Of the API itself: that of some other server says nothing about Leases.
      const isMissing = error instanceof KubeError && error.status === 404 &&
        error.reason === "NotFound";
      if (isMissing) return undefined;
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

  get #path(): string {
    return `${leasesPath(this.#namespace)}/${this.#name}`;
  }
}

/** @throws {KubeError} when what came is no Lease: a proxy in between, a half-broken server */
function checked(lease: Lease | null | undefined): Lease {
  if (typeof lease?.metadata?.resourceVersion === "string") return lease;
  throw new KubeError("The API server answered with something that is not a Lease", {
    status: 0,
    reason: "Unreadable",
  });
}

/** What a watch of Leases is made of. */
export interface LeaseWatchOptions {
  client: KubeClient;
  clock: WatchClock;
  random: () => number;
  handler: WatchHandler<Lease>;
  observer?: WatchObserver;
  silenceMs?: number;
  deadlineMs?: number;
}

/** Watches the Leases of a namespace, or of all, that the query selects. */
export function watchLeases(
  options: LeaseWatchOptions & {
    name: string;
    namespace: string | undefined;
    query: Record<string, string>;
  },
): Watch<Lease, Lease> {
  const { namespace, ...rest } = options;
  return new Watch<Lease, Lease>({ ...rest, path: leasesPath(namespace), select: checked });
}

function leasesPath(namespace: string | undefined): string {
  const within = namespace === undefined ? "" : `namespaces/${namespace}/`;
  return `/apis/coordination.k8s.io/v1/${within}leases`;
}
