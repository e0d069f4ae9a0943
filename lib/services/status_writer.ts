import type { Clock } from "../election/clock.ts";
import { KubeError } from "../kube/errors.ts";
import type { KubeClient, Service } from "../kube/types.ts";
import { sameIngress, type StatusWrite } from "./decide.ts";
import { type ServiceView, viewService } from "./service_view.ts";

/** What becomes of status writes, for logs, metrics and Events. */
export interface StatusObserver {
  statusWritten(write: StatusWrite): void;
  statusFailed(write: StatusWrite, error: KubeError): void;
}

/** How fast writes may go out. */
export interface WriteRate {
  /** @returns 0: one may go out now; else how long to wait before asking again, in milliseconds */
  tryTake(): number;
}

interface Job {
  write: StatusWrite;
  /** Clears a Service that is not served any more: only what this instance had written. */
  readonly published: readonly string[] | undefined;
  failures: number;
  /** Not wanted any more while it was under way: a failure ends it. */
  forgotten: boolean;
  /** Read the Service first. */
  readonly look: boolean;
}

function newJob(write: StatusWrite, published?: readonly string[]): Job {
  return { write, published, failures: 0, forgotten: false, look: false };
}

const PARALLEL = 32;
/** Of these for writes that failed before: what is broken must not hold up what is new. */
const PARALLEL_RETRIES = 8;
const DEADLINE_MS = 3000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 30_000;

/**
 * Writes Service statuses, several at a time, each with its own retries: one that is refused or
 * slow never delays another. The newest wish for a Service replaces an older one.
 */
export class StatusWriter {
  readonly name = "status-writer";
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #observer: StatusObserver;
  readonly #rate: WriteRate;
  /** The server has had enough of all writes until then. */
  #pausedUntilMs = -Infinity;
  /** How often in a row it said so. */
  #pauses = 0;
  /** Due now, in order of arrival. */
  readonly #due = new Map<string, Job>();
  /** Waiting for a retry. */
  readonly #later = new Map<string, { job: Job; atMs: number }>();
  readonly #running = new Map<string, Job>();
  /** What was last written for a view, as JSON: the same view is not written for twice. */
  readonly #written = new WeakMap<ServiceView, string>();
  #retrying = 0;
  #wake = new AbortController();
  #aborted = false;

  constructor(
    client: KubeClient,
    clock: Clock,
    observer: StatusObserver,
    rate: WriteRate = { tryTake: () => 0 },
  ) {
    this.#rate = rate;
    this.#client = client;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** How many writes wait or are under way. */
  get pending(): number {
    return this.#due.size + this.#later.size + this.#running.size;
  }

  /**
   * Sets a status.
   *
   * @param look whether to read the Service first: what is known of it may be old
   */
  write(write: StatusWrite, look = false): void {
    this.#enqueue({ ...newJob(write), look });
  }

  /**
   * Clears the status of a Service that is not served any more, if it is still as published.
   *
   * @param published all addresses that this instance vouched for
   */
  clear(service: ServiceView, published: readonly string[]): void {
    this.#enqueue(newJob({ service, ingress: [] }, published));
  }

  /**
   * Forgets the writes that are not wanted any more: of Services that are not among these.
   *
   * @param of the Services to look at; undefined: all
   */
  keepOnly(keys: ReadonlySet<string>, of?: ReadonlySet<string>): void {
    this.#forget((key, job) =>
      job.published !== undefined || keys.has(key) || of?.has(key) === false
    );
  }

  /** Forgets everything: another node is the holder now. */
  forget(): void {
    this.#forget(() => false);
  }

