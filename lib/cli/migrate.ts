import { parseAllDocuments } from "yaml";
import { ConfigError, type ConfigProblem } from "../config/errors.ts";
import { loadConfig } from "../config/load.ts";
import { planDeployment } from "../manifest/deployment.ts";
import { daemonSet, type Manifests, staticPod } from "../manifest/manifests.ts";
import {
  type Flags,
  type Migration,
  readKubeVip,
  readPoolConfigMapName,
} from "../manifest/migration.ts";
import { readPoolConfigMap } from "../pools/config_map.ts";
import type { CommandLine } from "./args.ts";
import type { CliContext } from "./context.ts";
import { asYaml, DEFAULT_IMAGE, podNamespaceOf } from "./manifest.ts";

/** As in many commands: standard input. */
const STDIN = "-";

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
    const { path, notes, services, controlPlane } = migration;
    const own: Manifests[] = [{ objects: [], notes: [`From ${path}:`, ...notes] }];
    if (controlPlane) own.push(await forControlPlane(line, migration, controlPlane));
    if (services) own.push(await forServices(line, migration, services, found.pools));
    blocks.push(asYaml({
      objects: own.flatMap(({ objects }) => objects),
      notes: own.flatMap(({ notes }) => notes),
    }));
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
    refuse(
      undefined,
      "none is named",
      "classvip migrate FILE…, with manifests of kube-vip; - is standard input",
    );
  }
  for (const path of line.operands) {
    let text: string;
    try {
      text = await (path === STDIN ? context.readStdin() : context.readTextFile(path));
    } catch (error) {
      refuse(path, (error as Error).message, "the path of a YAML file that classvip may read");
      continue;
    }
    let objects: unknown[];
    try {
      objects = objectsOf(text);
    } catch (error) {
      refuse(path, (error as Error).message, "YAML");
      continue;
    }
    const seen = objects.map((object) => take(object, path, found)).includes(true);
    if (!seen) {
      const kinds = objects.map(kindOf).join(", ");
      refuse(
        path,
        kinds === "" ? "is empty" : `there is nothing of kube-vip in it, but ${kinds}`,
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

/**
 * The objects in a file, also those in a List, as kubectl prints several.
 *
 * @throws {Error} where it is no YAML, or an alias in it leads nowhere
 */
function objectsOf(text: string): unknown[] {
  const documents = [...parseAllDocuments(text, { prettyErrors: false, logLevel: "silent" })];
  const [broken] = documents.flatMap(({ errors }) => errors);
  if (broken !== undefined) throw broken;
  return documents.map((document) => document.toJS()).flatMap((object) =>
    kindOf(object) === "List" && Array.isArray(object.items) ? object.items : [object]
  );
}

function kindOf(object: unknown): string {
  return typeof object === "object" && object !== null && "kind" in object
    ? String(object.kind)
    : "no object";
}

/** @returns whether it is something of kube-vip */
function take(object: unknown, path: string, { migrations, pools }: Found): boolean {
  const migration = readKubeVip(object);
  if (migration !== undefined) migrations.push({ ...migration, path });
  const configMap = readPoolConfigMapName(object);
  if (configMap !== undefined) {
    // In the cluster all of them are strings; in a file somebody may have left the quotes out.
    const data = Object.fromEntries(
      Object.entries((object as { data: object }).data).map(([key, value]) => [key, `${value}`]),
    );
    const { problems, warnings } = readPoolConfigMap(data);
    pools.set(configMap, [...problems, ...warnings]);
  }
  return migration !== undefined || configMap !== undefined;
}

async function forControlPlane(
  line: CommandLine,
  { place, namespace }: Migration,
  flags: Flags,
): Promise<Manifests> {
  const notes = place === "static-pod" ? [] : [
    "the control plane's VIP is held by a static pod on each of its nodes, in place of a DaemonSet: " +
    "it is there before the cluster is. Its document goes into a file there, never to kubectl apply:",
  ];
  const made = await make(line, "static-pod", namespace, flags);
  return { objects: made.objects, notes: [...notes, ...made.notes, "see docs/control-plane.md"] };
}

async function forServices(
  line: CommandLine,
  { place, namespace, pod }: Migration,
  services: Flags,
  pools: Found["pools"],
): Promise<Manifests> {
  const flags = [...services];
  const notes: string[] = [];
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
  const made = await make(line, place, place === "static-pod" ? namespace : undefined, flags, pod);
  return { objects: made.objects, notes: [...notes, ...made.notes] };
}

/** @param ownNamespace where kube-vip is, if it is to stay there */
async function make(
  line: CommandLine,
  kind: Migration["place"],
  ownNamespace: string | undefined,
  flags: Flags,
  pod: Migration["pod"] = {},
): Promise<Manifests> {
  const namespace = podNamespaceOf({ kind }, { namespace: line.namespace ?? ownNamespace })!;
  const loaded = await loadConfig({
    flags,
    env: { POD_NAMESPACE: namespace },
    isTerminal: false,
    readTextFile: () => Promise.reject(new Error("no file")),
    hostname: () => "node",
  });
  const image = line.image ?? DEFAULT_IMAGE;
  const deployment = planDeployment({ ...loaded, namespace, image });
  return kind === "daemonset" ? daemonSet(deployment, pod) : staticPod(deployment);
}
