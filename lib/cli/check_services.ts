import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from "yaml";
import type { ConfigProblem } from "../config/errors.ts";
import type { InstanceConfig } from "../config/instance.ts";
import { nearest } from "../config/nearest.ts";
import type { Service } from "../kube/types.ts";
import { parseIp } from "../net/ip.ts";
import { readPoolConfigMap } from "../pools/config_map.ts";
import { type ConfigMaps, judgeOf, overlapsOf } from "./pool_judge.ts";
import { isInScope } from "../services/class_policy.ts";
import {
  OWN_ANNOTATIONS,
  type ServiceView,
  unknownAnnotations,
  viewService,
} from "../services/service_view.ts";
import { sharingConflict } from "../services/sharing.ts";

/** A Service in a file. */
interface Found {
  readonly service: ServiceView;
  /** Annotations in classvip's name that nobody knows. */
  readonly unknown: readonly string[];
  readonly wishes: readonly Wish[];
  /** `file path:line` of an annotation. */
  readonly sourceOf: (annotation: string) => string;
}

/** An address that a Service in a file asks for. */
interface Wish {
  readonly service: ServiceView;
  readonly text: string;
  /** `file path:line` */
  readonly source: string;
}

/** What a look at files found. */
export interface CheckedServices {
  readonly problems: readonly ConfigProblem[];
  /** How many Services of type LoadBalancer there are. */
  readonly count: number;
  /** Those that no instance serves: another controller may. */
  readonly passedOver: readonly ServiceView[];
}

const RIGHT = "an address of the class's pools that no other Service has";

/**
 * What is wrong with what Services ask for in their manifests, by a plan: before they are applied,
 * and without a cluster.
 *
 * @param instances those of the plan; Services that none of them serves are passed over
 * @param readTextFile throws a sentence without its subject, the file: "does not exist"
 */
export async function checkServices(
  instances: readonly InstanceConfig[],
  paths: readonly string[],
  readTextFile: (path: string) => Promise<string>,
): Promise<CheckedServices> {
  const problems: ConfigProblem[] = [];
  const services: Found[] = [];
  const configMaps: ConfigMaps = new Map();
  for (const path of paths) {
    try {
      services.push(...servicesIn(await readTextFile(path), path, problems, configMaps));
    } catch (error) {
      problems.push({
        setting: "file",
        value: path,
        source: "command line",
        problem: (error as Error).message,
        right: "the path of a YAML file that classvip may read",
      });
    }
  }
  const judges = instances.map((instance) => judgeOf(instance, instances, configMaps));
  problems.push(...judges.flatMap(({ config, own, foreign }) => overlapsOf(config, own, foreign)));
  const admitted: Wish[] = [];
  const passedOver: ServiceView[] = [];
  for (const found of services) {
    const { service, wishes, sourceOf } = found;
    problems.push(...found.unknown.map((name) => unknown(name, found)));
    const judge = judges.find(({ config }) => isInScope(config, service));
    if (judge === undefined) {
      passedOver.push(service);
      continue;
    }
    const { wishedPool: value } = service;
    if (value !== undefined && judge.pools?.every(({ name }) => name !== value)) {
      const names = judge.pools.map(({ name }) => name);
      problems.push({
        setting: "classvip.io/pool",
        value: `${value} of Service ${service.key}`,
        source: sourceOf("classvip.io/pool"),
        problem: `instance ${judge.config.name} has no such pool`,
        right: nearest(value, names) ?? (names.length > 0 ? `one of ${names.join(", ")}` : "none"),
      });
    }
    for (const wish of wishes) {
      const problem = judge.objection(wish) ?? conflictOf(wish, admitted);
      if (problem === undefined) admitted.push(wish);
      else {
        const { text, source } = wish;
        const value = `${text} of Service ${service.key}`;
        problems.push({ setting: service.wishedBy, value, source, problem, right: RIGHT });
      }
    }
  }
  return { problems, count: services.length, passedOver };
}