  async run(signal: AbortSignal): Promise<void> {
    const abort = () => {
      this.#aborted = true;
      this.#wake.abort();
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    const jobs = new Set<Promise<void>>();
    let fault: { error: unknown } | undefined;
    while (!this.#aborted && fault === undefined) {
      this.#wake = new AbortController();
      let nextMs = this.#promote();
      for (const [key, job] of this.#due) {
        if (jobs.size >= PARALLEL) break;
        // One write at a time for a Service, so that the newest comes last.
        if (this.#running.has(key)) continue;
        if (job.failures > 0 && this.#retrying >= PARALLEL_RETRIES) continue;
        const waitMs = this.#takeTurn();
        if (waitMs > 0) {
          nextMs = Math.min(nextMs, this.#clock.nowMs() + waitMs);
          break;
        }
        this.#due.delete(key);
        this.#running.set(key, job);
        const isRetry = job.failures > 0;
        if (isRetry) this.#retrying++;
        const done = this.#perform(key, job, signal).catch((error) => {
          fault ??= { error };
        }).finally(() => {
          if (isRetry) this.#retrying--;
          this.#running.delete(key);
          jobs.delete(done);
          this.#wake.abort();
        });
        jobs.add(done);
      }
      await this.#clock.until(nextMs, this.#wake.signal);
    }
    await Promise.all(jobs);
    signal.removeEventListener("abort", abort);
    if (fault !== undefined) throw fault.error;
  }

  /** @returns how long the next write has to wait; 0: not at all */
  #takeTurn(): number {
    const pausedMs = this.#pausedUntilMs - this.#clock.nowMs();
    return pausedMs > 0 ? pausedMs : this.#rate.tryTake();
  }

  #forget(keep: (key: string, job: Job) => boolean): void {
    for (const [key, job] of this.#due) if (!keep(key, job)) this.#due.delete(key);
    for (const [key, { job }] of this.#later) if (!keep(key, job)) this.#later.delete(key);
    for (const [key, job] of this.#running) if (!keep(key, job)) job.forgotten = true;
  }

  #enqueue(job: Job): void {
    const { key } = job.write.service;
    const waiting = this.#due.get(key) ?? this.#later.get(key)?.job;
    const wish = ({ write, published }: Job) =>
      JSON.stringify([write.service.uid, write.ingress, published]);
    const sameWish = waiting !== undefined && wish(waiting) === wish(job);
    // It goes out on top of the newest version that is known.
    if (sameWish) waiting.write = job.write;
    if (sameWish || this.#isWritten(job)) return;
    this.#later.delete(key);
    this.#due.set(key, job);
    this.#wake.abort();
  }

  /** Makes retries due whose time has come. @returns when the next one is */
  #promote(): number {
    let nextMs = Infinity;
    for (const [key, { job, atMs }] of this.#later) {
      if (atMs <= this.#clock.nowMs()) {
        this.#later.delete(key);
        if (!this.#due.has(key)) this.#due.set(key, job);
      } else nextMs = Math.min(nextMs, atMs);
    }
    return nextMs;
  }

  async #perform(key: string, job: Job, signal: AbortSignal): Promise<void> {
    // It was wished for once more while it was under way.
    if (this.#isWritten(job)) return;
    const { service, ingress } = job.write;
    const path = `/api/v1/namespaces/${service.namespace}/services/${service.name}`;
    try {
      let { resourceVersion } = service;
      if (job.published) {
        const now = await this.#asPublished(path, job, signal);
        if (now === undefined) return;
        ({ resourceVersion } = now);
      }
      if (job.look && await this.#isRight(path, job, signal)) {
        this.#written.set(service, JSON.stringify(ingress));
        return;
      }
      await this.#client.request({
        method: "PATCH",
        path: `${path}/status`,
        body: {
          // With the uid the write fails when the name belongs to another Service by now.
          // With the version it fails when it was decided on something that is not so any more: one
          // that arrives late then changes nothing.
          metadata: { uid: service.uid, ...(resourceVersion && { resourceVersion }) },
          status: { loadBalancer: { ingress: ingress.length > 0 ? ingress : null } },
        },
        deadlineMs: DEADLINE_MS,
        signal,
      });
      if (!job.published) this.#written.set(service, JSON.stringify(ingress));
      this.#pauses = 0;
      this.#observer.statusWritten(job.write);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // Gone, another object under the same name, or changed: the watch tells, it is decided anew.
      if ([404, 409, 422].includes(error.status) || this.#aborted || job.forgotten) return;
      const tooMany = error.status === 429;
      const failures = tooMany ? Math.max(job.failures, this.#pauses) : job.failures;
      const backOffMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS);
      // A server in trouble says the same short time again and again.
      const retryInMs = Math.max(error.retryAfterMs ?? 0, backOffMs);
      // That is about all requests of this agent, not about this one.
      if (tooMany && this.#pausedUntilMs < this.#clock.nowMs() + retryInMs) {
        if (this.#pausedUntilMs <= this.#clock.nowMs()) this.#pauses++;
        this.#pausedUntilMs = this.#clock.nowMs() + retryInMs;
      }
      // What was wished for meanwhile waits as well: the server asked for it, or is in trouble.
      const next = this.#due.get(key) ?? job;
      this.#due.delete(key);
      next.failures = job.failures + 1;
      this.#later.set(key, { job: next, atMs: this.#clock.nowMs() + retryInMs });
      this.#observer.statusFailed(job.write, error);
    }
  }

  #isWritten({ write, published }: Job): boolean {
    return !published && this.#written.get(write.service) === JSON.stringify(write.ingress);
  }

  async #isRight(path: string, { write }: Job, signal: AbortSignal): Promise<boolean> {
    const now = viewService(
      await this.#client.request<Service>({ method: "GET", path, deadlineMs: DEADLINE_MS, signal }),
    );
    return now.uid === write.service.uid && sameIngress(now.ingress, write.ingress);
  }

  /** The Service as it is, if its status is still as published. */
  async #asPublished(
    path: string,
    job: Job,
    signal: AbortSignal,
  ): Promise<ServiceView | undefined> {
    const now = viewService(
      await this.#client.request<Service>({ method: "GET", path, signal }),
    );
    const same = now.uid === job.write.service.uid && now.ingress.length > 0 &&
      now.ingress.every(({ ip }) => ip !== undefined && job.published?.includes(ip));
    return same ? now : undefined;
  }
}
