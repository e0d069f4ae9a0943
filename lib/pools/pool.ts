import type { IpAddress } from "../net/ip.ts";
import type { ServiceView } from "../services/service_view.ts";
import { type Labels, type LabelSelector, whatLacks } from "./label_selector.ts";
import { type AddressRange, merged, parseRange, valueOf, without } from "./range.ts";

/**
 * So many ranges an instance may give out of: they stand on its Lease, which every node reads at
 * each renewal, and annotations have an end (256 KiB).
 */
export const MOST_RANGES = 500;

/** A pool as it is configured: plain data. */
export interface PoolSpec {
  /** Unique among the pools of a plan. */
  readonly name: string;
  /** CIDRs, ranges and addresses of either family. */
  readonly addresses: readonly string[];
  /** Gives addresses to Services that ask for none; else only those that are asked for. */
  readonly autoAssign: boolean;
  /** Leaves out the first and last address of each IPv4 CIDR. */
  readonly avoidEnds: boolean;
  /** For Services of these namespaces; empty: of all. */
  readonly namespaces: readonly string[];
  /** Not for Services of these namespaces. */
  readonly exceptNamespaces?: readonly string[];
  /** For Services whose labels fit. */
  readonly serviceSelector: LabelSelector;
  /** For Services of namespaces whose labels fit. */
  readonly namespaceSelector?: LabelSelector;
  /** Gives the highest free address first. */
  readonly descending?: boolean;
  /** The namespaces whose Services share addresses as their ports allow; "all": of each. */
  readonly shared?: readonly string[] | "all";
  /** Namespaces whose Services do not share, where `shared` is "all". */
  readonly unshared?: readonly string[];
  /** CIDRs may have host bits. */
  readonly hostBits?: boolean;
  /** Gives no IPv4 address that ends with 0 or 255: some take it for one of a network of 256. */
  readonly avoid0And255?: boolean;
}

/** The pools of one instance, and which Service they are for. */
export class Pool {
  readonly name: string;
  readonly spec: PoolSpec;
  /** Sorted, without overlaps. */
  readonly ranges: readonly AddressRange[];
  readonly #labelsOf: (namespace: string) => Labels;

  /** @param labelsOf those of a namespace; needed where the pool goes by them */
  constructor(spec: PoolSpec, labelsOf: (namespace: string) => Labels = () => ({})) {
    this.name = spec.name;
    this.spec = spec;
    this.#labelsOf = labelsOf;
    this.ranges = merged(spec.addresses.flatMap((text) => {
      const parsed = parseRange(text, spec);
      return parsed.ok ? [parsed.range] : [];
    }));
  }

  /** How many addresses it has of a family, or in all. */
  size(family?: 4 | 6): bigint {
    return this.ranges.filter((range) => family === undefined || range.family === family)
      .reduce((sum, { first, last }) => sum + last - first + 1n, 0n) - this.#avoided(family);
  }

  /** How many of its addresses it never gives, of a family or in all. */
  #avoided(family: 4 | 6 | undefined): bigint {
    if (!this.spec.avoid0And255 || family === 6) return 0n;
    return this.ranges.filter((range) => range.family === 4).reduce((sum, { first, last }) => {
      const [zeros, highs] = [(last >> 8n) - (first - 1n >> 8n), (last + 1n >> 8n) - (first >> 8n)];
      return sum + zeros + highs;
    }, 0n);
  }

  contains(ip: IpAddress): boolean {
    const value = valueOf(ip);
    let [low, high] = [0, this.ranges.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { family, first, last } = this.ranges[middle]!;
      if (family < ip.family || (family === ip.family && last < value)) low = middle + 1;
      else if (family > ip.family || first > value) high = middle - 1;
      else return true;
    }
    return false;
  }

  /** Why it is not for this Service; undefined when it is. */
  objection({ namespace, labels }: ServiceView): string | undefined {
    const { namespaces, exceptNamespaces = [], serviceSelector, namespaceSelector } = this.spec;
    if (namespaces.length > 0 && !namespaces.includes(namespace)) {
      return `pool ${this.name} is not for namespace ${namespace}`;
    }
    if (exceptNamespaces.includes(namespace)) {
      return `pool ${this.name} is not for namespace ${namespace}, which has its own`;
    }
    const lacking = whatLacks(serviceSelector, labels);
    if (lacking !== undefined) return `pool ${this.name} is for Services with ${lacking}`;
    if (namespaceSelector === undefined) return undefined;
    const elsewhere = whatLacks(namespaceSelector, this.#labelsOf(namespace));
    return elsewhere && `pool ${this.name} is for namespaces with ${elsewhere}`;
  }

  /** The key under which a Service shares addresses of this pool without a word of its own. */
  sharingKey({ namespace }: ServiceView): string | undefined {
    const { shared, unshared = [] } = this.spec;
    const shares = shared === "all" ? !unshared.includes(namespace) : shared?.includes(namespace);
    // No annotation can hold a line break at its start: it is trimmed.
    return shares ? `\n${this.name}` : undefined;
  }

  /**
   * Its addresses of a family, as numbers, in the order in which they are given.
   *
   * @param holes are left out
   */
  *values(family: 4 | 6, holes: readonly AddressRange[] = []): Generator<bigint> {
    const own = this.ranges.filter((range) => range.family === family);
    const ranges = without(own, holes);
    const avoids = family === 4 && this.spec.avoid0And255;
    const isGiven = (value: bigint) => !avoids || value % 256n !== 0n && value % 256n !== 255n;
    if (this.spec.descending) {
      for (const { first, last } of ranges.toReversed()) {
        for (let value = last; value >= first; value--) if (isGiven(value)) yield value;
      }
    } else {
      for (const { first, last } of ranges) {
        for (let value = first; value <= last; value++) if (isGiven(value)) yield value;
      }
    }
  }
}

/**
 * Whether a pool is for Services of any of these namespaces.
 *
 * @param served none: all there are
 */
export function isForSome(
  { namespaces, exceptNamespaces = [] }: PoolSpec,
  served: readonly string[],
): boolean {
  return served.length === 0 ||
    served.some((name) =>
      !exceptNamespaces.includes(name) && (namespaces.length === 0 || namespaces.includes(name))
    );
}
