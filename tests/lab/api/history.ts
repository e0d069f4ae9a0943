import type { ApiObject, Resource } from "./resources.ts";
import { expired } from "./status.ts";

/** Changes kept at most, for servers that run long; etcd is compacted every five minutes. */
const KEPT = 20_000;

/** One write. The object is never changed afterwards. */
export interface Change {
  type: "ADDED" | "MODIFIED" | "DELETED";
  resourceVersion: number;
  resource: Resource;
  /** After the write; for DELETED the last state, with the deletion's resourceVersion. */
  object: ApiObject;
  /** Before the write. */
  previous?: ApiObject;
}

/** What etcd is to kube-apiserver: the objects, one revision counter, and the past up to a compaction. */
export class History {
  resourceVersion = 1;
  /** Changes up to this one are forgotten. */
  compacted = 1;
  readonly #objects = new Map<string, { resource: Resource; object: ApiObject }>();
  #changes: Change[] = [];
  readonly #listeners = new Set<(change: Change) => void>();

  get(resource: Resource, namespace: string, name: string): ApiObject | undefined {
    return this.#objects.get(key(resource, namespace, name))?.object;
  }

  put(resource: Resource, object: ApiObject): ApiObject {
    const { namespace = "", name = "" } = object.metadata;
    const previous = this.get(resource, namespace, name);
    const stored = this.#stamp(object);
    this.#objects.set(key(resource, namespace, name), { resource, object: stored });
    this.#record({ type: previous ? "MODIFIED" : "ADDED", resource, object: stored }, previous);
    return structuredClone(stored);
  }

  remove(resource: Resource, object: ApiObject): ApiObject {
    const { namespace = "", name = "" } = object.metadata;
    const previous = this.get(resource, namespace, name);
    this.#objects.delete(key(resource, namespace, name));
    const last = this.#stamp(object);
    this.#record({ type: "DELETED", resource, object: last }, previous);
    return structuredClone(last);
  }

  /**
   * The objects of a resource in the order of their keys.
   *
   * @param at As of this resourceVersion instead of now.
   * @throws {StatusError} 410 when that is compacted.
   */
  list(resource: Resource, at = this.resourceVersion): ApiObject[] {
    const objects = new Map<string, ApiObject>();
    for (const [path, entry] of this.#objects) {
      if (entry.resource === resource) objects.set(path, entry.object);
    }
    for (const change of this.since(at).reverse()) {
      if (change.resource !== resource) continue;
      const { namespace = "", name = "" } = change.object.metadata;
      const path = key(resource, namespace, name);
      if (change.previous) objects.set(path, change.previous);
      else objects.delete(path);
    }
    return [...objects].sort(([a], [b]) => a < b ? -1 : 1).map(([, object]) => object);
  }

  /** @throws {StatusError} 410 when changes after `resourceVersion` are compacted. */
  since(resourceVersion: number): Change[] {
    if (resourceVersion < this.compacted) {
      throw expired(`too old resource version: ${resourceVersion} (${this.compacted})`);
    }
    return this.#changes.filter((change) => change.resourceVersion > resourceVersion);
  }

  /** Forgets the past up to `resourceVersion`. */
  compact(resourceVersion = this.resourceVersion): void {
    this.compacted = resourceVersion;
    this.#changes = this.since(resourceVersion);
  }

  /** Calls `listener` within each write. @returns how to stop it. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #stamp(object: ApiObject): ApiObject {
    const stored = structuredClone(object);
    stored.metadata.resourceVersion = String(++this.resourceVersion);
    return stored;
  }

  #record(change: Omit<Change, "resourceVersion" | "previous">, previous?: ApiObject): void {
    const full: Change = { ...change, resourceVersion: this.resourceVersion };
    if (previous) full.previous = previous;
    this.#changes.push(full);
    if (this.#changes.length > KEPT) this.compact(this.#changes[KEPT >> 1]!.resourceVersion);
    for (const listener of this.#listeners) listener(full);
  }
}

function key(resource: Resource, namespace: string, name: string): string {
  return `${resource.plural}/${namespace}/${name}`;
}
