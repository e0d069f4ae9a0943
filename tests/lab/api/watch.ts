import type { Faults } from "./faults.ts";
import type { Change, History } from "./history.ts";
import type { HttpRequest, Reply } from "./http.ts";
import { selection } from "./list.ts";
import type { ApiObject } from "./resources.ts";
import type { Route } from "./route.ts";
import type { Predicate } from "./selectors.ts";
import { StatusError } from "./status.ts";

/** One open watch. Lines are queued within the write that causes them, and sent in order. */
export class Watch {
  readonly #select: Predicate;
  readonly #bookmarks: boolean;
  readonly #queue: { type: string; object: unknown }[] = [];
  #version: number;
  #silent = false;
  #ended = false;
  #wake = () => {};

  /**
   * @param stale Starts from this resourceVersion instead of the one asked for.
   * @throws {StatusError} 400, 500.
   */
  constructor(
    readonly history: History,
    readonly route: Route,
    readonly request: HttpRequest,
    readonly stale?: number,
  ) {
    const { query } = request;
    this.#select = selection(route, query);
    this.#bookmarks = ["true", "1"].includes(query.get("allowWatchBookmarks") ?? "");
    const text = query.get("resourceVersion") ?? "";
    if (!/^\d*$/.test(text)) {
      const message = `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing ` +
        `"${text}": invalid syntax`;
      throw new StatusError(500, undefined, message);
    }
    this.#version = stale ?? Number(text);
  }

  /** Sends the past since the version asked for, then each change, until the watch ends. */
  async run(reply: Reply, faults: Faults): Promise<void> {
    const { closed, query } = this.request;
    const unsubscribe = this.history.subscribe((change) => this.#push(change));
    const seconds = Number(query.get("timeoutSeconds") ?? 0) || 1_800;
    const timer = setTimeout(() => {
      this.bookmark();
      this.end();
    }, seconds * 1_000);
    const onClosed = () => this.end();
    closed.addEventListener("abort", onClosed);
    try {
      this.#replay();
      await reply.begin(200, {
        "Cache-Control": "no-cache, private",
        "Content-Type": "application/json",
      });
      await this.#send(reply, faults);
    } finally {
      closed.removeEventListener("abort", onClosed);
      clearTimeout(timer);
      unsubscribe();
    }
  }

  /** Tells the client how far it has seen, if it allows that. */
  bookmark(): void {
    if (!this.#bookmarks || this.#ended) return;
    const { group, kind } = this.route.resource;
    this.#version = Math.max(this.#version, this.history.resourceVersion);
    this.#add("BOOKMARK", {
      kind,
      apiVersion: group ? `${group}/v1` : "v1",
      metadata: { resourceVersion: String(this.#version) },
    });
  }

  /** Ends the stream properly once the queue is sent. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #replay(): void {
    if (this.#version === 0) {
      for (const object of this.history.list(this.route.resource)) {
        if (this.#select(object)) this.#add("ADDED", object);
      }
      this.#version = this.history.resourceVersion;
      return;
    }
    try {
      for (const change of this.history.since(this.#version)) this.#push(change);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      this.#add("ERROR", error.status);
      this.end();
    }
  }

  /** An object that starts or stops to match the selectors comes and goes for this client. */
  #push({ type, resource, object, previous, resourceVersion }: Change): void {
    if (resource !== this.route.resource || resourceVersion <= this.#version) return;
    this.#version = resourceVersion;
    const before = previous !== undefined && this.#select(previous);
    const after = type !== "DELETED" && this.#select(object);
    if (after) this.#add(before ? "MODIFIED" : "ADDED", object);
    else if (before) {
      // The last state that matched, with the version of the change that ended it.
      const version = object.metadata.resourceVersion!;
      const last: ApiObject = {
        ...previous,
        metadata: { ...previous.metadata, resourceVersion: version },
      };
      this.#add("DELETED", last);
    }
  }

  #add(type: string, object: unknown): void {
    this.#queue.push({ type, object });
    this.#wake();
  }

  async #send(reply: Reply, faults: Faults): Promise<void> {
    const { closed, path, query } = this.request;
    while (!closed.aborted) {
      const line = this.#queue.shift();
      if (!line) {
        if (this.#ended) return await reply.end();
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      const fault = faults.forLine(`${path}?${query}`, line.type);
      const text = JSON.stringify(line) + "\n";
      if (fault?.kind === "cut") {
        await reply.chunk(text.slice(0, text.length >> 1));
        return reply.close();
      }
      if (fault?.kind === "mute") this.#silent = true;
      if (fault?.kind !== "swallow" && !this.#silent) await reply.chunk(text);
    }
  }
}
