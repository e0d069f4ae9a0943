import { RELEASED_ANNOTATION } from "../../lib/election/lease_record.ts";
import { KubeError } from "../../lib/kube/errors.ts";
import type { Event, KubeObject, Lease, Service } from "../../lib/kube/types.ts";
import type { Plane } from "./plane.ts";

/** Kinds that scenarios use: API path in front of the namespace, and plural. */
const KINDS = {
  Service: ["/api/v1", "services"],
  Event: ["/api/v1", "events"],
  Lease: ["/apis/coordination.k8s.io/v1", "leases"],
} as const;

interface Kinds {
  Service: Service;
  Event: Event;
  Lease: Lease;
}

/** The admin's hands on the API server. */
export class Kube implements Disposable {
  readonly #plane: Pick<Plane, "url" | "caCert" | "token">;
  readonly #client: Deno.HttpClient;

  constructor(plane: Pick<Plane, "url" | "caCert" | "token">) {
    this.#plane = plane;
    // Nothing idle: a connection that the server closed at its restart must not be used again.
    this.#client = Deno.createHttpClient({ caCerts: [plane.caCert], poolMaxIdlePerHost: 0 });
  }

  /** @throws {KubeError} with the server's message. */
  async request<T>(
    method: string,
    path: string,
    body?: unknown,
    contentType = method === "PATCH" ? "application/merge-patch+json" : "application/json",
  ): Promise<T> {
    const response = await fetch(this.#plane.url + path, {
      method,
      client: this.#client,
      headers: { authorization: `Bearer ${this.#plane.token}`, "content-type": contentType },
      ...body !== undefined && { body: JSON.stringify(body) },
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    const { status } = response;
    throw new KubeError(`${method} ${path}: ${status} ${text}`, { status, reason: "" });
  }

  async createNamespace(name: string): Promise<void> {
    await this.request("POST", "/api/v1/namespaces", { metadata: { name } });
  }

  /** A Lease as its last holder left it after it withdrew: nobody needs to wait before taking it. */
  layLease(
    namespace: string,
    name: string,
    annotations: Record<string, string> = {},
  ): Promise<Lease> {
    return this.create("Lease", {
      metadata: { namespace, name, annotations: { [RELEASED_ANNOTATION]: "0", ...annotations } },
      spec: { leaseTransitions: 0 },
    });
  }

  create<K extends keyof Kinds>(kind: K, object: Kinds[K]): Promise<Kinds[K]> {
    return this.request("POST", path(kind, object.metadata?.namespace!), object);
  }

  list<K extends keyof Kinds>(kind: K, namespace: string): Promise<{ items: Kinds[K][] }> {
    return this.request("GET", path(kind, namespace));
  }

  get<K extends keyof Kinds>(kind: K, { metadata }: KubeObject): Promise<Kinds[K]> {
    return this.request("GET", `${path(kind, metadata?.namespace!)}/${metadata?.name}`);
  }

  /** A merge patch (RFC 7386). */
  patch<K extends keyof Kinds>(
    kind: K,
    { metadata }: KubeObject,
    patch: unknown,
  ): Promise<Kinds[K]> {
    return this.request("PATCH", `${path(kind, metadata?.namespace!)}/${metadata?.name}`, patch);
  }

  async delete(kind: keyof Kinds, { metadata }: KubeObject): Promise<void> {
    await this.request("DELETE", `${path(kind, metadata?.namespace!)}/${metadata?.name}`);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function path(kind: keyof Kinds, namespace: string): string {
  const [root, plural] = KINDS[kind];
  return `${root}/namespaces/${namespace}/${plural}`;
}
