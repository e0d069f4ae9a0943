import { Document } from "yaml";
import { ConfigError, type ConfigProblem } from "../config/errors.ts";
import type { LoadedConfig } from "../config/load.ts";
import { nearest } from "../config/nearest.ts";
import { planDeployment } from "../manifest/deployment.ts";
import {
  configMap,
  daemonSet,
  type ManifestKind,
  manifestKinds,
  type Manifests,
  staticPod,
} from "../manifest/manifests.ts";
import { rbac } from "../manifest/rbac.ts";
import { systemdUnit } from "../manifest/systemd.ts";
import { VERSION } from "../version.ts";
import type { CommandLine } from "./args.ts";
import type { CliContext } from "./context.ts";

export const DEFAULT_IMAGE = `classvip:${VERSION}`;
const DAEMONSET_NAMESPACE = "classvip-system";
const STATIC_NAMESPACE = "kube-system";

/** @returns the kind that the command line names, or what is wrong with it */
export function manifestKindOf(
  { operands: [word, ...more] }: Pick<CommandLine, "operands">,
): { kind: ManifestKind | undefined; problems: readonly ConfigProblem[] } {
  const kind = manifestKinds.find((kind) => kind === word);
  const problems: ConfigProblem[] = [];
  const refuse = (value: string | undefined, problem: string, right: string) =>
    problems.push({ setting: "manifest", value, source: "command line", problem, right });
  if (kind === undefined) {
    const right = (word && nearest(word, manifestKinds)) ?? `one of ${manifestKinds.join(", ")}`;
    refuse(word, word === undefined ? "no kind is named" : "no such kind", right);
  }
  for (const value of more) refuse(value, "a word too many", "one kind");
  return { kind, problems };
}

/** The namespace that a pod of this kind finds itself in; undefined: it is no pod. */
export function podNamespaceOf(
  { kind }: { kind: ManifestKind | undefined },
  { namespace }: Pick<CommandLine, "namespace">,
): string | undefined {
  if (kind === "systemd") return undefined;
  return namespace ?? (kind === "static-pod" ? STATIC_NAMESPACE : DAEMONSET_NAMESPACE);
}

/**
 * `classvip manifest KIND`: what runs exactly these settings.
 *
 * @throws {ConfigError} for settings that no manifest can carry
 */
export function printManifest(
  { stdout, stderr }: CliContext,
  kind: ManifestKind,
  loaded: LoadedConfig,
  line: CommandLine,
): number {
  for (const warning of loaded.warnings) stderr(`warning: ${warning}`);
  const namespace = podNamespaceOf({ kind }, line) ?? STATIC_NAMESPACE;
  const deployment = planDeployment({
    ...loaded,
    namespace,
    image: line.image ?? DEFAULT_IMAGE,
    name: line.name,
  });
  switch (kind) {
    case "daemonset":
      stdout(asYaml(daemonSet(deployment)));
      break;
    case "static-pod":
      stdout(asYaml(staticPod(deployment)));
      break;
    case "rbac":
      stdout(asYaml({ objects: rbac(deployment), notes: [] }));
      break;
    case "configmap": {
      const object = configMap(deployment);
      if (object === undefined) throw new ConfigError([NO_PLAN]);
      stdout(asYaml({ objects: [object], notes: [] }));
      break;
    }
    case "systemd":
      stdout(systemdUnit(deployment, loaded.file?.path).trimEnd());
      break;
  }
  return 0;
}

const NO_PLAN: ConfigProblem = {
  setting: "config",
  value: undefined,
  source: "not given",
  problem: "a ConfigMap holds a file with instances",
  right: "--config=<path>; other settings stand in the DaemonSet itself",
};

/** Documents with `---` in between; what must be done besides as comments in front. */
export function asYaml({ objects, notes }: Manifests): string {
  const comments = notes.map((note) => ` ${note}`).join("\n");
  if (objects.length === 0) return comments.replaceAll(/^/gm, "#");
  const documents = objects.map((object, i) => {
    const document = new Document(object, { aliasDuplicateObjects: false });
    if (i === 0 && notes.length > 0) {
      document.commentBefore = comments;
    }
    return document.toString({ lineWidth: 0 }).trimEnd();
  });
  return documents.join("\n---\n");
}
