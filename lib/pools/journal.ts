/** Annotation of the Lease: what its holder is about to give out. */
export const ALLOCATING_ANNOTATION = "classvip.io/allocating";
/** More wait for their turn: the Lease is read by every node at each renewal. */
export const MOST_INTENTS = 256;

/** The addresses that a Service is to get. */
export interface Intent {
  /** `namespace/name`, for people: the Service is told by its uid. */
  readonly key: string;
  /** Canonical texts. */
  readonly addresses: readonly string[];
}

/**
 * What is being given out, as it is written on the Lease **before** it is published.
 *
 * A status that a former holder published may arrive at the API server late, when the next holder
 * has long decided. Compare-and-swap on each Service does not help: the next holder gives the
 * address to *another* Service. So the promise to a Service is written on the Lease first, in one
 * renewal, which is a compare-and-swap that only the holder wins; the next holder reads it with the
 * Lease that it took, and gives these addresses to nobody else.
 */
export class IntentJournal {
  readonly #intents = new Map<string, Intent>();
  /** The Services by their addresses: several where they share one. */
  readonly #uids = new Map<string, Set<string>>();
  /** As the Lease has them for certain: an answer to a write said so. */
  #saved: ReadonlyMap<string, Intent> = new Map();
  #active = false;

  /** What is being given out, by uid: also what is not on the Lease yet, but may be any moment. */
  get intents(): ReadonlyMap<string, Intent> {
    return this.#intents;
  }

  /** The uid of the Service that an address is being given to: the first of those that share it. */
  intendedFor(vip: string): string | undefined {
    return this.#uids.get(vip)?.values().next().value;
  }

  /** Whether the Service may be told: its addresses are on the Lease. */
  isSaved(uid: string): boolean {
    const [intent, saved] = [this.#intents.get(uid), this.#saved.get(uid)];
    return intent !== undefined && intent.addresses.every((vip) => saved?.addresses.includes(vip));
  }

  /** Whether something is not on the Lease yet. */
  get unsaved(): boolean {
    return [...this.#intents.keys()].some((uid) => !this.isSaved(uid));
  }

  /**
   * The right to hold began.
   *
   * @param text the annotation of the Lease that was taken
   * @returns false when somebody else wrote to it, and it says nothing
   */
  begin(text: string | undefined): boolean {
    this.end();
    this.#active = true;
    const intents = parseIntents(text);
    this.#saved = intents ?? new Map();
    for (const [uid, intent] of this.#saved) this.set(uid, intent);
    return intents !== undefined;
  }

  /** The right to hold ended: from here on the Lease stays as it is. */
  end(): void {
    this.#active = false;
    this.#intents.clear();
    this.#uids.clear();
    this.#saved = new Map();
  }

  set(uid: string, intent: Intent): void {
    this.drop(uid);
    this.#intents.set(uid, intent);
    for (const vip of intent.addresses) {
      this.#uids.set(vip, (this.#uids.get(vip) ?? new Set()).add(uid));
    }
  }

  drop(uid: string): void {
    for (const vip of this.#intents.get(uid)?.addresses ?? []) {
      const uids = this.#uids.get(vip);
      uids?.delete(uid);
      if (uids?.size === 0) this.#uids.delete(vip);
    }
    this.#intents.delete(uid);
  }

  /** What a write of the Lease carries: undefined takes the annotation away. */
  carried(): Readonly<Record<string, string | undefined>> {
    if (!this.#active) return {};
    return { [ALLOCATING_ANNOTATION]: formatIntents(this.#intents) };
  }

  /** A write of the Lease was answered. @param text the annotation, as the server has it */
  saved(text: string | undefined): void {
    if (this.#active) this.#saved = parseIntents(text) ?? new Map();
  }
}

/** @returns undefined when there is nothing to write. */
export function formatIntents(intents: ReadonlyMap<string, Intent>): string | undefined {
  if (intents.size === 0) return undefined;
  const entries = [...intents].map(([uid, { key, addresses }]) => [uid, [key, ...addresses]]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** @returns undefined when the text is nothing that `formatIntents()` writes */
export function parseIntents(text: string | undefined): Map<string, Intent> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "{}");
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const intents = new Map<string, Intent>();
  for (const [uid, entry] of Object.entries(value)) {
    if (!Array.isArray(entry) || !entry.every((part) => typeof part === "string")) return undefined;
    const [key = "", ...addresses] = entry as string[];
    intents.set(uid, { key, addresses });
  }
  return intents;
}