function unknown(setting: string, { service, sourceOf }: Found): ConfigProblem {
  return {
    setting,
    value: undefined,
    source: sourceOf(setting),
    problem: `no such annotation, on Service ${service.key}`,
    right: nearest(setting, OWN_ANNOTATIONS) ?? `one of ${OWN_ANNOTATIONS.join(", ")}`,
  };
}

/** @param configMaps takes what is found besides */
function servicesIn(
  text: string,
  path: string,
  problems: ConfigProblem[],
  configMaps: ConfigMaps,
): Found[] {
  const lineCounter = new LineCounter();
  const sourceAt = (offset = 0) => `file ${path}:${lineCounter.linePos(offset).line}`;
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false }) as Document[];
  return documents.flatMap((document) => {
    const [broken] = document.errors;
    if (broken !== undefined) {
      const source = sourceAt(broken.pos[0]);
      const problem = broken.message;
      problems.push({ setting: "file", value: path, source, problem, right: "valid YAML" });
      return [];
    }
    return objectsIn(document.contents).flatMap((node) => {
      const object = node.toJS(document);
      if (typeof object?.kind !== "string") {
        problems.push({
          setting: "file",
          value: path,
          source: sourceAt(node.range?.[0]),
          problem: "no object of Kubernetes: it has no kind",
          right: "manifests of Services; a plan is named by --config=<path>",
        });
        return [];
      }
      if (object.kind === "ConfigMap") {
        const { namespace, name } = named(object).metadata ?? {};
        const data = Object.entries(object.data ?? {}).map(([key, value]) => [key, `${value}`]);
        configMaps.set(`${namespace}/${name}`, {
          pools: readPoolConfigMap(Object.fromEntries(data)).pools,
          sourceOf: (key) => sourceAt(nodeAt(node, ["data", key])?.range?.[0]),
        });
      }
      if (object.kind !== "Service" || object.spec?.type !== "LoadBalancer") return [];
      const service = viewService(named(object));
      if (service.ignored) return [];
      const lineOf = (...path: string[]) => sourceAt(nodeAt(node, path)?.range?.[0]);
      const sourceOf = (annotation: string) => lineOf("metadata", "annotations", annotation);
      const source = service.wishedBy === "spec.loadBalancerIP"
        ? lineOf("spec", "loadBalancerIP")
        : sourceOf(service.wishedBy);
      const wishes = service.wished.map((text) => ({ service, text, source }));
      return [{ service, unknown: unknownAnnotations(object), wishes, sourceOf }];
    });
  });
}

/** As kubectl applies it where nobody says another namespace. */
function named(object: Service): Service {
  const namespace = object.metadata?.namespace ?? "default";
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** Those of a List too, as kubectl prints several. */
function objectsIn(node: unknown): Node[] {
  const isEmpty = !isNode(node) || isScalar(node) && node.value === null;
  if (!isMap(node)) return isEmpty ? [] : [node];
  const items = node.get("items");
  return node.get("kind") === "List" && isSeq(items) ? items.items.filter(isMap) : [node];
}

function nodeAt(node: Node, path: readonly string[]): Node | undefined {
  let at: unknown = node;
  for (const key of path) at = isMap(at) ? at.get(key, true) : undefined;
  return isScalar(at) ? at : undefined;
}

/** One address for two Services that cannot share it. */
function conflictOf({ text, service }: Wish, admitted: readonly Wish[]): string | undefined {
  const ip = parseIp(text)!.text;
  for (const { text, service: other, source } of admitted) {
    if (other.key === service.key || parseIp(text)!.text !== ip) continue;
    const ofClass = (one: ServiceView) => one.loadBalancerClass ?? "none";
    const conflict = ofClass(other) === ofClass(service)
      ? sharingConflict(other, service)
      : `its class is ${ofClass(other)}`;
    if (conflict !== undefined) {
      return `Service ${other.key} asks for it too (${source}): ${conflict}`;
    }
  }
  return undefined;
}
