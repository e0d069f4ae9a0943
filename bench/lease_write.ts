import type { Lease } from "../lib/kube/types.ts";
import { nowMs } from "../tests/lab/clock.ts";
import type { Ground } from "./ground.ts";

/** Writes a Lease that nobody watches: what no handover can be quicker than. */
export class LeaseWrites {
  readonly samples: number[] = [];
  readonly #ground: Ground;
  readonly #path: string;
  #lease: Lease;

  private constructor(ground: Ground, path: string, lease: Lease) {
    this.#ground = ground;
    this.#path = path;
    this.#lease = lease;
  }

  static async on(ground: Ground): Promise<LeaseWrites> {
    const namespace = ground.freshName();
    await ground.kube.createNamespace(namespace);
    const lease = await ground.kube.layLease(namespace, "alone");
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/alone`;
    return new LeaseWrites(ground, path, lease);
  }

  /** One more sample, in milliseconds. */
  async measure(): Promise<void> {
    // The first request of a connection waits for TCP.
    await this.#write();
    const sentMs = nowMs();
    await this.#write();
    this.samples.push(nowMs() - sentMs);
  }

  async #write(): Promise<void> {
    this.#lease = await this.#ground.kube.request("PUT", this.#path, {
      ...this.#lease,
      spec: { ...this.#lease.spec, leaseTransitions: this.#lease.spec!.leaseTransitions! + 1 },
    });
  }
}
