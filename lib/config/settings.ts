import { parseConfigMapName, parsePools } from "./pools.ts";
import {
  durationBetween,
  durationFrom,
  parseAddress,
  parseAnnotations,
  parseBoolean,
  parseClass,
  parseCount,
  type Parsed,
  parseHttpAddress,
  parseInstanceName,
  parseInstanceNames,
  parseInterface,
  parseLeaseDuration,
  parseNamespace,
  parseNamespaces,
  parseObjectName,
  parsePath,
  parsePort,
  parsePriority,
  parseRate,
  parseServerUrl,
  parseThreshold,
  parseWord,
} from "./values.ts";

/** Another name of a setting: kube-vip's, so that a manifest moves over by changing its image. */
export interface Alias {
  readonly env?: string;
  /** Without the leading `--`. */
  readonly flag?: string;
  /** Turns the alias's own notation into the setting's. */
  readonly convert?: (text: string) => string;
  /** Wins over other names at its level that say something else; without it that is an error. */
  readonly prevails?: true;
}

/** One setting: everything that parsing, help, `classvip config` and the reference need. */
export interface Setting<T = unknown> {
  /** "instance" and "both" settings may stand in each entry of `instances:`. */
  readonly scope: "process" | "instance" | "both";
  readonly group:
    | "Services"
    | "Control plane"
    | "Election"
    | "Announcement"
    | "Kubernetes"
    | "Observing"
    | "File";
  /** What a value looks like in help; a boolean flag needs no value. */
  readonly kind: "boolean" | "list" | "map" | "pools" | `<${string}>`;
  /** Where the value is one of a few words. */
  readonly words?: readonly string[];
  /** Where the value is a plain number. */
  readonly range?: readonly [least: number, most: number];
  /** As somebody would write it; undefined where loading finds it. */
  readonly default?: string;
  /** For people, where `default` does not say it. */
  readonly defaultText?: string;
  readonly aliases?: readonly Alias[];
  /** Flags with it add up. */
  readonly repeatable?: true;
  /** Key in the YAML file where it is not the name; null: not in the file. */
  readonly yaml?: string | null;
  /** For people: what it does, and what to know before changing it. */
  readonly text: string;
  readonly parse: (text: string) => Parsed<T>;
}

/** As a setting of its own kind needs it twice: to parse, and for the schema of editors. */
function oneOf<const W extends string>(words: readonly W[]) {
  return { words, parse: parseWord(words) };
}

function setting<T>(definition: Setting<T>): Setting<T> {
  return definition;
}

/** slog's levels, which kube-vip takes as numbers: -4 debug, 0 info, 4 warn, 8 error. */
function fromSlogLevel(text: string): string {
  if (!/^-?\d+$/.test(text)) return text.toLowerCase() === "warning" ? "warn" : text;
  const level = Number(text);
  return level < 0 ? "debug" : level < 4 ? "info" : level < 8 ? "warn" : "error";
}

