/**
 * Asks the npm registry for known flaws of what deno.lock holds. A flaw is a failure; a registry
 * that does not answer the question is a warning: that says nothing about the dependencies.
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

if (import.meta.main) {
  const versions = lockedVersions(JSON.parse(await Deno.readTextFile("deno.lock")));
  const count = Object.keys(versions).length;
  const registry = Deno.env.get("NPM_CONFIG_REGISTRY") || REGISTRY;
  try {
    const response = await fetch(new URL("-/npm/v1/security/advisories/bulk", registry), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(versions),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const flaws = describeFlaws(JSON.parse(text));
    for (const flaw of flaws) console.error(flaw);
    console.log(`${count} packages, ${flaws.length} known flaws`);
    if (flaws.length > 0) Deno.exitCode = 1;
  } catch (error) {
    const why = (error as Error).message;
    console.error(`warning: ${count} packages not checked for known flaws: ${why}`);
  }
}
