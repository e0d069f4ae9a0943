import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import type { ConfigProblem } from "./errors.ts";
import type { Given, Layer } from "./given.ts";
import { findYamlKey, rightYamlKey } from "./names.ts";
import { readPools } from "./pool_file.ts";
import { type SettingName, settingOf } from "./settings.ts";

/** The settings of a YAML file. */
export interface FileSettings {
  /** From the top level: for the process, and for all instances. */
  readonly shared: Layer;
  /** One for each entry of `instances:`; undefined without that key. */
  readonly instances: readonly Layer[] | undefined;
  /** Where `instances:` stands: `file path:line`. */
  readonly instancesSource: string;
  readonly problems: readonly ConfigProblem[];
}

/**
 * Reads a YAML file of settings.
 *
 * @param text the file's contents.
 * @param path as it is to be named in sources.
 */
export function parseConfigFile(text: string, path: string): FileSettings {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems: ConfigProblem[] = [];
  let instancesSource = `file ${path}`;

  function sourceAt(offset: number | undefined): string {
    return `file ${path}:${lines.linePos(offset ?? 0).line}`;
  }
  function refuse(setting: string, source: string, problem: string, right: string): void {
    problems.push({ setting, value: undefined, source, problem, right });
  }
  /** Follows `*alias`. */
  function resolve(node: unknown): Node | undefined {
    if (isAlias(node)) return node.resolve(document);
    return isNode(node) ? node : undefined;
  }
  /** @returns the text that the setting's parser takes, or undefined for a wrong shape. */
  function textOf(name: SettingName, node: Node): string | undefined {
    const { kind } = settingOf(name);
    // The source keeps what a number would lose, such as the zero of 1.10.
    if (isScalar(node)) {
      return typeof node.value === "string" ? node.value : node.source ?? String(node.value);
    }
    if (isSeq(node) && kind === "list") {
      const items = node.items.map(resolve);
      return items.every((item) => isScalar(item))
        ? items.map((i) => `${i.value}`).join(",")
        : undefined;
    }
    if (kind === "pools") {
      const pools = readPools(node, { resolve, sourceAt, refuse });
      return pools && JSON.stringify(pools);
    }
    return isMap(node) && kind === "map" ? jsonOf(node) : undefined;
  }
  /** @returns undefined where an alias leads nowhere, or in a circle */
  function jsonOf(node: Node): string | undefined {
    try {
      return JSON.stringify(node.toJS(document));
    } catch {
      return undefined;
    }
  }
  function layerOf(map: YAMLMap, isInstance: boolean): Map<SettingName, Given> {
    const layer = new Map<SettingName, Given>();
    for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
      const source = sourceAt(key.range?.[0]);
      const word = isScalar(key) ? String(key.value) : "?";
      if (word === "instances" && !isInstance) continue;
      const name = findYamlKey(word);
      const node = resolve(value);
      if (!name || (isInstance && settingOf(name).scope === "process")) {
        refuse(
          word,
          source,
          name ? "it is set for the whole process" : "no such setting",
          name ? `${word} at the top level` : rightYamlKey(word),
        );
      } else if (node && !(isScalar(node) && node.value === null)) {
        const given = textOf(name, node);
        if (given === undefined) {
          refuse(word, source, "not a value of the right shape", shapeOf(name));
        } else layer.set(name, { text: given.trim(), source });
      }
    }
    return layer;
  }

  function instancesOf(list: Node | undefined): Layer[] {
    const right = "`- loadBalancerClass: …` for each instance";
    if (!isSeq(list)) {
      refuse("instances", instancesSource, "not a list", right);
      return [];
    }
    if (list.items.length === 0) {
      refuse("instances", instancesSource, "the list is empty", `${right}, or no instances`);
    }
    return list.items.flatMap((item, index) => {
      const entry = resolve(item);
      if (isMap(entry)) return [layerOf(entry, true)];
      const source = sourceAt(isNode(item) ? item.range?.[0] : undefined);
      refuse("instances", source, `entry ${index + 1} is not a mapping`, right);
      return [];
    });
  }

  const [twice, invalid] = [true, false].map((wanted) =>
    document.errors.filter(({ code }) => (code === "DUPLICATE_KEY") === wanted)
  ) as [YAMLError[], YAMLError[]];
  // The first one alone: in a file that is none, the others follow from it.
  for (const { code, pos, message } of invalid.slice(0, 1)) {
    if (code === "MULTIPLE_DOCS") {
      refuse("config", sourceAt(pos[0]), "a second document begins", "one document of settings");
    } else refuse("config", sourceAt(pos[0]), message, "valid YAML");
  }
  const root = resolve(document.contents);
  const empty = { shared: new Map(), instances: undefined, instancesSource, problems };
  // All else can be read, and what is wrong there is said along with it.
  for (const { pos: [from] } of twice) {
    const [word = "?"] = /^[^\s:]+/.exec(text.slice(from)) ?? [];
    refuse(word, sourceAt(from), "it stands there twice", "one of both");
  }
  if (invalid.length > 0 || !root || (isScalar(root) && root.value === null)) return empty;
  if (!isMap(root)) {
    refuse("config", sourceAt(root.range?.[0]), "not a mapping", "settings as `name: value`");
    return empty;
  }

  let instances: Layer[] | undefined;
  const pair = (root.items as Pair<Node, Node | null>[])
    .find(({ key }) => isScalar(key) && key.value === "instances");
  if (pair) {
    instancesSource = sourceAt(pair.key.range?.[0]);
    instances = instancesOf(resolve(pair.value));
  }
  return { shared: layerOf(root, false), instances, instancesSource, problems };
}

function shapeOf(name: SettingName): string {
  const { kind } = settingOf(name);
  if (kind === "pools") return "a list of pools, or addresses with commas";
  return kind === "list" ? "a list of words" : kind === "map" ? "a mapping" : "a single value";
}
