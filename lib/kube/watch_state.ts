import type { KubeObject } from "./types.ts";

/** What became of one object. */
export interface Change<Slim> {
  /** The object as it is now; undefined when it is gone. */
  item: Slim | undefined;
  /** The last known state of an object that is gone or was created anew under the same name. */
  deleted: Slim | undefined;
}

/** `namespace/name`, or `name` for objects without a namespace; undefined for what is no object. */
export function keyOf(object: KubeObject | undefined): string | undefined {
  const { namespace, name } = object?.metadata ?? {};
  if (typeof name !== "string" || name === "") return undefined;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** An object reduced to what is kept of it, and the identity that tells a re-created one apart. */
export interface Entry<Slim> {
  readonly uid: string | undefined;
  readonly item: Slim;
}

/** The objects that the watch knows. */
export class WatchState<Slim> {
  readonly #items = new Map<string, Slim>();
  readonly #uids = new Map<string, string | undefined>();

  get items(): ReadonlyMap<string, Slim> {
    return this.#items;
  }

  set(key: string, { uid, item }: Entry<Slim>): Change<Slim> {
    const recreated = this.#items.has(key) && this.#uids.get(key) !== uid;
    const deleted = recreated ? this.#items.get(key) : undefined;
    this.#items.set(key, item);
    this.#uids.set(key, uid);
    return { item, deleted };
  }

  delete(key: string): Change<Slim> {
    const deleted = this.#items.get(key);
    this.#items.delete(key);
    this.#uids.delete(key);
    return { item: undefined, deleted };
  }

  /**
   * Takes a complete list in place of everything.
   *
   * @param entries undefined for an object that is there but malformed: what was known of it stays.
   * @returns the last known states of what is gone or was created anew.
   */
  replace(entries: ReadonlyMap<string, Entry<Slim> | undefined>): Slim[] {
    const deleted: (Slim | undefined)[] = [];
    for (const key of [...this.#items.keys()]) {
      if (!entries.has(key)) deleted.push(this.delete(key).deleted);
    }
    for (const [key, entry] of entries) {
      if (entry !== undefined) deleted.push(this.set(key, entry).deleted);
    }
    return deleted.filter((item) => item !== undefined);
  }
}
