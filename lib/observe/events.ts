import { fnv1a } from "../hash.ts";
import type { Clock } from "../election/clock.ts";
import type { Event, KubeObject } from "../kube/types.ts";
import type { Logger } from "./logger.ts";

/** Kinds of objects that Events are about, with their apiVersion. */
const API_VERSIONS = { Service: "v1", Lease: "coordination.k8s.io/v1" } as const;

/** A repeat within this time says nothing new, */
const REPEAT_MS = 10 * 60_000;
/** unless something else was said of the object since: the last Event must tell how it is. */
const RETURN_MS = 60_000;
/** Bounds for the worst case, a failover of thousands of Services. */
const QUEUE_LENGTH = 1000;
const REMEMBERED = 4000;
/** Between two tries of one Event, when the server asks for a pause without saying how long. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** What an Event tells of goes first: a take-over has the API server and this process to itself. */
const HESITATION_MS = 50;
/** Longest message of an Event (validation of events.k8s.io/v1). */
const MESSAGE_LENGTH = 1024;

/** Leaves room for what follows within the 253 characters of an Event's name. */
const NAME_LENGTH = 230;

/** What happened. */
export interface EventText {
  type: "Normal" | "Warning";
  /** CamelCase, for machines. */
  reason: string;
  message: string;
  /**
   * The same Event from every process that sees it: its name is made of what it says, so that the
   * API server takes one of them. Its message must name no node.
   */
  once?: boolean;
}

/** The server asked for a pause. */
export interface Pause {
  /** From Retry-After; undefined: it did not say how long. */
  readonly afterMs: number | undefined;
}

/** What an {@linkcode EventRecorder} is made of. */
export interface EventRecorderOptions {
  /**
   * Creates the Event in the namespace of its metadata.
   *
   * @returns a pause that the server asks for before the Event is sent once more
   */
  post: (event: Event, signal: AbortSignal) => Promise<Pause | void>;
  /** Waited for before each Event. */
  rate: { take(signal: AbortSignal): Promise<void> };
  /** An Event did not reach the API server. */
  onLost?: () => void;
  node: string;
  clock: Clock;
  logger: Logger;
  /** Wall-clock time for the Events. */
  now?: () => Date;
}

/**
 * Writes Kubernetes Events (core/v1) of one instance without holding up the caller: they wait in a
 * bounded queue, go out one at a time within a rate, and an API server that refuses them changes
 * nothing.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #now: () => Date;
  readonly #queue: { key: string; event: Event }[] = [];
  /** When each object, reason and message was last recorded; oldest first. */
  readonly #recorded = new Map<string, { readonly atMs: number; readonly object: string }>();
  /** What was last recorded of each object. */
  readonly #last = new Map<string, string>();
  readonly #hurry = new AbortController();
  readonly #stop = new AbortController();
  #pump: Promise<void> | undefined;
  #serial = 0;
  #lost = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
  }

  /** Events that did not reach the API server. */
  get lost(): number {
    return this.#lost;
  }

  /**
   * Queues an Event about an object. A repeat within ten minutes is left out, or within one where
   * another one came in between. Never throws.
   */
  record(kind: keyof typeof API_VERSIONS, object: KubeObject, text: EventText): void {
    const { uid, namespace, name } = object.metadata ?? {};
    // No longer than what is sent: thousands are remembered.
    const said = text.message.slice(0, MESSAGE_LENGTH);
    const about = `${kind}\n${uid ?? `${namespace}/${name}`}`;
    const key = [about, text.reason, said].join("\n");
    const nowMs = this.#options.clock.nowMs();
    const before = this.#recorded.get(key);
    const restMs = this.#last.get(about) === key ? REPEAT_MS : RETURN_MS;
    if (this.#stop.signal.aborted || before && nowMs - before.atMs < restMs) return;
    if (this.#queue.length >= QUEUE_LENGTH) return this.#lose("Too many Events at once");
    this.#remember(key, about, nowMs);
    this.#queue.push({ key, event: this.#event(kind, object, text) });
    this.#pump ??= this.#run();
  }

  /** Waits until the queue is empty, at most this long; what is left then is dropped. */
  async drain(deadlineMs: number): Promise<void> {
    this.#hurry.abort();
    if (this.#pump !== undefined) {
      const { clock } = this.#options;
      const drained = new AbortController();
      const pump = this.#pump.then(() => drained.abort());
      await clock.until(clock.nowMs() + deadlineMs, drained.signal);
      this.#stop.abort();
      await pump;
    }
    this.#stop.abort();
  }

  /** Posts one Event after another until none is left. Never rejects. */
  async #run(): Promise<void> {
    const { clock } = this.#options;
    await clock.until(clock.nowMs() + HESITATION_MS, this.#hurry.signal);
    const { signal } = this.#stop;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      try {
        await this.#send(next.event, signal);
      } catch (error) {
        this.#forget(next.key);
        this.#lose("Could not write a Kubernetes Event", error);
      }
    }
    this.#pump = undefined;
  }

  async #send(event: Event, signal: AbortSignal): Promise<void> {
    const { clock, post, rate } = this.#options;
    for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      await rate.take(signal);
      signal.throwIfAborted();
      const pause = await post(event, signal);
      if (!pause) return;
      await clock.until(clock.nowMs() + Math.max(pause.afterMs ?? 0, pauseMs), signal);
    }
  }

  /** Counts a lost Event. Only the first is logged: a rule that is missing is missing each time. */
  #lose(message: string, error?: unknown): void {
    this.#options.onLost?.();
    if (this.#lost++ === 0) {
      this.#options.logger.warn(`${message}; further losses are not logged`, { error });
    }
  }

  #remember(key: string, object: string, nowMs: number): void {
    this.#recorded.delete(key);
    this.#recorded.set(key, { atMs: nowMs, object });
    this.#last.set(object, key);
    for (const [oldest, { atMs }] of this.#recorded) {
      if (nowMs - atMs < REPEAT_MS && this.#recorded.size <= REMEMBERED) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const { object } = this.#recorded.get(key) ?? {};
    this.#recorded.delete(key);
    if (object !== undefined && this.#last.get(object) === key) this.#last.delete(object);
  }

  #event(kind: keyof typeof API_VERSIONS, object: KubeObject, text: EventText): Event {
    const { uid, namespace, name, resourceVersion } = object.metadata ?? {};
    const { node } = this.#options;
    const at = this.#now();
    // As client-go does it: a name that no other Event about this object has.
    const suffix = text.once
      ? fnv1a([kind, uid ?? "", text.reason, text.message].join("\n")).toString(16)
      : `${at.getTime().toString(16)}${(this.#serial++).toString(16).padStart(4, "0")}`;
    const involvedObject: Event["involvedObject"] = { apiVersion: API_VERSIONS[kind], kind };
    if (namespace !== undefined) involvedObject.namespace = namespace;
    if (name !== undefined) involvedObject.name = name;
    if (uid !== undefined) involvedObject.uid = uid;
    if (resourceVersion !== undefined) involvedObject.resourceVersion = resourceVersion;
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        name: `${name?.slice(0, NAME_LENGTH)}.${suffix}`,
        namespace: namespace ?? "default",
      },
      involvedObject,
      type: text.type,
      reason: text.reason,
      message: text.message.slice(0, MESSAGE_LENGTH),
      source: { component: "classvip", host: node },
      reportingComponent: "classvip",
      reportingInstance: node,
      firstTimestamp: at.toISOString(),
      lastTimestamp: at.toISOString(),
      count: 1,
    };
  }
}
