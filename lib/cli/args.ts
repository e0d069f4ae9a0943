import { parseArgs } from "@std/cli/parse-args";
import type { ConfigProblem } from "../config/errors.ts";
import type { GivenFlag } from "../config/given.ts";
import { asMeant, findFlag, isBooleanFlag, rightFlag } from "../config/names.ts";
import { nearest } from "../config/nearest.ts";
import { parseBoolean, type Parsed, parseNamespace, parseObjectName } from "../config/values.ts";

export const commandNames = [
  "run",
  "config",
  "classes",
  "handover",
  "release",
  "manifest",
  "migrate",
  "version",
  "help",
] as const;

export type CommandName = typeof commandNames[number];

/** A command line, taken apart. What the flags mean is up to the settings. */
export interface CommandLine {
  readonly command: CommandName;
  readonly flags: readonly GivenFlag[];
  /** Format of the answer of `config` and `classes`. */
  readonly output: "text" | "json";
  /** `config` shows the schema of the file instead. */
  readonly schema: boolean;
  /** The node that `handover` names. */
  readonly to: string | undefined;
  /** What follows the command: the kind of `manifest`, the files of `config` and `migrate`. */
  readonly operands: readonly string[];
  /** Of `manifest` and `migrate`: the container image, and the namespace of the objects. */
  readonly image: string | undefined;
  readonly namespace: string | undefined;
  /** Of `manifest`: the name of the objects. */
  readonly name: string | undefined;
  /** An unknown command, words too many, a bad `--output` or `--to`. */
  readonly problems: readonly ConfigProblem[];
}

/** They print objects. */
const MAKERS: readonly CommandName[] = ["manifest", "migrate"];
/** They take words after their name. */
const WORDY: readonly CommandName[] = [...MAKERS, "config"];

/** A flag of some commands alone, which is no setting. */
interface OwnFlag {
  readonly commands: readonly CommandName[];
  /** It needs no value. */
  readonly isBoolean?: true;
  readonly parse: (text: string) => Parsed<unknown>;
}

const OWN_FLAGS = new Map<string, OwnFlag>([
  ["output", { commands: ["config", "classes"], parse: parseFormat }],
  ["schema", { commands: ["config"], isBoolean: true, parse: parseBoolean }],
  ["to", { commands: ["handover"], parse: parseObjectName }],
  ["image", { commands: MAKERS, parse: parseImage }],
  ["namespace", { commands: MAKERS, parse: parseNamespace }],
  ["name", { commands: ["manifest"], parse: parseObjectName }],
]);

/** Flags that stand for a command, whatever else the line says. */
const SWITCHES = new Map<string, CommandName>([
  ["help", "help"],
  ["h", "help"],
  ["version", "version"],
  ["v", "version"],
  ["V", "version"],
]);

/** What a command without anything beside it says. */
const NOTHING: Omit<CommandLine, "command"> = {
  flags: [],
  problems: [],
  output: "text",
  schema: false,
  to: undefined,
  operands: [],
  image: undefined,
  namespace: undefined,
  name: undefined,
};

/** `-leaseName=x`: the parser would take it for nine flags of one letter each. */
const ONE_DASH = /^-([A-Za-z][^=]+)/;

