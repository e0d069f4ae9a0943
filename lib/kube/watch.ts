import { backoffMs } from "./backoff.ts";
import { KubeError } from "./errors.ts";
import { checkedPage, type ListPage } from "./list.ts";
import { watchRefusal } from "./refusal.ts";
import { comesBefore } from "./resource_version.ts";
import type { KubeClient, KubeObject, RequestOptions } from "./types.ts";
import { type Entry, keyOf, WatchState } from "./watch_state.ts";

/** Monotonic time and timers; `Clock` of the elections fits. */
export interface WatchClock {
  nowMs(): number;
  until(atMs: number, signal: AbortSignal): Promise<void>;
}

/** Takes what the watch saw. Called in order, never at the same time; an exception ends `run()`. */
export interface WatchHandler<Slim> {
  /**
   * A complete list: at the start, and whenever the watch lost its place.
   *
   * @param items by `namespace/name`; a live view that later events change.
   * @param deleted last known states of what went meanwhile, or was deleted and created anew.
   * @param resourceVersion of the list
   */
  replaced(
    items: ReadonlyMap<string, Slim>,
    deleted: readonly Slim[],
    resourceVersion?: string,
  ): void;
  changed(key: string, item: Slim): void;
  /**
   * @param last the last known state.
   * @param resourceVersion of the change by which it went
   */
  deleted(key: string, last: Slim, resourceVersion?: string): void;
}

/** Hears how the watch fares; for logs and metrics. */
export interface WatchObserver {
  listed?(count: number, ms: number): void;
  /**
   * The watch ended other than by the server's own time limit, and goes on after a pause.
   *
   * @param reason `reason` of the error, or "Closed" when the server ended it at once.
   */
  restarted?(reason: string, error?: KubeError): void;
  /** An object was left out. */
  malformed?(key: string | undefined, error: unknown): void;
  /** The server does not know the query; everything is read and sifted here. */
  fellBack?(error: KubeError): void;
}

type Query = Record<string, string | undefined>;

export interface WatchOptions<Raw extends KubeObject, Slim> {
  /** Names the Task. */
  name: string;
  client: KubeClient;
  clock: WatchClock;
  /** Uniform in [0, 1), for jitter. */
  random: () => number;
  /** Of the collection, for example `/api/v1/services`. */
  path: string;
  /** `fieldSelector`, `labelSelector`. */
  query?: Query;
  /** For older servers that answer 400 to the query. */
  fallback?: { query: Query; keep(raw: Raw): boolean };
  /** The fields to keep: memory follows these alone. May throw for a malformed object. */
  select(raw: Raw): Slim;
  handler: WatchHandler<Slim>;
  observer?: WatchObserver;
  /** Objects in one page of a list. Default 500. */
  pageSize?: number;
  /** A watch without a line for this long is dead. Default 90 s: bookmarks come every minute. */
  silenceMs?: number;
  /** For a page of a list, and for the head of a watch. Default 10 s. */
  deadlineMs?: number;
}

interface WatchEvent<Raw> {
  type?: string;
  object?: Raw;
}

/** A watch that lasted this long was a success: the next failure starts the back-off anew. */
const lastedMs = 2_000;

/** The server ends a watch between once and twice this; spreads the nodes' reconnects. */
const watchSeconds = 300;

/**
 * Keeps up with a collection: lists it, watches it, resumes from the last resourceVersion, and
 * lists again when that has expired. Goes on until its signal aborts, whatever the server does.
 */
export class Watch<Raw extends KubeObject, Slim> {
  readonly name: string;
  readonly #options: WatchOptions<Raw, Slim>;
  readonly #state = new WatchState<Slim>();
  readonly #synced = Promise.withResolvers<void>();
  #query: Query;
  #keep: (raw: Raw) => boolean = () => true;
  /** Where to go on; undefined asks for a list. */
  #resourceVersion: string | undefined;
  /** The server was out of reach: what answers now may stand on a backup of what was seen. */
  #wasAway = false;
  #isSynced = false;
  #lastActivityMs: number | undefined;
  #lastAttemptMs: number | undefined;
  #restarts = 0;
  #lastError: KubeError | undefined;
  /** Ends the present list, stream or pause. */
  #round = new AbortController();
  /** Wait for the end of the next list that begins. */
  #waiting: PromiseWithResolvers<void>[] = [];
  /** When the present stream was asked for. */
  #followedMs: number | undefined;

  constructor(options: WatchOptions<Raw, Slim>) {
    this.name = options.name;
    this.#options = options;
    this.#query = options.query ?? {};
  }

