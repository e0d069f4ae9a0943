/** A value, or what is wrong with its text and what would be right. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string; readonly right: string };

function accept<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function refuse(problem: string, right: string): Parsed<never> {
  return { ok: false, problem, right };
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DAY_MS = 86_400_000;

/** `5s`, `1500ms`, `1m30s`, `2h`, or plain seconds (`5`, `0.5`). @returns whole milliseconds. */
export function parseDuration(text: string): Parsed<number> {
  const right = "a duration such as 5s, 1500ms, 1m30s, or plain seconds, at most 24h";
  if (!/^(\d+(\.\d+)?|(\d+(\.\d+)?(ms|s|m|h))+)$/.test(text)) {
    return refuse("not a duration", right);
  }
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)?/g)) {
    ms += Number(count) * UNIT_MS[unit ?? "s"]!;
  }
  return ms <= DAY_MS ? accept(Math.round(ms)) : refuse("too long", right);
}

/** @returns a text that `parseDuration()` reads as these milliseconds. */
export function formatDuration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** A duration within bounds, in milliseconds. */
export function durationFrom(minMs: number): (text: string) => Parsed<number> {
  return (text) => {
    const parsed = parseDuration(text);
    return parsed.ok && parsed.value < minMs
      ? refuse("too short", `a duration of at least ${formatDuration(minMs)}`)
      : parsed;
  };
}

/** As `durationFrom()`, with an upper bound too. */
export function durationBetween(minMs: number, maxMs: number): (text: string) => Parsed<number> {
  return (text) => {
    const parsed = parseDuration(text);
    return parsed.ok && (parsed.value < minMs || parsed.value > maxMs)
      ? refuse(
        parsed.value < minMs ? "too short" : "too long",
        `a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`,
      )
      : parsed;
  };
}

/**
 * The shortest that gives an address a lifetime of a whole second when the API server takes a second
 * to answer, and so long between two looks of the kernel: with 2 s, 0.2 s would be too slow.
 */
export const SHORTEST_LEASE_MS = 3000;

/** The Lease object counts in whole seconds (`leaseDurationSeconds`). */
export function parseLeaseDuration(text: string): Parsed<number> {
  const parsed = parseDuration(text);
  const right = `whole seconds, at least ${formatDuration(SHORTEST_LEASE_MS)}, such as 5s`;
  if (!parsed.ok) return refuse(parsed.problem, right);
  if (parsed.value % 1000 !== 0) return refuse("not whole seconds", right);
  if (parsed.value >= SHORTEST_LEASE_MS) return parsed;
  return refuse(
    "too short for addresses that vanish in time, and stay when an answer is slow",
    right,
  );
}

/** `true`, `false`, and what Go and YAML 1.1 write for them. */
export function parseBoolean(text: string): Parsed<boolean> {
  if (/^(true|t|yes|on|1)$/i.test(text)) return accept(true);
  if (/^(false|f|no|off|0)$/i.test(text)) return accept(false);
  return refuse("not a boolean", "true or false");
}

/** A priority among nodes. */
export function parsePriority(text: string): Parsed<number> {
  const right = "a whole number from 0 to 100";
  if (!/^\d{1,3}$/.test(text)) return refuse("not a priority", right);
  return Number(text) <= 100 ? accept(Number(text)) : refuse("too high", right);
}

/** An IPv4 address that a node may have; empty text is none. */
export function parseAddress(text: string): Parsed<string | undefined> {
  if (text === "") return accept(undefined);
  const right = "an IPv4 address of the nodes' subnet that nobody has, such as 10.0.0.10";
  if (text.includes(":")) {
    return refuse("the control plane's VIP is an IPv4 address: bootstrap probes by ARP", right);
  }
  const bytes = /^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)
    ? text.split(".").map(Number)
    : [];
  if (bytes.length === 0 || bytes.some((byte) => byte > 255)) {
    return refuse("not an IPv4 address", right);
  }
  const [first = 0] = bytes;
  if (first === 0 || first === 127 || first >= 224) return refuse("no address for a host", right);
  return accept(text);
}

/** Where something listens. */
export function parsePort(text: string): Parsed<number> {
  const right = "a number from 1 to 65535, such as 6443";
  if (!/^\d{1,5}$/.test(text)) return refuse("not a port", right);
  return Number(text) >= 1 && Number(text) <= 65535
    ? accept(Number(text))
    : refuse("no such port", right);
}

/** How many failures in a row count. */
export function parseThreshold(text: string): Parsed<number> {
  const right = "a whole number from 1 to 100";
  if (!/^\d{1,3}$/.test(text)) return refuse("not a count", right);
  return Number(text) >= 1 && Number(text) <= 100
    ? accept(Number(text))
    : refuse("out of range", right);
}

const MOST_COUNTED = 100_000;

/** A limit of things that are counted; 0 is none. */
export function parseCount(text: string): Parsed<number> {
  const right = `a whole number from 1 to ${MOST_COUNTED}, or 0 for no limit`;
  if (!/^\d{1,9}$/.test(text)) return refuse("not a count", right);
  return Number(text) <= MOST_COUNTED ? accept(Number(text)) : refuse("too high", right);
}

/** How many a second; less than one is allowed. */
export function parseRate(text: string): Parsed<number> {
  const right = "a number from 0.1 to 1000 a second";
  if (!/^\d{1,9}(\.\d{1,3})?$/.test(text)) return refuse("not a rate", right);
  const rate = Number(text);
  if (rate < 0.1) return refuse("too low", right);
  return rate <= 1000 ? accept(rate) : refuse("too high", right);
}

