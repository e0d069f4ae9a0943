import { readLease } from "../election/lease_record.ts";
import type { Lease } from "../kube/types.ts";
import type { AddressOwners } from "../services/address_owners.ts";
import { type ClassPolicy, isInScope, parseScope } from "../services/class_policy.ts";
import { type FormerOwners, sideOf, versionNumber } from "../services/former_owners.ts";
import type { LeaseView } from "./lease_view.ts";

/**
 * Annotation of the Lease: how much of the Services' changes its holder has carried out, so that
 * nothing is on its interfaces that is not its own any more.
 */
export const CARRIED_OUT_ANNOTATION = "classvip.io/carried-out";

/** What a holder has carried out, in resourceVersions as numbers. */
export interface CarriedOut {
  /** The last change. */
  readonly changedAt: number;
  /** There was none from then until this. */
  readonly seen: number;
}

export function formatCarriedOut({ changedAt, seen }: CarriedOut): string {
  return `${changedAt}-${Math.max(changedAt, seen)}`;
}

/** @returns nothing at all when the text says nothing */
function parseCarriedOut(text: string | undefined): CarriedOut {
  const [changedAt, seen] = (text ?? "").split("-").map(versionNumber);
  return { changedAt: changedAt ?? 0, seen: seen ?? 0 };
}

/** So many times its duration without a word, and nobody has the addresses of a Lease. */
const SILENT_DURATIONS = 2;
/** Of a Lease that does not say. */
const USUAL_DURATION_MS = 15_000;

export interface FormerHoldersParts {
  readonly leases: Pick<LeaseView, "all" | "seenMs" | "synced" | "subscribe">;
  readonly services: {
    readonly formers: FormerOwners;
    readonly owners: Pick<AddressOwners, "owner">;
    /** @see ServiceSource.seesAll */
    readonly seesAll: boolean;
    /** @see ServiceSource.seenUpTo */
    seenUpTo(namespace: string | undefined): number;
    /** @see ServiceSource.subscribe */
    subscribe(listener: () => void): () => void;
  };
}

/**
 * Knows whether the holder of another Lease may still have an address that passed from a Service of
 * its own to one of another class. Each holder writes on its Lease which version of the Services it
 * has carried out, and versions are in one order: that answers it, whatever clocks, watches and the
 * network between the nodes do.
 */
export class FormerHolders implements Disposable {
  readonly #parts: FormerHoldersParts;
  readonly #listeners = new Set<(vips: ReadonlySet<string>) => void>();
  readonly #unsubscribe: (() => void)[];
  /** The last writes of Leases by this process that are not seen yet. */
  #writes: readonly Write[] = [];
  /** The last one that is. */
  #shown: Write | undefined;
  /** Somebody carried out what is not seen here yet. */
  #behind = false;

  constructor(parts: FormerHoldersParts) {
    this.#parts = parts;
    this.#unsubscribe = [
      parts.leases.subscribe(() => this.#settle()),
      parts.services.subscribe(() => this.#behind && this.#settle()),
    ];
  }

  /** @param listener told which addresses somebody let go of. @returns a function that ends it */
  subscribe(listener: (vips: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param policy of who wants to have it */
  mayHave(vip: string, policy: ClassPolicy): boolean {
    for (const { side } of this.#parts.services.formers.of(vip)) {
      if (side === undefined || !isInScope(policy, side)) return true;
    }
    return false;
  }

  /**
   * This process wrote a Lease. Once that is seen, all is seen that was written before it was sent:
   * nothing else tells that a Lease is silent, for events may be late.
   */
  wrote(lease: Lease, sentMs: number): void {
    const { changedAt } = carriedOut(lease);
    this.#writes = [...this.#writes, { version: versionOf(lease), sentMs, changedAt }];
  }

  /**
   * Whether the Services are seen as anybody has carried them out: who takes a Lease must not act on
   * older ones, for another class may have an address by now that was its own then.
   */
  sees({ namespaces }: ClassPolicy): boolean {
    const { services, leases } = this.#parts;
    const all = namespaces.length === 0 ? [undefined] : namespaces;
    const seen = Math.max(...all.map((namespace) => services.seenUpTo(namespace)));
    return leases.all().every((lease) =>
      carriedOut(lease).changedAt <= seen || !isComparable(lease, namespaces)
    );
  }

  [Symbol.dispose](): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #settle(): void {
    const { leases, services } = this.#parts;
    this.#behind = false;
    if (!leases.synced) return;
    const all = leases.all();
    const newest = Math.max(0, ...all.map(versionOf));
    const shown = this.#look(newest);
    if (services.formers.size === 0) return;
    /** By side: those are few, the addresses many. */
    const concerned = new Map<string, readonly Lease[]>();
    const vips = services.formers.forget(({ vip, side, version }) => {
      const owner = services.owners.owner(vip);
      const key = sideOf(side) ?? `not ${sideOf(owner)}`;
      const theirs = concerned.get(key) ?? all.filter((lease) => {
        const policy = parseScope(readLease(lease).scope);
        if (policy === undefined) return false;
        if (side !== undefined) return isInScope(policy, side);
        return owner === undefined || !isInScope(policy, owner);
      });
      concerned.set(key, theirs);
      const seen = services.seenUpTo((side ?? owner)?.namespace);
      // What was held at the change was written before it.
      return version <= newest && theirs.every((lease) => {
        // Who takes it after all finds on this node's Lease which Services to know.
        const silentMs = (shown?.sentMs ?? -Infinity) - (leases.seenMs(lease) ?? Infinity);
        if (silentMs > silenceMs(lease) && shown!.changedAt >= version) return true;
        const done = carriedOut(lease);
        if (done.seen < version) return false;
        // What was carried out beyond may be that the address came back.
        const ahead = done.changedAt > seen &&
          (services.seesAll || isComparable(lease, undefined));
        if (ahead) this.#behind = true;
        return !ahead;
      });
    });
    if (vips.size === 0) return;
    for (const listener of [...this.#listeners]) listener(vips);
  }

  /** @returns the last own write among what is seen */
  #look(newest: number): Write | undefined {
    this.#shown = this.#writes.findLast(({ version }) => version <= newest) ?? this.#shown;
    this.#writes = this.#writes.filter(({ version }) => version > newest);
    return this.#shown;
  }
}

/** A Lease as this process wrote it. */
interface Write {
  readonly version: number;
  readonly sentMs: number;
  /** @see CarriedOut */
  readonly changedAt: number;
}

/**
 * Whether each change that the holder of a Lease sees is seen here as well.
 *
 * @param namespaces those that are looked at; empty: all; undefined: not known
 */
function isComparable(lease: Lease, namespaces: readonly string[] | undefined): boolean {
  if (namespaces?.length === 0) return true;
  const theirs = parseScope(readLease(lease).scope)?.namespaces ?? [];
  return theirs.length > 0 && theirs.every((one) => namespaces?.includes(one) ?? true);
}

function versionOf({ metadata }: Lease): number {
  return versionNumber(metadata?.resourceVersion);
}

function carriedOut(lease: Lease): CarriedOut {
  const text = lease.metadata?.annotations?.[CARRIED_OUT_ANNOTATION];
  const { changedAt, seen } = parseCarriedOut(text);
  // Nobody carries out what comes later than the word of it.
  return seen > versionOf(lease) ? { changedAt: 0, seen: 0 } : { changedAt, seen };
}

function silenceMs(lease: Lease): number {
  return SILENT_DURATIONS * (readLease(lease).durationMs ?? USUAL_DURATION_MS);
}
