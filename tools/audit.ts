/**
 * Asks the npm registry for known flaws of what deno.lock holds. A flaw is a failure, and so is an
 * answer that is none; a registry that does not answer is a warning with the reason, which says
 * nothing about the dependencies.
 *
 *     deno task audit
 *
 * JSR keeps no such list. Its packages here are Deno's own.
 *
 * @module
 */

const REGISTRY = "https://registry.npmjs.org/";
const DEADLINE_MS = 20_000;

/** As the registry's bulk endpoint answers, by package. */
export type Advisories = Readonly<
  Record<
    string,
    readonly { severity: string; title: string; url: string; vulnerable_versions: string }[]
  >
>;

/** @returns versions by package. */
export function lockedVersions(lock: { npm?: Record<string, unknown> }): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const key of Object.keys(lock.npm ?? {})) {
    // name@version, then _peer@version for each peer.
    const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
    if (name === undefined || version === undefined) {
      throw new Error(`deno.lock: what is "${key}"?`);
    }
    const versions = found[name] ??= [];
    if (!versions.includes(version)) versions.push(version);
  }
  return found;
}

/** @returns a line for each flaw */
export function describeFlaws(advisories: Advisories): string[] {
  return Object.entries(advisories).flatMap(([name, flaws]) =>
    flaws.map(({ severity, title, url, vulnerable_versions }) =>
      `${name} ${vulnerable_versions}: ${severity}: ${title} (${url})`
    )
  );
}

/** What the registry says to the question, or why it says nothing. */
type Answer = { readonly advisories: Advisories } | { readonly silence: string };

/** A mirror without such a list, a proxy, a registry in trouble: they say nothing of the packages. */
const SILENT = new Set([401, 403, 404, 405, 407, 408, 410, 429]);

/** @throws {Error} where the answer is none to this question, or the question was wrong */
async function ask(registry: string, versions: Record<string, string[]>): Promise<Answer> {
  const url = new URL("-/npm/v1/security/advisories/bulk", registry.replace(/\/*$/, "/"));
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(versions),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    text = await response.text();
  } catch (error) {
    // Newer versions of Deno say what it was in the cause alone.
    const { message, cause } = error as Error;
    return { silence: cause instanceof Error ? cause.message : message };
  }
  const { status, ok } = response;
  if (SILENT.has(status) || status >= 500) return { silence: `HTTP ${status}` };
  if (!ok) throw new Error(`${url} refuses the question: HTTP ${status}`);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // Said below, as for everything else that is no answer.
  }
  if (!isAdvisories(answer)) throw new Error(`${url} gives no answer to the question`);
  return { advisories: answer };
}

function isAdvisories(value: unknown): value is Advisories {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((flaws) =>
    Array.isArray(flaws) &&
    flaws.every((flaw) =>
      ["severity", "title", "url", "vulnerable_versions"].every((key) =>
        typeof flaw?.[key] === "string"
      )
    )
  );
}

/** @returns whether nothing is known against the packages */
async function audit(): Promise<boolean> {
  const versions = lockedVersions(JSON.parse(await Deno.readTextFile("deno.lock")));
  const count = Object.keys(versions).length;
  if (count === 0) throw new Error("deno.lock names no package of npm");
  // As npm and Deno read it.
  const registry = Deno.env.get("npm_config_registry") || Deno.env.get("NPM_CONFIG_REGISTRY") ||
    REGISTRY;
  const answer = await ask(registry, versions);
  if ("silence" in answer) {
    console.error(`warning: ${count} packages not checked for known flaws: ${answer.silence}`);
    return true;
  }
  const flaws = describeFlaws(answer.advisories);
  for (const flaw of flaws) console.error(flaw);
  console.log(`${count} packages, ${flaws.length} known flaws`);
  return flaws.length === 0;
}

if (import.meta.main) {
  try {
    if (!await audit()) Deno.exitCode = 1;
  } catch (error) {
    console.error(`No audit: ${(error as Error).message}`);
    Deno.exitCode = 1;
  }
}