/** One of a few words. */
export function parseWord<const W extends string>(
  words: readonly W[],
): (text: string) => Parsed<W> {
  return (text) => {
    const word = words.find((w) => w === text.toLowerCase());
    return word ? accept(word) : refuse("unknown word", `one of ${words.join(", ")}`);
  };
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAME_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** RFC 1123 subdomain as the API server checks it. */
function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
    .test(text);
}

/** `name` or `prefix/name`: the API server's rule for classes and for annotation keys. */
function isQualifiedName(text: string): boolean {
  const slash = text.indexOf("/");
  return slash < 0
    ? NAME_PART.test(text)
    : isDnsSubdomain(text.slice(0, slash)) && NAME_PART.test(text.slice(slash + 1));
}

/** A `spec.loadBalancerClass`; empty text is no class. */
export function parseClass(text: string): Parsed<string | undefined> {
  if (text === "") return accept(undefined);
  return isQualifiedName(text) ? accept(text) : refuse(
    "not a class that Kubernetes accepts",
    "a name of at most 63 letters, digits, '-', '_', '.', with an optional DNS prefix, " +
      "such as internal-vip or example.com/internal-vip",
  );
}

/** A name that the API server accepts for Leases and Nodes. */
export function parseObjectName(text: string): Parsed<string> {
  return isDnsSubdomain(text) ? accept(text) : refuse(
    "not a name that Kubernetes accepts",
    "at most 253 lower-case letters, digits, '-' and '.', with a letter or digit at each end",
  );
}

export function parseNamespace(text: string): Parsed<string> {
  return DNS_LABEL.test(text) ? accept(text) : refuse(
    "not a namespace name",
    "at most 63 lower-case letters, digits and '-', with a letter or digit at each end",
  );
}

/** A comma list of namespaces; empty text is all. @returns sorted, without duplicates. */
export function parseNamespaces(text: string): Parsed<readonly string[]> {
  if (text === "") return accept([]);
  const names = text.split(",").map((name) => name.trim());
  const bad = names.flatMap((name, i) =>
    parseNamespace(name).ok ? [] : [`${i + 1} (${name === "" ? "empty" : name})`]
  );
  if (bad.length > 0) {
    const right = "names with commas, such as a,b, of lower-case letters, digits and '-'";
    return refuse(`not a namespace name: entry ${bad.join(", entry ")}`, right);
  }
  return accept([...new Set(names)].sort());
}

/** A name for logs and metric labels. */
export function parseInstanceName(text: string): Parsed<string> {
  return /^[!-~]{1,253}$/.test(text)
    ? accept(text)
    : refuse("not a name for an instance", "1 to 253 visible ASCII characters without spaces");
}

/** A comma list of such names, which may hold commas themselves; empty text is all. */
export function parseInstanceNames(text: string): Parsed<readonly string[]> {
  if (text === "") return accept([]);
  const names = text.split(",").map((name) => name.trim());
  const right = "names of instances with commas, such as public-prod,private-dev";
  return names.every((name) => parseInstanceName(name).ok)
    ? accept(names)
    : refuse("not names of instances", right);
}

/** An interface name by the kernel's dev_valid_name(), or "auto". */
export function parseInterface(text: string): Parsed<string> {
  // deno-lint-ignore no-control-regex -- the kernel refuses only separators and white space
  const valid = /^[^\x00-\x20/:,]{1,15}$/.test(text) && text !== "." && text !== "..";
  return valid ? accept(text) : refuse(
    "not an interface name",
    "auto, or a name of at most 15 characters as `ip link` shows it, such as eth0",
  );
}

/** `host:port`, `:port` (all IPv4 addresses), `[IPv6]:port`, or `off`. */
export function parseHttpAddress(text: string): Parsed<string | undefined> {
  if (text.toLowerCase() === "off") return accept(undefined);
  const [, host, port] = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]*):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65535) {
    return refuse(
      "not an address to listen on",
      "host:port such as 127.0.0.1:2112, :2112 for all addresses, [::1]:2112, or off",
    );
  }
  return accept(`${host || "0.0.0.0"}:${Number(port)}`);
}

/** The URL of an API server, without a slash at its end; empty text is the kubeconfig's. */
export function parseServerUrl(text: string): Parsed<string | undefined> {
  if (text === "") return accept(undefined);
  const right = "a URL such as https://192.0.2.10:6443, without user, query or fragment";
  if (!/^https?:\/\/[^/]/.test(text) || !URL.canParse(text)) return refuse("not a URL", right);
  const url = new URL(text);
  if (url.username || url.password) return refuse("credentials belong in the kubeconfig", right);
  if (url.search || url.hash) return refuse("more than a server", right);
  return accept(url.href.replace(/\/$/, ""));
}

/** A path; empty text is none. */
export function parsePath(text: string): Parsed<string | undefined> {
  return accept(text === "" ? undefined : text);
}

/** A JSON object of annotations. Keys under `classvip.io/` are classvip's own. */
export function parseAnnotations(text: string): Parsed<Readonly<Record<string, string>>> {
  const right = 'a JSON object of strings such as {"example.com/team":"network"}';
  let value: unknown;
  try {
    value = JSON.parse(text || "{}");
  } catch {
    return refuse("not JSON", right);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse("not a JSON object", right);
  }
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry !== "string") return refuse(`the value of ${key} is not a string`, right);
    if (!isQualifiedName(key.toLowerCase())) {
      return refuse(`${key} is not an annotation key`, right);
    }
    if (key.startsWith("classvip.io/")) return refuse(`${key} is set by classvip itself`, right);
  }
  return accept(value as Record<string, string>);
}
