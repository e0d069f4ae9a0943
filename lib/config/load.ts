import { checkInstance, checkInstances, type ResolvedInstance } from "./cross_check.ts";
import { ConfigError, type ConfigProblem } from "./errors.ts";
import type { FileSettings } from "./file.ts";
import {
  collectGiven,
  type Given,
  type GivenFlag,
  type GivenSettings,
  type Layer,
} from "./given.ts";
import type { ControlPlaneConfig, InstanceConfig, ProcessConfig } from "./instance.ts";
import { defaultLeaseName } from "./lease_name.ts";
import { nearest } from "./nearest.ts";
import { checkPools, type GivenPool, withoutSource } from "./pools.ts";
import { type EffectiveSetting, type Resolved, Resolver } from "./resolve.ts";
import { settingOf } from "./settings.ts";
import { formatDuration, parseBoolean } from "./values.ts";

/** Where settings come from. */
export interface ConfigSources {
  readonly flags: readonly GivenFlag[];
  /** What else was wrong on the command line, to be reported with the rest. */
  readonly problems?: readonly ConfigProblem[];
  readonly env: Readonly<Record<string, string>>;
  /** Logs go to a terminal: `logFormat: auto` is text. */
  readonly isTerminal: boolean;
  /** @throws {Error} a sentence without its subject, the file: "does not exist" */
  readTextFile(path: string): Promise<string>;
  hostname(): string;
}

/** The settings of a start. */
export interface LoadedConfig {
  readonly config: ProcessConfig;
  /** Sentences for people, to be logged. */
  readonly warnings: readonly string[];
  /** Every setting: the process's first, then each instance's. */
  readonly effective: readonly EffectiveSetting[];
  /** The YAML file, where there is one. */
  readonly file: FileOrigin | undefined;
}

/** A YAML file of settings, as it was read. */
export interface FileOrigin {
  readonly path: string;
  readonly text: string;
  /** It has `instances:`. */
  readonly listsInstances: boolean;
}

/** Every pod with a service account has it. */
const POD_NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/** It is read while VIPs are held: a larger one would take as long as a Lease lasts. */
const LARGEST_FILE = 1 << 20;

const CONTROL_PLANE_LEASE = "classvip-control-plane";

/** kube-vip's generator writes it into every manifest: nobody chose it. */
const KUBE_VIP_HTTP_ADDRESS = ":2112";

/**
 * Loads the settings: flags over `CLASSVIP_` variables over aliases over the YAML file over
 * defaults.
 *
 * @throws {ConfigError} with every wrong setting.
 */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const given = collectGiven(sources.flags, sources.env);
  const resolver = new Resolver();
  const file = await readFile(resolver.resolve("config", given.layers), sources);
  const problems = [
    ...sources.problems ?? [],
    ...given.problems,
    ...file.problems,
    ...instancesGivenTwice(given, file),
    ...twoInOne(given.layers, sources),
  ];

  const layers = [...given.layers, file.shared];
  const process = resolveProcess(resolver, layers, sources);
  const effective = resolver.takeEffective(undefined);

  const leaseNamespace = await findLeaseNamespace(sources);
  const instances = (file.instances ?? [new Map()]).map((own) => {
    // Beside `instances:` flags and env say nothing about an instance, as reported above, but for
    // what they say about the process too.
    const instanceLayers = file.instances ? [own, ...layers] : layers;
    const instance = resolveInstance(resolver, instanceLayers, leaseNamespace);
    effective.push(...resolver.takeEffective(instance.name.value));
    problems.push(...checkInstance(instance));
    return instance;
  });
  problems.push(...resolver.problems);
  const only = whole(process.only.value ?? [], instances.map(({ name }) => name.value));
  problems.push(...checkOnly({ ...process.only, value: only }, instances));
  // Without the entries that were refused, the others' numbers would be wrong.
  const isWhole = !file.problems.some(({ setting }) => setting === "instances");
  if (isWhole) problems.push(...checkInstances(instances), ...checkPools(instances));
  if (problems.length > 0) throw new ConfigError(problems);
  const { only: _, ...settings } = process;
  const runs = (name: string) => only.length === 0 || only.includes(name);
  return {
    config: {
      ...settings,
      instances: withForeignPools(instances.map(withoutSources)).filter(({ name }) => runs(name)),
    },
    warnings: [
      ...given.warnings,
      ...withoutEffect(layers, instances),
      ...withoutClass(instances, file),
    ],
    effective: effective.filter(({ instance }) => instance === undefined || runs(instance)),
    file: file.origin,
  };
}

