import { KubeError } from "../../lib/kube/errors.ts";
import type { Lease } from "../../lib/kube/types.ts";

/** The API server with one Lease. Objects are never changed, so they are handed out as they are. */
export class ApiServer {
  /** Every state there ever was; the last is the present one. */
  readonly history: (Lease | undefined)[] = [undefined];
  /** Not answering before this instant of the simulation. */
  downUntilMs = -Infinity;
  readonly #onChange: ((by: string) => void)[] = [];

  get lease(): Lease | undefined {
    return this.history.at(-1);
  }

  /** Calls back after every change. @returns a function that ends it */
  onChange(run: (by: string) => void): () => void {
    this.#onChange.push(run);
    return () => void this.#onChange.splice(this.#onChange.indexOf(run), 1);
  }

  create(lease: Lease, by: string): Lease {
    if (this.lease !== undefined) throw refused(409, "AlreadyExists");
    return this.#store(
      { ...lease, metadata: { ...lease.metadata, uid: `uid-${this.#version}` } },
      by,
    );
  }

  replace(lease: Lease, by: string): Lease {
    if (this.lease === undefined) throw refused(404, "NotFound");
    const { uid, resourceVersion } = this.lease.metadata!;
    const sent = lease.metadata?.resourceVersion;
    if (sent !== undefined && sent !== resourceVersion) throw refused(409, "Conflict");
    return this.#store({ ...lease, metadata: { ...lease.metadata, uid: uid! } }, by);
  }

  /** What somebody does by hand, whatever the version. */
  edit(change: (lease: Lease) => Lease, by: string): void {
    if (this.lease !== undefined) this.#store(change(this.lease), by);
  }

  delete(by: string): void {
    if (this.lease === undefined) return;
    this.history.push(undefined);
    this.#changed(by);
  }

  get #version(): number {
    return this.history.length;
  }

  #store(lease: Lease, by: string): Lease {
    const stored = {
      ...lease,
      metadata: { ...lease.metadata, resourceVersion: String(this.#version) },
    };
    this.history.push(stored);
    this.#changed(by);
    return stored;
  }

  #changed(by: string): void {
    for (const run of [...this.#onChange]) run(by);
  }
}

export function refused(status: number, reason: string): KubeError {
  return new KubeError(`${reason} (${status})`, { status, reason });
}
