import { parseAllDocuments } from "yaml";
import { ConfigError, type ConfigProblem } from "../config/errors.ts";
import { loadConfig } from "../config/load.ts";
import { planDeployment } from "../manifest/deployment.ts";
import { daemonSet, type Manifests, staticPod } from "../manifest/manifests.ts";
import { type Migration, readKubeVip, readPoolConfigMapName } from "../manifest/migration.ts";
import { readPoolConfigMap } from "../pools/config_map.ts";
import type { CommandLine } from "./args.ts";
import type { CliContext } from "./context.ts";
import { asYaml, DEFAULT_IMAGE, podNamespaceOf } from "./manifest.ts";

/** What was read from the files. */
interface Found {
  readonly migrations: (Migration & { readonly path: string })[];
  /** `namespace/name` of ConfigMaps with pools, and what to know of each. */
  readonly pools: Map<string, readonly string[]>;
}

/**
 * `classvip migrate FILE…`: prints what does for classvip what these files of kube-vip do, with a
 * comment for each setting that differs or has no equal.
 *
 * @throws {ConfigError} for files that are not what they should be
 */
export async function migrate(context: CliContext, line: CommandLine): Promise<number> {
  const found = await read(context, line);
  const blocks: string[] = [];
  for (const migration of found.migrations) {
    blocks.push(asYaml(await convert(line, migration, found.pools)));
  }
  context.stdout(blocks.join("\n---\n"));
  return 0;
}

async function read(context: CliContext, line: CommandLine): Promise<Found> {
  const found: Found = { migrations: [], pools: new Map() };
  const problems: ConfigProblem[] = [...line.problems];
  const refuse = (value: string | undefined, problem: string, right: string) =>
    problems.push({ setting: "file", value, source: "command line", problem, right });
  for (const { flag, value } of line.flags) {
    const right = "--image, --namespace, and files of kube-vip";
    const source = `flag --${flag}`;
    problems.push({ setting: flag, value, source, problem: "no flag of this command", right });
  }
  if (line.operands.length === 0) {
    refuse(undefined, "none is named", "classvip migrate FILE…, with manifests of kube-vip");
  }
  for (const path of line.operands) {
    let text: string;
    try {
      text = await context.readTextFile(path);
    } catch (error) {
      const problem = `cannot be read: ${error instanceof Error ? error.message : error}`;
      refuse(path, problem, "the path of a YAML file that classvip may read");
      continue;
    }
    const documents = parseAllDocuments(text, { prettyErrors: false, logLevel: "silent" });
    const [broken] = [...documents].flatMap(({ errors }) => errors);
    if (broken !== undefined) {
      refuse(path, broken.message, "YAML");
      continue;
    }
    let objects: { kind?: unknown }[];
    try {
      objects = [...documents].map((document) => document.toJS());
    } catch (error) {
      // An alias that stands for too much, or for itself.
      refuse(path, error instanceof Error ? error.message : String(error), "YAML");
      continue;
    }
    const seen = objects.map((object) => take(object, path, found)).includes(true);
    if (!seen) {
      const kinds = objects.map((object) => object?.kind ?? "no object").join(", ") || "nothing";
      refuse(
        path,
        `there is nothing of kube-vip in it, but ${kinds}`,
        "a DaemonSet or a Pod of kube-vip, or a ConfigMap of kube-vip-cloud-provider",
      );
    }
  }
  if (problems.length === 0 && found.migrations.length === 0) {
    refuse(
      [...found.pools.keys()].join(", "),
      "pools alone, without a DaemonSet or a Pod of kube-vip",
      "that one too; an instance of classvip uses the pools with --poolConfigMap",
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return found;
}

/** @returns whether it is something of kube-vip */
function take(object: unknown, path: string, { migrations, pools }: Found): boolean {
  const migration = readKubeVip(object);
  if (migration !== undefined) migrations.push({ ...migration, path });
  const configMap = readPoolConfigMapName(object);
  if (configMap !== undefined) {
    const { data } = object as { data: Record<string, unknown> };
    // The API server takes nothing but strings; a file may hold `cidr-global: 5`.
    const texts = Object.entries(data).map(([key, value]) => [key, String(value)]);
    const { problems, warnings } = readPoolConfigMap(Object.fromEntries(texts));
    pools.set(configMap, [...problems, ...warnings]);
  }
  return migration !== undefined || configMap !== undefined;
}

async function convert(
  line: CommandLine,
  migration: Migration & { path: string },
  pools: Found["pools"],
): Promise<Manifests> {
  const head = `From ${migration.path}:`;
  const notes = [...migration.notes];
  if (!migration.services) return { objects: [], notes: [head, ...notes] };
  const flags = [...migration.flags];
  const [configMap, ...others] = pools.keys();
  if (configMap !== undefined) {
    flags.push({ flag: "poolConfigMap", value: configMap });
    notes.push(
      `ConfigMap ${configMap} is used as it is; stop kube-vip-cloud-provider, which would give out ` +
        "the same addresses",
      ...pools.get(configMap)!.map((note) => `ConfigMap ${configMap}: ${note}`),
    );
  }
  for (const other of others) {
    notes.push(`ConfigMap ${other}: an instance uses one, it is left out`);
  }
  const kind = migration.place;
  const namespace = line.namespace ?? podNamespaceOf({ kind }, {
    namespace: kind === "static-pod" ? migration.namespace : undefined,
  })!;
  const loaded = await loadConfig({
    flags,
    env: { POD_NAMESPACE: namespace },
    isTerminal: false,
    readTextFile: () => Promise.reject(new Error("no file")),
    hostname: () => "node",
  });
  const image = line.image ?? DEFAULT_IMAGE;
  const deployment = planDeployment({ ...loaded, namespace, image });
  const made = (kind === "daemonset" ? daemonSet : staticPod)(deployment);
  return { objects: made.objects, notes: [head, ...notes, ...made.notes] };
}