/** @returns words of a comma list, those that are one name with commas (`blue@a,b`) as one */
function whole(words: readonly string[], names: readonly string[]): string[] {
  const [first, ...rest] = words;
  if (first === undefined) return [];
  for (let end = words.length; end > 1; end--) {
    const name = words.slice(0, end).join(",");
    if (names.includes(name)) return [name, ...whole(words.slice(end), names)];
  }
  return [first, ...whole(rest, names)];
}

/** @returns a problem for each name of `only` that no instance has. */
function checkOnly(
  { value: only = [], source }: Resolved<readonly string[]>,
  instances: readonly ResolvedInstance[],
): ConfigProblem[] {
  const names = instances.flatMap(({ name }) => name.failed ? [] : [name.value]);
  return only.filter((name) => !names.includes(name)).map((value) => ({
    setting: "only",
    value,
    source,
    problem: "no instance has this name",
    right: nearest(value, names) ?? `one of ${names.join(", ")}`,
  }));
}

async function readFile(
  { value: path, source }: Resolved<string | undefined>,
  sources: ConfigSources,
): Promise<FileSettings & { origin?: FileOrigin }> {
  const none = { shared: new Map(), instances: undefined, instancesSource: "", problems: [] };
  if (path === undefined) return none;
  let text: string;
  try {
    text = await sources.readTextFile(path);
  } catch (error) {
    const problem = (error as Error).message;
    const right = "the path of a YAML file that classvip may read";
    return { ...none, problems: [{ setting: "config", value: path, source, problem, right }] };
  }
  // Only here: most starts have no file, and need not load a YAML parser. Not the parser itself: in
  // the compiled program the names of a CommonJS package are there for static imports alone.
  const { parseConfigFile } = await import("./file.ts");
  if (text.length > LARGEST_FILE) {
    const problem = `it has ${text.length} characters`;
    const right = "at most 1048576, which is what a ConfigMap holds";
    return { ...none, problems: [{ setting: "config", value: path, source, problem, right }] };
  }
  const settings = parseConfigFile(text, path);
  const listsInstances = settings.instances !== undefined;
  if (!listsInstances && settings.shared.size === 0 && settings.problems.length === 0) {
    // Cut short by a full disk or an editor, maybe: it would mean an instance of no class.
    const [problem, right] = ["says nothing", "settings in it, or no config"];
    return { ...none, problems: [{ setting: "config", value: path, source, problem, right }] };
  }
  return { ...settings, origin: { path, text, listsInstances } };
}

/** Flags and env make one instance: beside `instances:` nobody could tell which. */
function instancesGivenTwice(given: GivenSettings, file: FileSettings): ConfigProblem[] {
  if (!file.instances) return [];
  return given.layers.flatMap((layer) => [...layer])
    .filter(([name]) => settingOf(name).scope === "instance")
    .map(([setting, { text, source }]) => ({
      setting,
      value: text,
      source,
      problem: `flags and env make one instance, but ${file.instancesSource} lists instances`,
      right: "to say it in the file",
    }));
}

/** What only the control plane's VIP has, where there is none. */
function withoutEffect(
  layers: readonly Layer[],
  instances: readonly ResolvedInstance[],
): string[] {
  if (instances.some(({ controlPlane }) => controlPlane.value !== undefined)) return [];
  const sources = layers.flatMap((layer) => [...layer]).flatMap(([name, { source }]) =>
    settingOf(name).group === "Control plane" && name !== "controlPlane" ? [source] : []
  );
  return sources.length === 0
    ? []
    : [`${sources.join(", ")}: no effect, it belongs to the control plane's VIP (controlPlane)`];
}

/**
 * In a list of classes, one that names none is rarely meant so: it gets every Service without a
 * class. `loadBalancerClass: ""` or alsoClassless says that it is.
 */
