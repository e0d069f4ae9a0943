/**
 * Checks that imports run in one direction, from room to room as docs/architecture.md has it.
 *
 *     deno run -R tools/architecture.ts
 *
 * @module
 */

/**
 * What each room of lib/ may import, without a cycle. `net` is pure, so that whoever handles
 * addresses or frames may use it.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  cli: [
    "config",
    "manifest",
    "agent",
    "kube",
    "election",
    "services",
    "pools",
    "classes",
    "vip",
    "net",
    "sys",
    "observe",
  ],
  config: ["pools"],
  manifest: ["config"],
  agent: ["kube", "election", "services", "pools", "classes", "vip", "net", "observe"],
  kube: [],
  election: ["kube"],
  services: ["net", "kube"],
  pools: ["net", "services"],
  classes: ["election", "services", "pools"],
  vip: ["net", "sys"],
  net: [],
  sys: ["net"],
  observe: [],
};

/** Further files and rooms that every room may name in an `import type`. */
const SHARED_TYPES = [
  "lib/agent/task.ts",
  "lib/config/instance.ts",
  "lib/election/clock.ts",
  "lib/kube/types.ts",
  "lib/observe/logger.ts",
  "lib/pools/pool.ts",
  "lib/net/",
];

/** Packages and globals that belong to one place. */
const RESERVED = [
  { what: "@std/log", pattern: /["']@std\/log["']/g, home: "lib/observe/log.ts" },
  { what: "@std/cli", pattern: /["']@std\/cli\b[^"']*["']/g, home: "lib/cli/args.ts" },
  { what: "Deno.dlopen", pattern: /\bDeno\.dlopen\b/g, home: "lib/sys/" },
  { what: "Deno.args", pattern: /\bDeno\.args\b/g, home: "main.ts" },
  { what: "Deno.env", pattern: /\bDeno\.env\b/g, home: "main.ts" },
  { what: "Deno.exit", pattern: /\bDeno\.exit(Code)?\b/g, home: "main.ts" },
] as const;

/** At run time this package costs much memory; its models are types. */
const CLIENT_NODE = { what: "@kubernetes/client-node", home: "lib/kube/client_node.ts" };

interface Import {
  specifier: string;
  typeOnly: boolean;
  offset: number;
}

/** Blanks comments, so that what they cite is not taken for code. Offsets stay. */
function withoutComments(text: string): string {
  return text.replace(
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (match) => match.startsWith("/") ? match.replace(/[^\n]/g, " ") : match,
  );
}

function* importsOf(code: string): Generator<Import> {
  const statement = /^[ \t]*(?:import|export)\b([^"';()]*?)\bfrom\s*["']([^"']+)["']/gm;
  for (const match of code.matchAll(statement)) {
    const clause = match[1]!.trim();
    const names = /^\{([^}]*)\}$/.exec(clause)?.[1]?.split(",").filter((name) => name.trim());
    const typeOnly = /^type\b/.test(clause) ||
      (names !== undefined && names.every((name) => /^\s*type\s/.test(name)));
    yield { specifier: match[2]!, typeOnly, offset: match.index };
  }
  for (const match of code.matchAll(/^[ \t]*import\s*["']([^"']+)["']/gm)) {
    yield { specifier: match[1]!, typeOnly: false, offset: match.index };
  }
  for (const match of code.matchAll(/\bimport\(\s*["']([^"']+)["']/g)) {
    yield { specifier: match[1]!, typeOnly: false, offset: match.index };
  }
}

/** The room of a file in lib/, "main" for main.ts, "" for files that stand in lib/ itself. */
function roomOf(path: string): string {
  if (path === "main.ts") return "main";
  return /^lib\/([^/]+)\//.exec(path)?.[1] ?? "";
}

/** What forbids an import, or undefined. */
function objection(path: string, { specifier, typeOnly }: Import): string | undefined {
  if (specifier === CLIENT_NODE.what) {
    return typeOnly || path === CLIENT_NODE.home
      ? undefined
      : `only ${CLIENT_NODE.home} may import ${CLIENT_NODE.what}, others use "import type"`;
  }
  if (!specifier.startsWith(".")) return undefined;
  const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
  const [from, to] = [roomOf(path), roomOf(target)];
  if (from === to || target.startsWith("lib/") && to === "") return undefined;
  if (typeOnly && SHARED_TYPES.some((shared) => target.startsWith(shared))) return undefined;
  const allowed = from === "main" ? ["cli"] : MAY_IMPORT[from];
  if (allowed === undefined) return `"lib/${from}/" is no room that tools/architecture.ts knows`;
  if (allowed.includes(to)) return undefined;
  return `${from} must not import ${to || target} (${target}); it may import ` +
    (allowed.length > 0 ? allowed.join(", ") : "no other room") +
    `${typeOnly ? "" : ", and shared types by import type"}`;
}

/**
 * Finds what breaks the architecture.
 *
 * @param files Text of main.ts and of the files under lib/, by their paths from the project's root.
 * @returns one line for each violation: `file:line: what is wrong and what is allowed`.
 */
export function violations(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [path, text] of files) {
    const code = withoutComments(text);
    const report = (offset: number, message: string) =>
      found.push(`${path}:${code.slice(0, offset).split("\n").length}: ${message}`);
    for (const item of importsOf(code)) {
      const message = objection(path, item);
      if (message !== undefined) report(item.offset, message);
    }
    for (const { what, pattern, home } of RESERVED) {
      if (home.endsWith("/") ? path.startsWith(home) : path === home) continue;
      for (const match of code.matchAll(pattern)) {
        report(match.index, `only ${home} may use ${what}`);
      }
    }
  }
  return found;
}

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sources(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

if (import.meta.main) {
  const files = new Map<string, string>();
  for (const path of ["main.ts", ...(await Array.fromAsync(sources("lib"))).sort()]) {
    files.set(path, await Deno.readTextFile(path));
  }
  const found = violations(files);
  for (const line of found) console.error(line);
  if (found.length > 0) Deno.exit(1);
  console.log(`Architecture: ${files.size} files keep to their rooms`);
}
