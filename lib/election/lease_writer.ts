import type { Lease } from "../kube/types.ts";
import {
  ACCEPTED_ANNOTATION,
  HANDED_OVER_ANNOTATION,
  HANDOVER_ANNOTATION,
  INCARNATION_ANNOTATION,
  MANAGED_LABEL,
  microTime,
  nextTerm,
  PRIORITY_ANNOTATION,
  readLease,
  RELEASED_ANNOTATION,
  SCOPE_ANNOTATION,
} from "./lease_record.ts";

/**
 * Why a Lease is written. "create" makes one without a holder, "accept" leaves the record as it is
 * and adds this node's word that it takes over, "handOver" names the next holder.
 */
export type Purpose = "create" | "acquire" | "renew" | "release" | "accept" | "handOver";

/** A node that offered to take the Lease over. */
export interface Heir {
  readonly node: string;
  readonly incarnation: string;
  readonly priority: number;
  /** Known to nobody before it made its offer. */
  readonly token: string;
}

/** What a written Lease says of its holder. */
export interface LeaseIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly incarnation: string;
  readonly scope: string;
  readonly leaseDurationMs: number;
  readonly priority?: number;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Composes the Lease objects that the election writes; what others put on them stays. */
export class LeaseWriter {
  readonly #who: LeaseIdentity;
  readonly #wallClockMs: () => number;
  readonly #carried: () => Readonly<Record<string, string | undefined>>;

  /** @param carried annotations that the holder writes with each renewal; undefined takes one away */
  constructor(
    who: LeaseIdentity,
    wallClockMs: () => number,
    carried: () => Readonly<Record<string, string | undefined>> = () => ({}),
  ) {
    this.#who = who;
    this.#wallClockMs = wallClockMs;
    this.#carried = carried;
  }

  /**
   * @param base the Lease as last seen, whose resourceVersion makes the write a compare-and-swap
   * @param newTerm the term of a Lease that is made anew
   * @param heir whom it is handed over to
   */
  compose(purpose: Purpose, base: Lease | undefined, newTerm = 0, heir?: Heir): Lease {
    const who = this.#who;
    if (purpose === "accept" && base !== undefined) return this.#accept(base);
    const now = microTime(this.#wallClockMs());
    const before = base && readLease(base);
    const nobody = purpose === "release" || purpose === "create";
    const next = nobody ? undefined : heir ?? { ...who, node: who.identity };
    const kept = heir === undefined && before?.holder === who.identity &&
      before.incarnation === who.incarnation;
    const term = before === undefined ? newTerm : kept ? before.term : nextTerm(before.term);
    const annotations: Record<string, string> = {
      ...base?.metadata?.annotations,
      ...who.annotations,
      [SCOPE_ANNOTATION]: who.scope,
    };
    delete annotations[RELEASED_ANNOTATION];
    delete annotations[INCARNATION_ANNOTATION];
    delete annotations[HANDED_OVER_ANNOTATION];
    if (purpose === "release") annotations[RELEASED_ANNOTATION] = String(term);
    if (heir !== undefined) annotations[HANDED_OVER_ANNOTATION] = heir.token;
    if (next !== undefined) {
      annotations[INCARNATION_ANNOTATION] = next.incarnation;
      annotations[PRIORITY_ANNOTATION] = String(next.priority ?? 100);
      // What was asked for is done: another node is the holder, or the one that was named.
      if (!kept || annotations[HANDOVER_ANNOTATION] === next.node) {
        delete annotations[HANDOVER_ANNOTATION];
        delete annotations[ACCEPTED_ANNOTATION];
      }
    }
    // The next holder writes its own with its first renewal.
    if (next !== undefined && heir === undefined) {
      for (const [name, value] of Object.entries(this.#carried())) {
        if (value === undefined) delete annotations[name];
        else annotations[name] = value;
      }
    }
    const { managedFields: _, ...metadata } = base?.metadata ?? {};
    return {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        ...metadata,
        namespace: who.namespace,
        name: who.name,
        labels: { ...metadata.labels, ...MANAGED_LABEL },
        annotations,
      },
      spec: {
        ...base?.spec,
        holderIdentity: next?.node ?? "",
        leaseDurationSeconds: who.leaseDurationMs / 1000,
        acquireTime: kept && base?.spec?.acquireTime ? base.spec.acquireTime : now,
        renewTime: now,
        leaseTransitions: term,
      },
    };
  }

  /** The holder's record as it is, with this node's word that it takes over. */
  #accept(base: Lease): Lease {
    const { managedFields: _, ...metadata } = base.metadata ?? {};
    const { identity } = this.#who;
    const annotations = {
      ...metadata.annotations,
      [HANDOVER_ANNOTATION]: identity,
      [ACCEPTED_ANNOTATION]: identity,
    };
    return { ...base, metadata: { ...metadata, annotations } };
  }
}