function withoutClass(
  instances: readonly ResolvedInstance[],
  { instances: layers, shared, instancesSource }: FileSettings,
): string[] {
  return (layers ?? []).flatMap((own, i) => {
    const { name, controlPlane } = instances[i]!;
    const isMeant = [own, shared].some((layer) =>
      layer.has("loadBalancerClass") || layer.has("alsoClassless")
    );
    if (isMeant || controlPlane.value !== undefined) return [];
    const [first] = own.values();
    return [
      `${
        first?.source ?? instancesSource
      }: instance ${name.value} has no loadBalancerClass, so it ` +
      'serves exactly the Services without a class; loadBalancerClass: "" says that this is meant',
    ];
  });
}

/** kube-vip does both in one go; here each is an instance, and flags and env make one. */
function twoInOne(layers: readonly Layer[], { flags, env }: ConfigSources): ConfigProblem[] {
  const source = layers.find((layer) => layer.has("controlPlane"))?.get("controlPlane");
  const isOn = (text: string | undefined) => {
    const parsed = parseBoolean(text ?? "true");
    return parsed.ok && parsed.value;
  };
  const services = flags.some(({ flag, value }) => flag === "services" && isOn(value)) ||
    env.svc_enable !== undefined && isOn(env.svc_enable);
  if (source === undefined || !isOn(source.text) || !services) return [];
  return [{
    setting: "controlPlane",
    value: source.text,
    source: source.source,
    problem: "services are asked for too (svc_enable), and flags and env make one instance",
    right: "config with a file of two instances, or a pod for each",
  }];
}

function resolveProcess(
  resolver: Resolver,
  layers: readonly Layer[],
  { env, hostname, isTerminal }: ConfigSources,
): Omit<ProcessConfig, "instances"> & { only: Resolved<readonly string[]> } {
  const nodeName = resolver.resolve(
    "nodeName",
    layers,
    () =>
      env.NODE_NAME
        ? { text: env.NODE_NAME, source: "env NODE_NAME" }
        // In lower case, as the kubelet does.
        : { text: hostname().toLowerCase(), source: "default" },
  );
  const httpGiven = layers.find((layer) => layer.has("httpAddress"))?.get("httpAddress");
  const kubeconfig = resolver.resolve("kubeconfig", layers);
  const kubernetesServer = resolver.resolve("kubernetesServer", layers);
  const httpAddress = resolver.resolve("httpAddress", layers);
  const logLevel = resolver.resolve("logLevel", layers);
  const logFormat = resolver.resolve("logFormat", layers).value;
  const only = resolver.resolve("only", layers);
  return {
    only,
    nodeName: nodeName.value,
    kubeconfig: kubeconfig.value,
    kubernetesServer: kubernetesServer.value,
    httpAddress: httpAddress.value,
    httpAddressChosen: httpGiven !== undefined &&
      !(httpGiven.alias && httpGiven.text === KUBE_VIP_HTTP_ADDRESS),
    logLevel: logLevel.value,
    logFormat: logFormat === "auto" ? isTerminal ? "text" : "json" : logFormat,
  };
}

/** Where the pod runs, so that two installations in two namespaces never share a Lease. */
async function findLeaseNamespace({ env, readTextFile }: ConfigSources): Promise<Given> {
  if (env.POD_NAMESPACE) return { text: env.POD_NAMESPACE, source: "env POD_NAMESPACE" };
  const text = await readTextFile(POD_NAMESPACE_FILE).catch(() => "");
  return text.trim()
    ? { text: text.trim(), source: `file ${POD_NAMESPACE_FILE}` }
    : { text: "kube-system", source: "default" };
}