/**
 * Takes the command line apart: `[command] [--flag=value | --flag value | --booleanFlag]…`.
 *
 * Flags that nobody knows are left in, to be reported together with wrong values.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const flags: GivenFlag[] = [];
  const words: string[] = [];
  const problems: ConfigProblem[] = [];
  const settled = args.indexOf("--") < 0 ? args.length : args.indexOf("--");
  const parsable = args.filter((arg, index) => {
    const word = index < settled ? ONE_DASH.exec(arg)?.[1] : undefined;
    if (word === undefined) return true;
    const [setting, source] = [word, `flag -${word}`];
    const problem = "a flag has two dashes";
    problems.push({ setting, value: undefined, source, problem, right: rightFlag(word) });
    return false;
  });
  // Nothing is declared, so that every flag comes through here as it was written, in order, and a
  // missing value (true) can be told from an empty one. A flag that needs no value must not eat
  // the next word, so it gets its value here.
  const { _: afterDashes } = parseArgs(parsable.map(completeBoolean), {
    unknown: (arg: string, key?: string, value?: unknown) => {
      if (key === undefined) words.push(arg);
      else flags.push({ flag: key, value: value === true ? undefined : String(value) });
      return false;
    },
  });
  words.push(...afterDashes.map(String));

  const isOn = ({ flag, value = "true" }: GivenFlag): boolean => {
    const parsed = parseBoolean(value);
    problems.push(...wrong(flag, value, parsed));
    return parsed.ok && parsed.value;
  };
  const switches = flags.filter(({ flag }) => SWITCHES.has(flag));
  const [asked] = switches.filter(isOn).map(({ flag }) => SWITCHES.get(flag)!);
  if (asked) return { ...NOTHING, command: asked };
  const { command, operands } = commandOf(words, problems);
  if (command === "version" || command === "help") {
    for (const { flag, value } of flags.filter((given) => !switches.includes(given))) {
      const source = `flag --${flag}`;
      const right = `classvip ${command} alone`;
      problems.push({ setting: flag, value, source, problem: "no flag of this command", right });
    }
  }
  const ownNames = [...OWN_FLAGS].flatMap(([name, { commands }]) =>
    commands.includes(command) ? [name] : []
  );
  const own = flags.filter(({ flag }) => ownNames.includes(flag));
  for (const [i, { flag, value }] of own.entries()) {
    const source = `flag --${flag}`;
    const refuse = (problem: string, right: string) =>
      problems.push({ setting: flag, value, source, problem, right });
    const before = own.slice(0, i).find((other) => other.flag === flag);
    if (before !== undefined && before.value !== value) {
      refuse(`flag --${flag} says ${JSON.stringify(before.value)}`, "one of them");
    }
    if (value === undefined) refuse("its value is missing", `--${flag}=value`);
    else problems.push(...wrong(flag, value, OWN_FLAGS.get(flag)!.parse(value)));
  }
  if (command === "handover" && own.length === 0) {
    const [setting, source, right] = ["to", "not given", "--to=<name of a node>"];
    problems.push({ setting, value: undefined, source, problem: "no node is named", right });
  }
  const misspelt = flags.filter(({ flag, value }) => {
    const meant = findFlag(flag) === undefined && nearest(flag, ownNames);
    if (!meant || meant === flag) return false;
    const source = `flag --${flag}`;
    const right = asMeant(flag, meant, OWN_FLAGS.get(meant)!.isBoolean ?? false);
    problems.push({ setting: flag, value, source, problem: "no such flag", right });
    return true;
  });
  const taken = [...switches, ...own, ...misspelt];
  /** What was wrong is said above, and not once more where it is used. */
  const valueOf = (name: string): unknown => {
    const given = own.findLast(({ flag }) => flag === name);
    const parsed = given?.value === undefined ? undefined : OWN_FLAGS.get(name)!.parse(given.value);
    return parsed?.ok ? parsed.value : undefined;
  };
  return {
    ...NOTHING,
    command,
    problems,
    operands,
    to: valueOf("to") as string | undefined,
    image: valueOf("image") as string | undefined,
    namespace: valueOf("namespace") as string | undefined,
    name: valueOf("name") as string | undefined,
    schema: valueOf("schema") === true,
    output: valueOf("output") === "json" ? "json" : "text",
    flags: flags.filter((given) => !taken.includes(given)),
  };
}

/** @returns what is wrong with the value of a flag of this command line's own */
function wrong(setting: string, value: string, parsed: Parsed<unknown>): ConfigProblem[] {
  if (parsed.ok) return [];
  const { problem, right } = parsed;
  return [{ setting, value, source: `flag --${setting}`, problem, right }];
}

function parseFormat(text: string): Parsed<"text" | "json"> {
  return text === "text" || text === "json"
    ? { ok: true, value: text }
    : { ok: false, problem: "no such format", right: "text or json" };
}

/** No more than that it is one word: registries have rules of their own. */
function parseImage(text: string): Parsed<string> {
  return /^[!-~]+$/.test(text) ? { ok: true, value: text } : {
    ok: false,
    problem: "not the name of an image",
    right: "one word such as registry.example.com/classvip:0.1.0",
  };
}

function completeBoolean(arg: string): string {
  const flag = /^--?([^=]+)$/.exec(arg)?.[1];
  return flag && (SWITCHES.has(flag) || OWN_FLAGS.get(flag)?.isBoolean || isBooleanFlag(flag))
    ? `${arg}=true`
    : arg;
}

function commandOf(
  [word = "run", ...leftover]: string[],
  problems: ConfigProblem[],
): { command: CommandName; operands: string[] } {
  const command = commandNames.find((name) => name === word) ??
    // kube-vip's manifests say manager.
    (word === "manager" ? "run" : undefined);
  if (!command) {
    problems.push({
      setting: "command",
      value: word,
      source: "command line",
      problem: "no such command",
      right: nearest(word, commandNames) ?? commandNames.join(", "),
    });
  }
  if (command && WORDY.includes(command)) return { command, operands: leftover };
  for (const value of leftover) {
    problems.push({
      setting: "command",
      value,
      source: "command line",
      problem: "a word too many",
      right: "one command, and --flag=value for each setting",
    });
  }
  return { command: command ?? "run", operands: [] };
}
