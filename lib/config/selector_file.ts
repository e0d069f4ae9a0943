import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from "yaml";
import { type LabelRequirement, type LabelSelector, OPERATORS } from "../pools/label_selector.ts";
import { nearest } from "./nearest.ts";
import type { PoolFileContext } from "./pool_file.ts";

type Entry = Pair<Node, Node | null>;
type Operator = LabelRequirement["operator"];

/** As selectors of Kubernetes have it; else labels stand there themselves. */
const PARTS = ["matchLabels", "matchExpressions"];
const EXPRESSION_KEYS = ["key", "operator", "values"];
const EXPRESSION = "{key: team, operator: In, values: [web, shop]}";

/** Reads the labels that are asked for: plain ones, or a LabelSelector as Kubernetes has it. */
export class SelectorReader {
  readonly #setting: string;
  /** All that is asked for, in words. */
  readonly #right: string;
  readonly #context: PoolFileContext;
  readonly #requirements: LabelRequirement[] = [];

  /** @param whose labels they are: "a Service" */
  constructor(setting: string, whose: string, context: PoolFileContext) {
    this.#setting = setting;
    this.#right = `labels such as {team: web}, all of which ${whose} must have`;
    this.#context = context;
  }

  /** @param source where the selector stands. What is wrong is said, and left out. */
  read(node: Node, source: string): LabelSelector {
    if (!isMap(node)) {
      this.#refuse(source, "not a mapping", this.#right);
      return [];
    }
    const entries = node.items as Entry[];
    const parts = entries.filter((entry) => this.#isPart(entry));
    if (parts.length === 0) this.#readLabels(node, source);
    else if (parts.length < entries.length) {
      const problem = "labels beside matchLabels or matchExpressions";
      this.#refuse(source, problem, "matchLabels: {team: web} for those");
    }
    for (const { key, value } of parts) {
      const part = this.#context.resolve(value);
      const at = this.#sourceAt(key);
      const isLabels = isScalar(key) && key.value === PARTS[0];
      if (part === undefined || isScalar(part)) continue; // empty: nothing is asked for
      if (isLabels && isMap(part)) this.#readLabels(part, at);
      else if (!isLabels && isSeq(part)) {
        part.items.forEach((item) => this.#readExpression(item, at));
      } else if (isLabels) this.#refuse(at, "matchLabels is not a mapping", "{team: web}");
      else this.#refuse(at, "matchExpressions is not a list", `- ${EXPRESSION}`);
    }
    return this.#requirements;
  }

  /** A label may have such a name too: its value is a word. */
  #isPart({ key, value }: Entry): boolean {
    return isScalar(key) && PARTS.includes(String(key.value)) && this.#word(value) === undefined;
  }

  #readLabels(map: YAMLMap, source: string): void {
    for (const { key, value } of map.items as Entry[]) {
      const node = this.#context.resolve(value);
      if (isScalar(key) && isScalar(node)) {
        const values = [String(node.value)];
        this.#requirements.push({ key: String(key.value), operator: "In", values });
      } else {
        const known = isScalar(key) ? nearest(String(key.value), PARTS) : undefined;
        this.#refuse(source, "a label whose value is not a word", known ?? this.#right);
      }
    }
  }

  #readExpression(item: unknown, source: string): void {
    const node = this.#context.resolve(item);
    const at = node ? this.#sourceAt(node) : source;
    if (!isMap(node)) return this.#refuse(at, "not an expression", EXPRESSION);
    for (const { key } of node.items as Entry[]) {
      const word = isScalar(key) ? String(key.value) : "?";
      if (EXPRESSION_KEYS.includes(word)) continue;
      const right = nearest(word, EXPRESSION_KEYS) ?? `one of ${EXPRESSION_KEYS.join(", ")}`;
      return this.#refuse(this.#sourceAt(key), `no such key of an expression: ${word}`, right);
    }
    const [key, operator] = [
      this.#word(node.get("key", true)),
      this.#word(node.get("operator", true)),
    ];
    if (!key) return this.#refuse(at, "an expression without key", EXPRESSION);
    if (!isOperator(operator)) {
      const problem = operator === undefined
        ? `an expression without operator (${key})`
        : `no such operator: ${operator} (${key})`;
      const right = nearest(operator ?? "", OPERATORS) ?? `one of ${OPERATORS.join(", ")}`;
      return this.#refuse(at, problem, right);
    }
    const values = this.#words(node.get("values", true));
    const wants = operator === "In" || operator === "NotIn";
    if (values === undefined || (wants !== (values.length > 0))) {
      const right = wants ? `values: [web, shop]` : "none";
      return this.#refuse(at, `values that do not go with ${operator} (${key})`, right);
    }
    this.#requirements.push({ key, operator, values });
  }

  #word(value: unknown): string | undefined {
    const node = this.#context.resolve(value);
    return isScalar(node) && node.value !== null ? String(node.value) : undefined;
  }

  /** @returns undefined for what is no list of words. */
  #words(value: unknown): string[] | undefined {
    const node = this.#context.resolve(value);
    if (node === undefined || (isScalar(node) && node.value === null)) return [];
    if (!isSeq(node)) return undefined;
    const words = node.items.map((item) => this.#word(item));
    return words.every((word) => word !== undefined) ? words : undefined;
  }

  #sourceAt({ range }: Node): string {
    return this.#context.sourceAt(range?.[0]);
  }

  #refuse(source: string, problem: string, right: string): void {
    this.#context.refuse(this.#setting, source, problem, right);
  }
}

function isOperator(word: string | undefined): word is Operator {
  return OPERATORS.some((operator) => operator === word);
}
