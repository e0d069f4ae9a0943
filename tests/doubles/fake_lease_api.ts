import type { LeaseApi, LeaseRequest } from "../../lib/election/elector.ts";
import { KubeError } from "../../lib/kube/errors.ts";
import type { Lease } from "../../lib/kube/types.ts";
import type { FakeClock } from "./fake_clock.ts";

/** One Lease at the API server: compare-and-swap on resourceVersion. */
export class LeaseStore {
  #lease: Lease | undefined;
  #version = 100;
  readonly #watchers = new Set<(lease: Lease | undefined) => void>();

  current(): Lease | undefined {
    return structuredClone(this.#lease);
  }

  create(lease: Lease): Lease {
    if (this.#lease !== undefined) throw conflict("AlreadyExists");
    const uid = `uid-${this.#version}`;
    return this.#store({ ...lease, metadata: { ...lease.metadata, uid } });
  }

  replace(lease: Lease): Lease {
    if (this.#lease === undefined) throw refused(404, "NotFound");
    const { uid, resourceVersion } = this.#lease.metadata!;
    const sent = lease.metadata?.resourceVersion;
    if (sent !== undefined && sent !== resourceVersion) throw conflict("Conflict");
    return this.#store({ ...lease, metadata: { ...lease.metadata, uid: uid! } });
  }

  /** What somebody does by hand, whatever the version. */
  edit(change: (lease: Lease) => void): Lease {
    const lease = this.current() ?? {};
    change(lease);
    return this.#store(lease);
  }

  delete(): void {
    this.#lease = undefined;
    this.#version++;
    for (const watcher of [...this.#watchers]) watcher(undefined);
  }

  /** Calls the watcher after every change. @returns a function that ends it */
  watch(watcher: (lease: Lease | undefined) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #store(lease: Lease): Lease {
    const resourceVersion = String(++this.#version);
    this.#lease = structuredClone({ ...lease, metadata: { ...lease.metadata, resourceVersion } });
    for (const watcher of [...this.#watchers]) watcher(this.current());
    return this.current()!;
  }
}

/** What becomes of one request. */
export interface Fate {
  /** Milliseconds until the server has the request. */
  readonly toServerMs?: number;
  /** Milliseconds until its answer arrives. */
  readonly toClientMs?: number;
  readonly lost?: "request" | "answer" | undefined;
  /** The server gets it twice; the answer is that of the second time. */
  readonly twice?: boolean;
  readonly error?: KubeError;
}

export type LeaseCall = "get" | "create" | "replace";

/** One client's way to a LeaseStore, with the fate that the test chooses for each request. */
export class FakeLeaseApi implements LeaseApi {
  readonly calls: LeaseCall[] = [];
  fate: (call: LeaseCall) => Fate = () => ({});
  readonly #store: LeaseStore;
  readonly #clock: FakeClock;

  constructor(store: LeaseStore, clock: FakeClock) {
    this.#store = store;
    this.#clock = clock;
  }

  get({ deadlineMs }: LeaseRequest): Promise<Lease | undefined> {
    return this.#request("get", deadlineMs, () => this.#store.current());
  }

  create(lease: Lease, { deadlineMs }: LeaseRequest): Promise<Lease> {
    return this.#request("create", deadlineMs, () => this.#store.create(lease));
  }

  replace(lease: Lease, { deadlineMs }: LeaseRequest): Promise<Lease> {
    return this.#request("replace", deadlineMs, () => this.#store.replace(lease));
  }

  #request<T>(call: LeaseCall, deadlineMs: number, serve: () => T): Promise<T> {
    this.calls.push(call);
    const { toServerMs = 0, toClientMs = 0, lost, twice, error } = this.fate(call);
    const clock = this.#clock;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    // The server acts on what reaches it, also when the client has given up by then.
    const travel = async () => {
      if (lost === "request") return;
      if (toServerMs > 0) await clock.until(clock.nowMs() + toServerMs);
      let settle: () => void;
      try {
        if (error !== undefined) throw error;
        if (twice) serve();
        const answer = serve();
        settle = () => resolve(answer);
      } catch (refusal) {
        settle = () => reject(refusal);
      }
      if (lost === "answer") return;
      if (toClientMs > 0) await clock.until(clock.nowMs() + toClientMs);
      settle();
    };
    const answered = new AbortController();
    const giveUp = async () => {
      await clock.until(clock.nowMs() + deadlineMs, answered.signal);
      reject(refused(0, "Timeout"));
    };
    void travel();
    void giveUp();
    return promise.finally(() => answered.abort());
  }
}

export function refused(status: number, reason: string, retryAfterMs?: number): KubeError {
  return new KubeError(`${reason} (${status})`, { status, reason, retryAfterMs });
}

function conflict(reason: string): KubeError {
  return refused(409, reason);
}
