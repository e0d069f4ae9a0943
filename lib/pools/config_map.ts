import type { PoolSpec } from "./pool.ts";
import { parseRange } from "./range.ts";

/** What a ConfigMap of kube-vip-cloud-provider says. */
export interface PoolConfigMap {
  readonly pools: readonly PoolSpec[];
  /** Interfaces by namespace; that of all others under "global". */
  readonly interfaces: ReadonlyMap<string, string>;
  /** What was left out, each with its key. */
  readonly problems: readonly string[];
  /** What has no equal. */
  readonly warnings: readonly string[];
}

const KEY = /^(cidr|range|allow-share|interface)-(.+)$/;
/** In place of a namespace. */
const GLOBAL = "global";

/**
 * Reads the `data` of a ConfigMap as kube-vip-cloud-provider does. A Service takes from the first
 * that there is of `cidr-<namespace>`, `cidr-global`, `range-<namespace>`, `range-global`, and from
 * no other.
 *
 * @see https://github.com/kube-vip/kube-vip-cloud-provider#readme
 */
export function readPoolConfigMap(data: Readonly<Record<string, string>>): PoolConfigMap {
  const problems: string[] = [];
  const warnings: string[] = [];
  const byKind = {
    cidr: new Map<string, string>(),
    range: new Map<string, string>(),
    "allow-share": new Map<string, string>(),
    interface: new Map<string, string>(),
  };
  for (const [key, value] of Object.entries(data)) {
    const [, kind, namespace] = KEY.exec(key) ?? [];
    if (kind !== undefined) byKind[kind as keyof typeof byKind].set(namespace!, value.trim());
    else if (key !== "search-order" && key !== "skip-end-ips-in-cidr") {
      warnings.push(`${key}: classvip does not know it`);
    }
  }
  const { cidr, range, "allow-share": share, interface: interfaces } = byKind;
  const order = data["search-order"]?.trim();
  if (order !== undefined && order !== "desc" && order !== "asc") {
    warnings.push(`search-order: ${order} is neither asc nor desc, asc counts`);
  }
  const skipsEnds = data["skip-end-ips-in-cidr"]?.trim();
  if (skipsEnds !== undefined && skipsEnds !== "true" && skipsEnds !== "false") {
    warnings.push(`skip-end-ips-in-cidr: ${skipsEnds} is neither true nor false, false counts`);
  }
  const shares = new Map([...share].map(([namespace, value]) => [namespace, isTrue(value)]));
  const own = [...cidr.keys()].filter((namespace) => namespace !== GLOBAL);
  const ownRanges = [...range.keys()].filter((namespace) => namespace !== GLOBAL);

  const pools: PoolSpec[] = [];
  const add = (kind: "cidr" | "range", namespace: string, except: readonly string[]) => {
    const key = `${kind}-${namespace}`;
    const addresses = byKind[kind].get(namespace)!.split(",").map((text) => text.trim())
      .filter((text) => {
        if (text === "") return false;
        if (/^0\.0\.0\.0(\/32)?$/.test(text)) {
          warnings.push(`${key}: ${text} asks for addresses by DHCP, classvip has none`);
          return false;
        }
        const parsed = parseRange(text, { hostBits: true });
        if (!parsed.ok) problems.push(`${key}: ${text}: ${parsed.problem}; right: ${parsed.right}`);
        return parsed.ok;
      });
    if (addresses.length === 0) return;
    const isGlobal = namespace === GLOBAL;
    pools.push({
      name: key,
      addresses,
      autoAssign: true,
      avoidEnds: skipsEnds === "true",
      avoid0And255: true,
      namespaces: isGlobal ? [] : [namespace],
      exceptNamespaces: except,
      serviceSelector: [],
      descending: order === "desc",
      hostBits: true,
      ...sharingOf(isGlobal, namespace, shares),
    });
  };
  for (const namespace of own) add("cidr", namespace, []);
  if (cidr.has(GLOBAL)) {
    add("cidr", GLOBAL, own);
    for (const namespace of range.keys()) {
      warnings.push(`range-${namespace}: cidr-global stands in front of it`);
    }
  } else {
    for (const namespace of ownRanges) {
      if (cidr.has(namespace)) {
        warnings.push(`range-${namespace}: cidr-${namespace} stands in front`);
      } else add("range", namespace, []);
    }
    if (range.has(GLOBAL)) add("range", GLOBAL, [...own, ...ownRanges]);
  }
  return { pools, interfaces, problems, warnings };
}

/** The namespace's own word counts, else that for all. */
function sharingOf(
  isGlobal: boolean,
  namespace: string,
  shares: ReadonlyMap<string, boolean>,
): Pick<PoolSpec, "shared" | "unshared"> {
  const forAll = shares.get(GLOBAL) ?? false;
  if (!isGlobal) return shares.get(namespace) ?? forAll ? { shared: "all" } : {};
  const named = (wanted: boolean) =>
    [...shares].filter(([name, value]) => name !== GLOBAL && value === wanted).map(([name]) =>
      name
    );
  if (forAll) return { shared: "all", unshared: named(false) };
  return named(true).length > 0 ? { shared: named(true) } : {};
}

/** As Go's strconv.ParseBool, with which allow-share is read there. */
function isTrue(text: string): boolean {
  return ["1", "t", "T", "TRUE", "true", "True"].includes(text.trim());
}
