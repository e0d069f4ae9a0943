import { fnv1a } from "../hash.ts";

/** Well below the 253 of a DNS-1123 subdomain: other tools put Lease names into labels (≤ 63). */
const MAX_LENGTH = 63;
const HASH = /-[0-9a-f]{8}$/;

/**
 * The Lease of an instance that has no `leaseName`: `classvip-<class>` with `/` as `.`, or
 * `classvip` without a class. Different instances get different names: wherever that text could
 * also stand for another class, or the instance is limited to namespaces, 8 hex digits of a hash
 * over both are appended.
 *
 * @param loadBalancerClass the class, or undefined.
 * @param namespaces sorted, no duplicates; empty means all.
 * @returns a DNS-1123 subdomain of at most 63 characters.
 */
export function defaultLeaseName(
  loadBalancerClass: string | undefined,
  namespaces: readonly string[],
): string {
  const name = loadBalancerClass === undefined
    ? "classvip"
    : `classvip-${loadBalancerClass.replace("/", ".")}`;
  if (namespaces.length === 0 && isUnmistakable(name, loadBalancerClass ?? "")) return name;
  const text = name.toLowerCase()
    .replaceAll(/[^a-z0-9.]/g, "-")
    .replaceAll(/[-.]*\.[-.]*/g, ".")
    .slice(0, MAX_LENGTH - 9)
    .replace(/[-.]+$/, "");
  const key = JSON.stringify([loadBalancerClass ?? null, namespaces]);
  return `${text}-${fnv1a(key).toString(16).padStart(8, "0")}`;
}

/** Nothing was lost: the last dot can only have been the slash, and no hash can look like it. */
function isUnmistakable(name: string, loadBalancerClass: string): boolean {
  const lastPart = loadBalancerClass.slice(loadBalancerClass.indexOf("/") + 1);
  return /^[a-z0-9.-]+$/.test(name) && !lastPart.includes(".") && name.length <= MAX_LENGTH &&
    !HASH.test(name);
}
