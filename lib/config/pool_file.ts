import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from "yaml";
import { parseRange } from "../pools/range.ts";
import { nearest } from "./nearest.ts";
import { type GivenPool, POOL_DEFAULTS } from "./pools.ts";
import { SelectorReader } from "./selector_file.ts";
import { parseBoolean, type Parsed, parseNamespaces } from "./values.ts";

/** How the reader of the file finds its way, and says what is wrong. */
export interface PoolFileContext {
  /** Follows an alias. */
  resolve(node: unknown): Node | undefined;
  /** @returns `file path:line` */
  sourceAt(offset: number | undefined): string;
  refuse(setting: string, source: string, problem: string, right: string): void;
}

/** Of a pool. */
export const KEYS = [
  "name",
  "addresses",
  "autoAssign",
  "avoidEnds",
  "namespaces",
  "namespaceSelector",
  "serviceSelector",
];
const SHAPE = "`- addresses: [10.0.0.0/24]` for each pool";

/** Reads `pools:` of a file. What is wrong is said, and left out. */
export function readPools(node: Node, context: PoolFileContext): GivenPool[] | undefined {
  if (!isSeq(node)) return undefined;
  return node.items.flatMap((item, index) => {
    const entry = context.resolve(item);
    const source = context.sourceAt(entry?.range?.[0]);
    if (isMap(entry)) return readPool(entry, source, context) ?? [];
    context.refuse("pools", source, `entry ${index + 1} is not a mapping`, SHAPE);
    return [];
  });
}

function readPool(
  map: YAMLMap,
  source: string,
  context: PoolFileContext,
): GivenPool | undefined {
  const { resolve, sourceAt, refuse } = context;
  const values = new Map<string, { node: Node; source: string }>();
  for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
    const word = isScalar(key) ? String(key.value) : "?";
    const at = sourceAt(key.range?.[0]);
    const node = resolve(value);
    if (!KEYS.includes(word)) {
      refuse(word, at, "no such key of a pool", nearest(word, KEYS) ?? `one of ${KEYS.join(", ")}`);
    } else if (node && !(isScalar(node) && node.value === null)) {
      values.set(word, { node, source: at });
    }
  }

  function read<T>(key: string, fallback: T, parse: (text: string) => Parsed<T>): T {
    const given = values.get(key);
    if (given === undefined) return fallback;
    const text = wordsOf(given.node, resolve)?.map(({ text }) => text).join(",");
    const parsed = text === undefined
      ? { ok: false as const, problem: "not a value of the right shape", right: "words" }
      : parse(text);
    if (parsed.ok) return parsed.value;
    refuse(key, given.source, parsed.problem, parsed.right);
    return fallback;
  }

  const avoidEnds = read<boolean>("avoidEnds", POOL_DEFAULTS.avoidEnds, parseBoolean);
  const given = values.get("addresses");
  const words = given && wordsOf(given.node, resolve);
  if (words === undefined || words.length === 0) {
    refuse("addresses", given?.source ?? source, "the pool has no addresses", SHAPE);
    return undefined;
  }
  const addresses: string[] = [];
  const sources: string[] = [];
  for (const { text, offset } of words) {
    const parsed = parseRange(text, { avoidEnds });
    if (parsed.ok) {
      addresses.push(text);
      sources.push(sourceAt(offset));
    } else refuse("addresses", sourceAt(offset), `${text}: ${parsed.problem}`, parsed.right);
  }
  const selector = (key: string, whose: string) => {
    const given = values.get(key);
    return given && new SelectorReader(key, whose, context).read(given.node, given.source);
  };
  const namespaceSelector = selector("namespaceSelector", "a namespace");
  return {
    name: read("name", addresses[0] ?? source, parsePoolName),
    addresses,
    autoAssign: read<boolean>("autoAssign", POOL_DEFAULTS.autoAssign, parseBoolean),
    avoidEnds,
    namespaces: read<readonly string[]>("namespaces", [], parseNamespaces),
    serviceSelector: selector("serviceSelector", "a Service") ?? [],
    ...namespaceSelector && { namespaceSelector },
    source,
    sources,
  };
}

function parsePoolName(text: string): Parsed<string> {
  const ok = /^[!-~]{1,63}$/.test(text);
  return ok
    ? { ok, value: text }
    : { ok, problem: "not a name", right: "1 to 63 visible ASCII characters without spaces" };
}

function wordsOf(
  node: Node,
  resolve: PoolFileContext["resolve"],
): { text: string; offset: number | undefined }[] | undefined {
  const items = isSeq(node) ? node.items.map(resolve) : [node];
  if (!items.every((item) => isScalar(item))) return undefined;
  return items.flatMap((item) => {
    const { value, range } = item;
    return String(value).split(",").map((part) => ({ text: part.trim(), offset: range?.[0] }));
  });
}