  /** By `namespace/name`, as of the last event. */
  get items(): ReadonlyMap<string, Slim> {
    return this.#state.items;
  }

  /** Up to which resourceVersion all is seen; undefined before the first list. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  /** A complete list was seen. */
  get synced(): boolean {
    return this.#isSynced;
  }

  /** Resolves with the first complete list. */
  get firstSync(): Promise<void> {
    return this.#synced.promise;
  }

  /** When the server last said anything, on the clock given; undefined before. */
  get lastActivityMs(): number | undefined {
    return this.#lastActivityMs;
  }

  /** When a list or watch was last tried; undefined before. */
  get lastAttemptMs(): number | undefined {
    return this.#lastAttemptMs;
  }

  /** What interrupted it last, until the server says something again. */
  get lastError(): KubeError | undefined {
    return this.#lastError;
  }

  /** How often it was interrupted. */
  get restarts(): number {
    return this.#restarts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, observer } = this.#options;
    let failures = 0;
    const end = () => this.#round.abort();
    signal.addEventListener("abort", end, { once: true });
    using _ = { [Symbol.dispose]: () => signal.removeEventListener("abort", end) };
    while (!signal.aborted) {
      this.#followedMs = undefined;
      let error: KubeError | undefined;
      const { signal: round } = this.#round = new AbortController();
      try {
        if (this.#wasAway && this.#resourceVersion !== undefined) await this.#checkPlace(round);
        this.#wasAway = false;
        if (this.#resourceVersion === undefined || this.#waiting.length > 0) {
          await this.#list(round);
        }
        await this.#follow(round);
      } catch (thrown) {
        if (signal.aborted) return;
        if (!(thrown instanceof KubeError)) throw thrown;
        if (round.aborted) continue;
        error = thrown;
        if (error.status === 0) this.#wasAway = true;
        if (losesPlace(error)) this.#resourceVersion = undefined;
      }
      if (signal.aborted) return;
      const answered = error?.reason === "Timeout" ? undefined : this.#followedMs;
      const lasted = answered !== undefined && clock.nowMs() - answered >= lastedMs;
      if (lasted) failures = 0;
      // The server's own time limit: nothing to report, nothing to wait for.
      if (error === undefined && lasted) continue;
      this.#lastError = error;
      this.#restarts++;
      observer?.restarted?.(error?.reason ?? "Closed", error);
      // An expired place is everyday; only a server that says so again and again is waited for.
      const atOnce = error?.status === 410 && failures === 0;
      const pauseMs = atOnce ? 0 : backoffMs(failures, random, error?.retryAfterMs);
      failures++;
      if (pauseMs > 0) await clock.until(clock.nowMs() + pauseMs, round);
    }
  }

  /**
   * Asks again from where it stands, at once: a connection may have died without a word, and what
   * was missed is needed now.
   */
  refresh(): void {
    this.#round.abort();
  }

  /**
   * Lists again, at once: also what a server does not tell its watches is needed now.
   *
   * @returns when the handler has a list that was asked for after this call: the API server answers
   * with all that was written before it
   */
  relist(): Promise<void> {
    const relisted = Promise.withResolvers<void>();
    this.#waiting.push(relisted);
    this.#round.abort();
    return relisted.promise;
  }

  /** Reads all pages before anything changes: a list that breaks off leaves no trace. */
  async #list(signal: AbortSignal): Promise<void> {
    const { clock, handler, observer } = this.#options;
    const startedMs = clock.nowMs();
    const waiting = [...this.#waiting];
    const entries = new Map<string, Entry<Slim> | undefined>();
    let resourceVersion: string;
    let next: string | undefined;
    do {
      const page = await this.#page(next, signal);
      this.#sawActivity();
      for (const raw of page.items ?? []) this.#collect(raw ?? undefined, entries);
      ({ resourceVersion } = page.metadata);
      next = page.metadata.continue || undefined;
    } while (next !== undefined);
    handler.replaced(this.#state.items, this.#state.replace(entries), resourceVersion);
    this.#resourceVersion = resourceVersion;
    this.#isSynced = true;
    this.#synced.resolve();
    this.#waiting = this.#waiting.filter((one) => !waiting.includes(one));
    for (const { resolve } of waiting) resolve();
    observer?.listed?.(entries.size, clock.nowMs() - startedMs);
  }

  /**
   * Where etcd was restored from a backup, the server stands before what was seen, and would be silent
   * about all that happens until it gets there again.
   */
  async #checkPlace(signal: AbortSignal): Promise<void> {
    const { client, path } = this.#options;
    const page = await client.request<Partial<ListPage<Raw | null>> | undefined>({
      ...this.#request(signal),
      query: { ...this.#query, limit: "1" },
    });
    this.#sawActivity();
    if (comesBefore(checkedPage(page, path).metadata.resourceVersion, this.#resourceVersion)) {
      this.#resourceVersion = undefined;
    }
  }

  async #page(next: string | undefined, signal: AbortSignal): Promise<ListPage<Raw | null>> {
    const { client, path, pageSize, fallback, observer } = this.#options;
    const paging = { limit: String(pageSize ?? 500), continue: next };
    const query = this.#query;
    try {
      const page = await client.request<Partial<ListPage<Raw | null>> | undefined>({
        ...this.#request(signal),
        query: { ...query, ...paging },
      });
      return checkedPage(page, path);
    } catch (error) {
      // From the API itself: a proxy, or TLS where there is none, answers 400 too.
      const unknown = error instanceof KubeError && error.status === 400 &&
        error.reason === "BadRequest";
      if (!unknown || fallback === undefined || query === fallback.query) throw error;
      observer?.fellBack?.(error);
      this.#query = fallback.query;
      this.#keep = (raw) => fallback.keep(raw);
      return await this.#page(undefined, signal);
    }
  }

  #collect(raw: Raw | undefined, entries: Map<string, Entry<Slim> | undefined>): void {
    const key = keyOf(raw);
    if (raw === undefined || key === undefined) {
      return this.#malformed(key, new TypeError("Object without a name"));
    }
    try {
      const entry = this.#read(raw);
      if (entry !== undefined) entries.set(key, entry);
    } catch (error) {
      entries.set(key, undefined);
      this.#malformed(key, error);
    }
  }

  /** @returns undefined for what is not to be kept. */
  #read(raw: Raw): Entry<Slim> | undefined {
    if (!this.#keep(raw)) return undefined;
    return { uid: raw.metadata?.uid, item: this.#options.select(raw) };
  }

  /** Resolves when the server ends the watch. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { client, random, silenceMs } = this.#options;
    this.#followedMs = this.#options.clock.nowMs();
    const events = client.stream<WatchEvent<Raw>>({
      ...this.#request(signal),
      silenceMs: silenceMs ?? 90_000,
      query: {
        ...this.#query,
        watch: "true",
        allowWatchBookmarks: "true",
        resourceVersion: this.#resourceVersion,
        timeoutSeconds: String(Math.round(watchSeconds * (1 + random()))),
      },
    });
    for await (const event of events) {
      this.#sawActivity();
      this.#take(event);
    }
  }

  #take(event: WatchEvent<Raw> | null): void {
    const object = event?.object;
    if (event?.type === "ERROR") throw watchRefusal(this.#options.path, object);
    if (event?.type !== "BOOKMARK") this.#apply(event?.type, object);
    // Only after the handler has it, and for malformed objects too: they must not come again.
    this.#resourceVersion = object?.metadata?.resourceVersion ?? this.#resourceVersion;
  }

  #apply(type: string | undefined, raw: Raw | undefined): void {
    const { handler } = this.#options;
    const key = keyOf(raw);
    if (raw === undefined || key === undefined) {
      return this.#malformed(
        key,
        new TypeError(`Event "${type}" without an object that has a name`),
      );
    }
    let entry;
    try {
      entry = type === "DELETED" ? undefined : this.#read(raw);
    } catch (error) {
      return this.#malformed(key, error);
    }
    const change = entry === undefined ? this.#state.delete(key) : this.#state.set(key, entry);
    if (change.deleted !== undefined) {
      handler.deleted(key, change.deleted, raw.metadata?.resourceVersion);
    }
    if (change.item !== undefined) handler.changed(key, change.item);
  }

  #request(signal: AbortSignal): RequestOptions {
    const { path, deadlineMs } = this.#options;
    this.#lastAttemptMs = this.#options.clock.nowMs();
    return { method: "GET", path, signal, deadlineMs: deadlineMs ?? 10_000 };
  }

  #sawActivity(): void {
    this.#lastError = undefined;
    this.#lastActivityMs = this.#options.clock.nowMs();
  }

  #malformed(key: string | undefined, error: unknown): void {
    this.#options.observer?.malformed?.(key, error);
  }
}

/** After a refusal of the watch itself the resourceVersion may be what is wrong. */
function losesPlace({ status, reason }: KubeError): boolean {
  const busy = status === 429 || status === 503;
  return reason === "Unreadable" || (status >= 400 && !busy);
}
