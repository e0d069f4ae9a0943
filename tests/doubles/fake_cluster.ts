import type { KubeObject, Lease, RequestOptions, Service } from "../../lib/kube/types.ts";
import { FakeKubeClient, Lines } from "./fake_kube_client.ts";
import { LeaseStore, refused } from "./fake_lease_api.ts";

interface Change {
  type: "ADDED" | "MODIFIED" | "DELETED";
  object: KubeObject;
}

/** An API server with one Lease, Services and their statuses, and watches on both. */
export class FakeCluster {
  readonly lease = new LeaseStore();
  /** Other Leases of classvip, as a list shows them. */
  otherLeases: Lease[] = [];
  readonly services = new Map<string, Service>();
  /** PATCH requests of statuses, by name of the Service. */
  readonly patched: string[] = [];
  /** Answers every request. A test may put something else in its place. */
  answer: (options: RequestOptions) => unknown = (options) => this.#answer(options);
  #version = 1;
  readonly #followers = new Map<Lines<Change>, string>();
  /** Of Services: a watch goes on where it left off. */
  readonly #changes: Change[] = [];
  #last: Lease | undefined;

  constructor() {
    this.lease.watch((lease) => {
      const object = lease ?? { ...this.#last };
      this.#tell("leases", lease === undefined ? "DELETED" : "MODIFIED", object);
      this.#last = lease;
    });
  }

  open(): FakeKubeClient {
    const client = new FakeKubeClient();
    client.answer = (options) => this.answer(options);
    client.follow = ({ path, query, signal }) => {
      const lines = new Lines<Change>(signal);
      const kind = path.split("/").at(-1)!;
      this.#followers.set(lines, kind);
      if (kind === "services") {
        const from = Number(query?.["resourceVersion"] ?? 0);
        for (const change of this.#changes) {
          if (Number(change.object.metadata?.resourceVersion) > from) lines.push(change);
        }
      }
      return lines;
    };
    return client;
  }

  /** Creates or changes a Service. */
  put(service: Service): void {
    const name = service.metadata!.name!;
    const type = this.services.has(name) ? "MODIFIED" : "ADDED";
    const metadata = { ...service.metadata, resourceVersion: String(++this.#version) };
    this.services.set(name, { ...service, metadata });
    this.#tell("services", type, this.services.get(name)!);
  }

  remove(name: string): void {
    const service = this.services.get(name)!;
    this.services.delete(name);
    const metadata = { ...service.metadata, resourceVersion: String(++this.#version) };
    this.#tell("services", "DELETED", { ...service, metadata });
  }

  /** Addresses that the status of a Service shows. */
  shown(name: string): string[] {
    const ingress = this.services.get(name)?.status?.loadBalancer?.ingress ?? [];
    return ingress.map(({ ip }) => ip ?? "");
  }

  #answer({ method, path, body }: RequestOptions): unknown {
    const parts = path.split("/");
    const kind = parts.includes("leases") ? "leases" : "services";
    const name = parts[parts.indexOf(kind) + 1];
    if (kind === "leases") return this.#answerLease(method, name, body as Lease);
    const metadata = { resourceVersion: String(this.#version) };
    if (name === undefined) return { metadata, items: [...this.services.values()] };
    const service = this.services.get(name);
    if (service === undefined) throw refused(404, "NotFound");
    if (method !== "PATCH") return service;
    this.patched.push(name);
    const { status } = body as Service;
    if ((body as Service).metadata?.uid !== service.metadata?.uid) throw refused(409, "Conflict");
    this.put({ ...service, status: structuredClone(status)! });
    return this.services.get(name);
  }

  #answerLease(method: string, name: string | undefined, body: Lease): unknown {
    const lease = this.lease.current();
    if (method === "POST") return this.lease.create(body);
    if (method === "PUT") return this.lease.replace(body);
    if (name === undefined) {
      const items = [...(lease ? [lease] : []), ...this.otherLeases];
      return { metadata: { resourceVersion: "1" }, items };
    }
    if (lease === undefined) throw refused(404, "NotFound");
    return lease;
  }

  #tell(kind: string, type: Change["type"], object: KubeObject): void {
    if (kind === "services") this.#changes.push({ type, object: structuredClone(object) });
    for (const [lines, followed] of this.#followers) {
      if (followed === kind) lines.push({ type, object: structuredClone(object) });
    }
  }
}
