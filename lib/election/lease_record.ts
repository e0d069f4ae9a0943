import { comesBefore } from "../kube/resource_version.ts";
import type { Lease } from "../kube/types.ts";

/** Annotation: which boot and network namespace of the holder's node wrote the record. */
export const INCARNATION_ANNOTATION = "classvip.io/incarnation";
/** Annotation: which Services this Lease elects a holder for. */
export const SCOPE_ANNOTATION = "classvip.io/scope";
/**
 * Annotation: the term (`leaseTransitions`) whose holder withdrew its addresses before it let go.
 * An empty `holderIdentity` alone proves nothing: people and other tools write that as well.
 */
export const RELEASED_ANNOTATION = "classvip.io/released-term";
/** Annotation: the holder's priority. */
export const PRIORITY_ANNOTATION = "classvip.io/priority";
/** Annotation: the node that the holder is asked to hand over to; people may set it. */
export const HANDOVER_ANNOTATION = "classvip.io/handover-to";
/** Annotation: that node's word that it is there and takes over. */
export const ACCEPTED_ANNOTATION = "classvip.io/handover-accepted-by";
/**
 * Annotation: the token of the offer by which the Lease was handed over to its holder. Who made that
 * offer knows that the record is younger than it.
 */
export const HANDED_OVER_ANNOTATION = "classvip.io/handed-over-for";
/** Label by which Leases of classvip are found. */
export const MANAGED_LABEL = { "app.kubernetes.io/managed-by": "classvip" } as const;
/** The same as a label selector. */
export const MANAGED_SELECTOR = "app.kubernetes.io/managed-by=classvip";

/** The most that `leaseTransitions` can be (int32): the API server refuses more. */
const LAST_TERM = 2 ** 31 - 1;

/** The term of the next holder. A hand edit can bring the end near, which must not be a dead end. */
export function nextTerm(term: number): number {
  return term < LAST_TERM ? term + 1 : 0;
}

/** What the election reads of a Lease. The record's fields are client-go's. */
export interface LeaseRecord {
  /** `holderIdentity`; undefined when empty. */
  readonly holder: string | undefined;
  readonly incarnation: string | undefined;
  readonly scope: string | undefined;
  /** `leaseTransitions`; 0 when absent or nonsense. */
  readonly term: number;
  readonly releasedTerm: number | undefined;
  readonly priority: number | undefined;
  /** Who is asked to take over, and whether that node said that it is there. */
  readonly handoverTo: string | undefined;
  readonly handoverAccepted: boolean;
  /** Of the offer by which the present holder got it; undefined once it has renewed. */
  readonly handedOverFor: string | undefined;
  /** `leaseDurationSeconds`; undefined when absent or nonsense. */
  readonly durationMs: number | undefined;
  /** `renewTime` as written. Only ever compared for equality: it is another machine's clock. */
  readonly renewTime: string | undefined;
}

/** Reads a Lease. Nonsense in a field (a hand edit) counts as the field's absence. */
export function readLease(lease: Lease): LeaseRecord {
  const spec = lease.spec ?? {};
  const annotations = lease.metadata?.annotations ?? {};
  const seconds = spec.leaseDurationSeconds;
  const handoverTo = annotations[HANDOVER_ANNOTATION] || undefined;
  return {
    holder: spec.holderIdentity || undefined,
    incarnation: annotations[INCARNATION_ANNOTATION] || undefined,
    scope: annotations[SCOPE_ANNOTATION] || undefined,
    term: wholeNumber(spec.leaseTransitions) ?? 0,
    releasedTerm: wholeNumber(Number(annotations[RELEASED_ANNOTATION] || NaN)),
    priority: wholeNumber(Number(annotations[PRIORITY_ANNOTATION] || NaN)),
    handoverTo,
    handoverAccepted: handoverTo !== undefined && annotations[ACCEPTED_ANNOTATION] === handoverTo,
    handedOverFor: annotations[HANDED_OVER_ANNOTATION] || undefined,
    durationMs: wholeNumber(seconds) ? seconds! * 1000 : undefined,
    renewTime: spec.renewTime,
  };
}

/** What is wrong with a Lease that somebody edited, for a log line; undefined when nothing is. */
export function leaseProblem(lease: Lease): string | undefined {
  const { leaseDurationSeconds: seconds, leaseTransitions: term } = lease.spec ?? {};
  if (seconds !== undefined && !wholeNumber(seconds)) {
    return `leaseDurationSeconds is ${seconds}, a whole number of seconds above 0 is right`;
  }
  if (term !== undefined && wholeNumber(term) === undefined) {
    return `leaseTransitions is ${term}, a whole number from 0 on is right`;
  }
  if (term === LAST_TERM) {
    return `leaseTransitions is ${term}, the most that it can be: the next holder begins at 0`;
  }
  return undefined;
}

/** Whether the record itself changed: only then the holder is alive, whoever edits labels. */
export function sameRecord(a: Lease, b: Lease): boolean {
  const [x, y] = [readLease(a), readLease(b)];
  return a.metadata?.uid === b.metadata?.uid && x.holder === y.holder &&
    x.incarnation === y.incarnation && x.term === y.term && x.renewTime === y.renewTime &&
    x.durationMs === y.durationMs && x.releasedTerm === y.releasedTerm;
}

/**
 * Whether `candidate` is an older version of the object than `current`. Server-made numbers are
 * compared as numbers; anything else counts as not older, which is safe: every write is a
 * compare-and-swap.
 */
export function isOlder(candidate: Lease, current: Lease): boolean {
  return comesBefore(candidate.metadata?.resourceVersion, current.metadata?.resourceVersion);
}

/** Wall-clock time as Kubernetes' MicroTime: RFC 3339 with six digits. */
export function microTime(wallClockMs: number): string {
  const micros = Math.floor((wallClockMs % 1) * 1000);
  return new Date(wallClockMs).toISOString().replace("Z", String(micros).padStart(3, "0") + "Z");
}

function wholeNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
