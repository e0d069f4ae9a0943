import { ConfigError, describeProblem } from "../../lib/config/errors.ts";
import { type ConfigSources, loadConfig, type LoadedConfig } from "../../lib/config/load.ts";

/** What a test gives; flags as on the command line, `{ leaseName: "x" }`. */
export interface TestSources {
  flags?: Record<string, string | undefined> | [string, string | undefined][];
  env?: Record<string, string>;
  /** Contents of the file `/c.yaml`, which is named unless `flags` or `env` do. */
  yaml?: string;
  files?: Record<string, string>;
  isTerminal?: boolean;
}

export async function load(given: TestSources = {}): Promise<LoadedConfig> {
  const { flags = {}, env = {}, yaml, files = {}, isTerminal = false } = given;
  const pairs = Array.isArray(flags) ? flags : Object.entries(flags);
  const all = yaml === undefined ? pairs : [...pairs, ["config", "/c.yaml"] as const];
  const readable: Record<string, string> = yaml === undefined
    ? files
    : { ...files, "/c.yaml": yaml };
  const sources: ConfigSources = {
    flags: all.map(([flag, value]) => ({ flag, value })),
    env,
    isTerminal,
    hostname: () => "Node-1",
    readTextFile: (path) => {
      const text = readable[path];
      return text === undefined
        ? Promise.reject(new Error(`no file ${path}`))
        : Promise.resolve(text);
    },
  };
  return await loadConfig(sources);
}

/** @returns the problems, one line each; none where loading succeeds. */
export async function problemsOf(given: TestSources): Promise<string[]> {
  try {
    await load(given);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(describeProblem);
    throw error;
  }
}

/** @returns value and source of a setting of the process, or else of the only instance. */
export function effectiveOf({ effective }: LoadedConfig, name: string): [string, string] {
  const found = effective.filter((setting) => setting.name === name);
  const [first] = found;
  const isOne = found.length === 1 || first?.instance === undefined && found.length === 2;
  if (first === undefined || !isOne) throw new Error(`${found.length} effective settings ${name}`);
  return [first.value, first.source];
}