function resolveInstance(
  resolver: Resolver,
  layers: readonly Layer[],
  defaultLeaseNamespace: Given,
): ResolvedInstance {
  const loadBalancerClass = resolver.resolve("loadBalancerClass", layers);
  const alsoClassless = resolver.resolve("alsoClassless", layers);
  const namespaces = resolver.resolve("namespaces", layers);
  const served = namespaces.value ?? [];
  const leaseDurationMs = resolver.resolve("leaseDuration", layers);
  const controlPlane = resolveControlPlane(resolver, layers);
  const isControlPlane = controlPlane.value !== undefined;
  const found = (text: string): Given => ({ text, source: "default" });
  return {
    loadBalancerClass,
    alsoClassless,
    namespaces,
    name: resolver.resolve("instanceName", layers, () => {
      if (isControlPlane) return found("control-plane");
      const name = loadBalancerClass.value ?? "classless";
      return found(served.length > 0 ? `${name}@${served.join(",")}`.slice(0, 253) : name);
    }),
    leaseName: resolver.resolve(
      "leaseName",
      layers,
      () =>
        found(
          isControlPlane ? CONTROL_PLANE_LEASE : defaultLeaseName(loadBalancerClass.value, served),
        ),
    ),
    leaseNamespace: resolver.resolve("leaseNamespace", layers, () => defaultLeaseNamespace),
    leaseDurationMs,
    renewIntervalMs: resolver.resolve(
      "renewInterval",
      layers,
      () => found(formatDuration(Math.round(0.3 * (leaseDurationMs.value ?? 5000)))),
    ),
    priority: resolver.resolve("priority", layers),
    failback: resolver.resolve("failback", layers),
    onApiLoss: resolver.resolve("onApiLoss", layers),
    leaseAnnotations: resolver.resolve("leaseAnnotations", layers),
    interface: resolver.resolve("interface", layers),
    announceIntervalMs: resolver.resolve("announceInterval", layers),
    addressProbe: resolver.resolve("addressProbe", layers),
    fastFailover: resolver.resolve("fastFailover", layers),
    beaconIntervalMs: resolver.resolve("beaconInterval", layers),
    beaconKeyFile: resolver.resolve("beaconKeyFile", layers),
    pools: resolver.resolve("pools", layers),
    poolConfigMap: resolver.resolve("poolConfigMap", layers),
    maxVips: resolver.resolve("maxVips", layers),
    maxVipsPerNamespace: resolver.resolve("maxVipsPerNamespace", layers),
    eventsPerSecond: resolver.resolve("eventsPerSecond", layers),
    statusWritesPerSecond: resolver.resolve("statusWritesPerSecond", layers),
    logLevel: resolver.resolve("logLevel", layers),
    controlPlane,
  };
}

/** @returns undefined for an instance that serves Services */
function resolveControlPlane(
  resolver: Resolver,
  layers: readonly Layer[],
): Resolved<ControlPlaneConfig | undefined> {
  const enabled = resolver.resolve("controlPlane", layers);
  const address = resolver.resolve("address", layers);
  const port = resolver.resolve("apiPort", layers);
  const bootstrap = resolver.resolve("bootstrap", layers);
  const interval = resolver.resolve("healthInterval", layers);
  const timeout = resolver.resolve("healthTimeout", layers);
  const threshold = resolver.resolve("healthThreshold", layers);
  const { source } = enabled;
  const parts = [enabled, address, port, bootstrap, interval, timeout, threshold];
  const failed = parts.some((part) => part.failed);
  if (!enabled.value) return { value: undefined, source, failed };
  return {
    // Without an address it is refused by `checkInstance()`.
    value: {
      address: address.value ?? "",
      port: port.value,
      bootstrap: bootstrap.value,
      healthIntervalMs: interval.value,
      healthTimeoutMs: timeout.value,
      healthThreshold: threshold.value,
    },
    source,
    failed,
  };
}

function withoutSources(instance: ResolvedInstance): InstanceConfig {
  const values = Object.entries(instance).map(([key, { value }]) => [key, value]);
  const config = Object.fromEntries(values) as InstanceConfig;
  return { ...config, pools: (config.pools as readonly GivenPool[]).map(withoutSource) };
}

/** Each with the pools of all others, also of those that another process runs. */
function withForeignPools(instances: readonly InstanceConfig[]): InstanceConfig[] {
  return instances.map((config) => {
    const foreignPools = instances.filter((other) => other !== config)
      .flatMap(({ name: instance, pools }) => pools.map((pool) => ({ instance, pool })));
    return foreignPools.length > 0 ? { ...config, foreignPools } : config;
  });
}