/** Every setting. Flags have these names, env variables `CLASSVIP_` and the name in capitals. */
export const settings = {
  loadBalancerClass: setting({
    scope: "instance",
    group: "Services",
    kind: "<class>",
    default: "",
    defaultText: "no class",
    aliases: [{ env: "loadBalancerClass" }, { env: "lb_class_name", flag: "lbClassName" }],
    text: "Serves exactly the Services with this spec.loadBalancerClass. " +
      "Without it: exactly those without a class; in a plan, an empty text says that it is meant.",
    parse: parseClass,
  }),
  alsoClassless: setting({
    scope: "instance",
    group: "Services",
    kind: "boolean",
    default: "false",
    text: "Serves the Services without a class too.",
    parse: parseBoolean,
  }),
  namespaces: setting({
    scope: "instance",
    group: "Services",
    kind: "list",
    default: "",
    defaultText: "all",
    aliases: [{ env: "svc_namespace" }],
    text: "Serves only Services of these namespaces, such as a,b. Without it: of all.",
    parse: parseNamespaces,
  }),
  pools: setting({
    scope: "instance",
    group: "Services",
    kind: "pools",
    default: "",
    defaultText: "none",
    aliases: [{ flag: "pool" }],
    repeatable: true,
    text: "Where Services that ask for no address get one: addresses with commas, such as " +
      "10.0.0.0/24,10.0.1.10-10.0.1.20, or in the file a list of pools with name, addresses, " +
      "autoAssign, avoidEnds, namespaces, namespaceSelector and serviceSelector (docs/pools.md).",
    parse: parsePools,
  }),
  poolConfigMap: setting({
    scope: "instance",
    group: "Services",
    kind: "<namespace/name>",
    default: "",
    defaultText: "none",
    text: "A ConfigMap of kube-vip-cloud-provider, such as kube-system/kubevip, whose pools are " +
      "used as well. It is watched.",
    parse: parseConfigMapName,
  }),
  maxVips: setting({
    scope: "instance",
    group: "Services",
    kind: "<count>",
    range: [0, 100_000],
    default: "0",
    defaultText: "0, no limit",
    text: "At most so many VIPs: further ones wait, the oldest Service first, with an Event " +
      "LimitReached, until there is room. What is announced is never dropped for it.",
    parse: parseCount,
  }),
  maxVipsPerNamespace: setting({
    scope: "instance",
    group: "Services",
    kind: "<count>",
    range: [0, 100_000],
    default: "0",
    defaultText: "0, no limit",
    text: "As maxVips, for the Services of each namespace.",
    parse: parseCount,
  }),
  eventsPerSecond: setting({
    scope: "instance",
    group: "Services",
    kind: "<rate>",
    range: [0.1, 1000],
    default: "10",
    text: "At most so many Events a second go to the API server, after a burst of ten times that.",
    parse: parseRate,
  }),
  statusWritesPerSecond: setting({
    scope: "instance",
    group: "Services",
    kind: "<rate>",
    range: [0.1, 1000],
    default: "100",
    text:
      "At most so many statuses of Services a second are written, after a burst of that many. " +
      "VIPs are announced without waiting for it.",
    parse: parseRate,
  }),
  controlPlane: setting({
    scope: "instance",
    group: "Control plane",
    kind: "boolean",
    default: "false",
    aliases: [{ env: "cp_enable", flag: "controlplane" }],
    text:
      "Holds the VIP of the control plane, address, instead of serving Services. For agents on " +
      "the nodes with an API server; docs/control-plane.md says how.",
    parse: parseBoolean,
  }),
  address: setting({
    scope: "instance",
    group: "Control plane",
    kind: "<ip>",
    default: "",
    defaultText: "none",
    aliases: [{ env: "address" }, { env: "vip_address", flag: "vip" }],
    text: "The VIP of the control plane.",
    parse: parseAddress,
  }),
  // Not CLASSVIP_PORT: Kubernetes sets that for a Service called classvip.
  apiPort: setting({
    scope: "instance",
    group: "Control plane",
    kind: "<port>",
    range: [1, 65535],
    default: "6443",
    aliases: [{ env: "port", flag: "port" }],
    yaml: "port",
    text: "Where the API server of each node listens, and so the VIP.",
    parse: parsePort,
  }),
  bootstrap: setting({
    scope: "instance",
    group: "Control plane",
    kind: "boolean",
    default: "false",
    text:
      "For the first node of a new cluster, during kubeadm init: puts the VIP up before there " +
      "is an API server that lets this agent have a Lease, if ARP finds nobody who has it. To be " +
      "taken out afterwards; docs/control-plane.md says what it trades.",
    parse: parseBoolean,
  }),
  healthInterval: setting({
    scope: "instance",
    group: "Control plane",
    kind: "<duration>",
    default: "500ms",
    aliases: [{
      env: "control_plane_health_check_period_seconds",
      flag: "controlPlaneHealthCheckPeriodSeconds",
    }],
    text: "Pause between two looks at /livez of this node's API server, 100ms to 1m.",
    parse: durationBetween(100, 60_000),
  }),
  healthTimeout: setting({
    scope: "instance",
    group: "Control plane",
    kind: "<duration>",
    default: "1s",
    aliases: [{
      env: "control_plane_health_check_timeout_seconds",
      flag: "controlPlaneHealthCheckTimeoutSeconds",
    }],
    text: "How long /livez may take to answer, 100ms to 1m.",
    parse: durationBetween(100, 60_000),
  }),
  healthThreshold: setting({
    scope: "instance",
    group: "Control plane",
    kind: "<count>",
    range: [1, 100],
    default: "3",
    aliases: [{
      env: "control_plane_health_check_failure_threshold",
      flag: "controlPlaneHealthCheckFailureThreshold",
    }],
    text:
      "So many failures in a row make the API server unhealthy: the VIP goes where one is well.",
    parse: parseThreshold,
  }),
  instanceName: setting({
    scope: "instance",
    group: "Services",
    kind: "<name>",
    defaultText: "the class, classless, or control-plane, and @namespaces where they are set",
    aliases: [{ env: "instance_name" }],
    yaml: "name",
    text: "Names the instance in logs and metrics. Unique in the process.",
    parse: parseInstanceName,
  }),
  leaseName: setting({
    scope: "instance",
    group: "Election",
    kind: "<name>",
    defaultText:
      "classvip-<class> with / as ., classvip or classvip-control-plane; with a hash where needed",
    aliases: [{ env: "svc_leasename", flag: "servicesLeaseName" }],
    text: "The Lease that elects the holder. Each instance needs its own. The default adds 8 hex " +
      "digits where the class alone could be mistaken for another one, and with namespaces.",
    parse: parseObjectName,
  }),
  leaseNamespace: setting({
    scope: "instance",
    group: "Election",
    kind: "<namespace>",
    defaultText: "POD_NAMESPACE, else the pod's own, else kube-system",
    text: "The namespace of the Lease. Must be the same on all nodes.",
    parse: parseNamespace,
  }),
  leaseDuration: setting({
    scope: "instance",
    group: "Election",
    kind: "<duration>",
    default: "5s",
    aliases: [{ env: "vip_leaseduration" }],
    text: "How long a holder may hold without renewing: a crash is taken over after this time. " +
      "Whole seconds, at least 3s. A longer API outage than this withdraws the VIPs.",
    parse: parseLeaseDuration,
  }),
  renewInterval: setting({
    scope: "instance",
    group: "Election",
    kind: "<duration>",
    defaultText: "0.3 × leaseDuration",
    aliases: [{ env: "vip_retryperiod", flag: "leaseRetry" }],
    text: "Pause between two renewals of the Lease: one request each. 200ms to leaseDuration / 2.",
    parse: durationFrom(200),
  }),
  priority: setting({
    scope: "instance",
    group: "Election",
    kind: "<0-100>",
    range: [0, 100],
    default: "100",
    text:
      "Who comes first: among nodes, the one of lower priority stands back by 10ms for each point " +
      "below 100 when the Lease becomes free; among the instances of one process, those of higher " +
      "priority are served first after a start.",
    parse: parsePriority,
  }),
  failback: setting({
    scope: "instance",
    group: "Election",
    kind: "boolean",
    default: "false",
    text:
      "Asks a holder of lower priority to hand over once this node has been well for two lease " +
      "durations. Without it the VIPs stay where they are.",
    parse: parseBoolean,
  }),
  onApiLoss: setting({
    scope: "instance",
    group: "Election",
    kind: "<word>",
    default: "withdraw",
    text:
      "What a holder does while the API server cannot be reached. withdraw: the VIPs go when the " +
      "Lease can no longer be proven. hold: they stay as long as nobody else is seen to claim them " +
      "on the wire (docs/failover.md says what that trades).",
    ...oneOf(["withdraw", "hold"]),
  }),
  fastFailover: setting({
    scope: "instance",
    group: "Election",
    kind: "boolean",
    default: "false",
    text:
      "Replaces a crashed holder within a quarter of a second instead of leaseDuration: it sends " +
      "beacons on the segment of the VIPs, and a standby takes the Lease when they stop and the " +
      "holder's kernel does not answer. Needs beaconKeyFile and interface. docs/failover.md says " +
      "what that trades.",
    parse: parseBoolean,
  }),
  beaconInterval: setting({
    scope: "instance",
    group: "Election",
    kind: "<duration>",
    default: "50ms",
    text: "Pause between two beacons of the holder, 20ms to 1s, the same on all nodes. A standby " +
      "takes over after three missed ones.",
    parse: durationBetween(20, 1000),
  }),
  beaconKeyFile: setting({
    scope: "instance",
    group: "Election",
    kind: "<path>",
    default: "",
    defaultText: "none",
    text: "A file with the key of the beacons, at least 32 bytes, the same on all nodes and not " +
      "readable by others. It is read at start.",
    parse: parsePath,
  }),
  leaseAnnotations: setting({
    scope: "instance",
    group: "Election",
    kind: "map",
    default: "{}",
    aliases: [{ env: "vip_leaseannotations" }],
    text: "Extra annotations for the Lease, as a JSON object of strings.",
    parse: parseAnnotations,
  }),
  interface: setting({
    scope: "instance",
    group: "Announcement",
    kind: "<name>",
    default: "auto",
    aliases: [
      { env: "vip_servicesinterface", flag: "serviceInterface", prevails: true },
      { env: "vip_interface" },
    ],
    text: "The interface for the VIPs; auto: the one whose subnet holds the VIP.",
    parse: parseInterface,
  }),
  announceInterval: setting({
    scope: "instance",
    group: "Announcement",
    kind: "<duration>",
    default: "60s",
    aliases: [{ env: "vip_arpRate", convert: (text) => /^\d+$/.test(text) ? `${text}ms` : text }],
    text: "Pause between two refreshing announcements of a held VIP, at least 100ms. Claims are " +
      "announced at once and in a burst anyway; the refresh is for switches that forget " +
      "(usually after 300s), so the default leaves room for four lost ones.",
    parse: durationFrom(100),
  }),
  addressProbe: setting({
    scope: "instance",
    group: "Announcement",
    kind: "boolean",
    default: "true",
    text:
      "Asks by ARP or NDP who has an address before it is announced for the very first time, and " +
      "refuses it where somebody answers; it takes 10ms. false where a router answers for every " +
      "address (proxy ARP or NDP).",
    parse: parseBoolean,
  }),
  nodeName: setting({
    scope: "process",
    group: "Kubernetes",
    kind: "<name>",
    defaultText: "NODE_NAME, else the host name",
    aliases: [{ env: "vip_nodename" }],
    text: "This node's name, which the Leases carry as their holder. Unique in the cluster.",
    parse: parseObjectName,
  }),
  kubeconfig: setting({
    scope: "process",
    group: "Kubernetes",
    kind: "<path>",
    default: "",
    defaultText:
      "in-cluster, else KUBECONFIG, else ~/.kube/config, else /etc/kubernetes/admin.conf",
    aliases: [{ env: "k8s_config_file", flag: "k8sConfigPath" }],
    text: "The kubeconfig file to connect with.",
    parse: parsePath,
  }),
  kubernetesServer: setting({
    scope: "process",
    group: "Kubernetes",
    kind: "<url>",
    default: "",
    defaultText: "the kubeconfig's",
    aliases: [{ env: "kubernetes_addr" }],
    text: "URL of the API server in place of the kubeconfig's, such as https://127.0.0.1:6443.",
    parse: parseServerUrl,
  }),
  httpAddress: setting({
    scope: "process",
    group: "Observing",
    kind: "<host:port>",
    default: "127.0.0.1:2112",
    aliases: [{ env: "prometheus_server", flag: "prometheusHTTPServer" }],
    text:
      "Where /healthz, /readyz and /metrics answer; :2112 for all IPv4 addresses; off switches " +
      "them off. Only if nobody chose it and its port is taken, another port is taken and said.",
    parse: parseHttpAddress,
  }),
  logLevel: setting({
    scope: "both",
    group: "Observing",
    kind: "<level>",
    default: "info",
    aliases: [{ env: "vip_loglevel", flag: "log", convert: fromSlogLevel }],
    text: "debug, info, warn or error: for the process, and for each instance that does not say " +
      "otherwise.",
    ...oneOf(["debug", "info", "warn", "error"]),
  }),
  logFormat: setting({
    scope: "process",
    group: "Observing",
    kind: "<format>",
    default: "auto",
    text: "json, text, or auto: text on a terminal, else json.",
    ...oneOf(["auto", "json", "text"]),
  }),
  config: setting({
    scope: "process",
    group: "File",
    kind: "<path>",
    default: "",
    defaultText: "none",
    yaml: null,
    text:
      "A YAML file with these settings, and with a list instances: for several instances. When " +
      "it changes, or with SIGHUP, what changed in it is taken over without a restart.",
    parse: parsePath,
  }),
  only: setting({
    scope: "process",
    group: "File",
    kind: "list",
    default: "",
    defaultText: "all",
    repeatable: true,
    yaml: null,
    text: "Runs only the instances of the file with these names, such as public-prod. For one " +
      "DaemonSet each from one file.",
    parse: parseInstanceNames,
  }),
};

export type SettingName = keyof typeof settings;

/** What the setting's parser gives. */
export type SettingValue<K extends SettingName> = (typeof settings)[K] extends Setting<infer T> ? T
  : never;

export const settingNames = Object.keys(settings) as SettingName[];

export function settingOf(name: SettingName): Setting {
  return settings[name];
}

/** @returns the default for people; empty text: none. */
export function defaultOf(setting: Setting): string {
  return setting.defaultText ?? setting.default ?? "";
}

/** @returns `CLASSVIP_LOAD_BALANCER_CLASS` for `loadBalancerClass`. */
export function envNameOf(name: SettingName): string {
  return `CLASSVIP_${name.replaceAll(/[A-Z]/g, "_$&").toUpperCase()}`;
}

/** @returns the key in the YAML file, or undefined where the setting cannot stand there. */
export function yamlKeyOf(name: SettingName): string | undefined {
  const { yaml } = settingOf(name);
  return yaml === null ? undefined : yaml ?? name;
}
