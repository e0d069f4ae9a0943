import { findEnv, findFlag, isBooleanFlag, type Named } from "../config/names.ts";
import { settingOf } from "../config/settings.ts";
import { DEFAULT_KUBECONFIG } from "./pod.ts";

/** What was found of kube-vip, and what becomes of it. */
export interface Migration {
  /** How the process is run. */
  readonly place: "daemonset" | "static-pod";
  readonly namespace: string | undefined;
  /** For the instance that serves Services; undefined where kube-vip serves none there. */
  readonly services: Flags | undefined;
  /** For the control plane's VIP, which is an instance of its own. */
  readonly controlPlane: Flags | undefined;
  /** Of the pod: which nodes it runs on, and with which secrets its image is had. */
  readonly pod: Readonly<Record<string, unknown>>;
  /** One sentence for each setting that differs or has no equal. */
  readonly notes: readonly string[];
}

/** As `--name=value`, of classvip. */
export type Flags = readonly { readonly flag: string; readonly value: string }[];

interface Container {
  readonly image?: unknown;
  readonly args?: unknown;
  readonly command?: unknown;
  readonly env?: unknown;
  readonly envFrom?: unknown;
}

const OWN_CLASS = "kube-vip.io/kube-vip-class";
const CONTROL_PLANE_SETTINGS = [
  "controlPlane",
  "address",
  "apiPort",
  "healthInterval",
  "healthTimeout",
  "healthThreshold",
];
/** What kube-vip says once for both. */
const SHARED_SETTINGS = ["interface", "leaseDuration", "renewInterval", "logLevel"];
/** In every generated manifest: nobody chose it, and as long as kube-vip runs its port is taken. */
const GENERATED_HTTP_ADDRESS = ":2112";
/** Fields of a pod that mean the same for every program. */
const POD_FIELDS = ["nodeSelector", "affinity", "imagePullSecrets"];
/** What the manifest of classvip says by itself. */
const BY_ITSELF = ["nodeName", "kubeconfig", "kubernetesServer", "config", "leaseNamespace"];

/**
 * Reads a DaemonSet or a Pod of kube-vip.
 *
 * @returns undefined where it is no such object
 */
export function readKubeVip(object: unknown): Migration | undefined {
  const { kind, metadata, spec } = asRecord(object);
  const place = kind === "DaemonSet" ? "daemonset" : kind === "Pod" ? "static-pod" : undefined;
  const pod = kind === "DaemonSet"
    ? asRecord(asRecord(asRecord(spec).template).spec)
    : asRecord(spec);
  const containers = Array.isArray(pod.containers) ? pod.containers.map(asRecord) : [];
  const container = containers.find(isKubeVip);
  if (place === undefined || container === undefined) return undefined;
  const { namespace } = asRecord(metadata);
  const { notes, ...flags } = convert(givenIn(container));
  return {
    place,
    namespace: typeof namespace === "string" ? namespace : undefined,
    pod: Object.fromEntries(
      POD_FIELDS.filter((field) => pod[field] !== undefined).map((field) => [field, pod[field]]),
    ),
    ...flags,
    notes: [
      ...notes,
      ...notesOn(pod, container),
      ...place === "static-pod" || flags.controlPlane ? notesOnKubeconfig(pod) : [],
    ],
  };
}

/** What is not said by settings. */
function notesOn(pod: Record<string, unknown>, container: Container): string[] {
  const notes: string[] = [];
  if (asList(container.envFrom).length > 0) {
    notes.push("envFrom: its settings stand elsewhere in the cluster, they are left out");
  }
  const toleratesAll = asList(pod.tolerations).map(asRecord).some(({ key, operator, effect }) =>
    !key && operator === "Exists" && [undefined, "", "NoSchedule"].includes(effect as string)
  );
  if (!toleratesAll) {
    notes.push(
      "tolerations: classvip runs on nodes with any taint; nodeSelector, affinity or the taint " +
        "classvip.io/no-vip keep VIPs from some of them",
    );
  }
  return notes;
}

/** In a static pod, which has no service account. */
function notesOnKubeconfig(pod: Record<string, unknown>): string[] {
  const paths = asList(pod.volumes).map((volume) => asRecord(asRecord(volume).hostPath).path)
    .filter((path) => /(\.conf|kubeconfig)$/.test(`${path}`) && path !== DEFAULT_KUBECONFIG);
  return paths.map((path) =>
    `kubeconfig: kube-vip mounts ${path} of the node, classvip's static pod ${DEFAULT_KUBECONFIG}` +
    (`${path}`.endsWith("/super-admin.conf")
      ? ", which has no rights before kubeadm init has given it some (docs/control-plane.md)"
      : "") +
    "; where it has to be the other one, write that path in --kubeconfig and both of its mount"
  );
}

function settingNameOf(named: Named | undefined): string {
  return named === undefined || named.kind === "kube-vip" ? "" : named.setting;
}

/** A setting as it was written. */
interface Written {
  readonly name: string;
  /** For people: `env vip_arp`, `flag --arp`. */
  readonly source: string;
  readonly value: string | undefined;
  readonly named: Named | undefined;
}

function isKubeVip({ image, args, command, env }: Container): boolean {
  if (/kube-vip(-iptables)?(:|@|$)/.test(String(image ?? ""))) return true;
  const words = [...asList(command), ...asList(args)];
  return words.includes("manager") && asList(env).some((one) => asRecord(one).name === "vip_arp");
}

function givenIn({ args, command, env }: Container): Written[] {
  const given: Written[] = asList(env).map((one) => {
    const { name, value, valueFrom } = asRecord(one);
    const text = valueFrom === undefined ? String(value ?? "") : undefined;
    return { name: `${name}`, source: `env ${name}`, value: text, named: findEnv(`${name}`) };
  });
  const words = [...asList(command), ...asList(args)].map(String);
  for (let i = 0; i < words.length; i++) {
    const [, flag, ownValue] = /^--?([^=]+)(?:=(.*))?$/.exec(words[i]!) ?? [];
    if (flag === undefined) continue;
    const takesNext = ownValue === undefined && !isBooleanFlag(flag) &&
      words[i + 1]?.startsWith("-") === false;
    const value = ownValue ?? (takesNext ? words[++i] : "true");
    given.push({ name: flag, source: `flag --${flag}`, value, named: findFlag(flag) });
  }
  return given;
}

function convert(
  given: readonly Written[],
): Pick<Migration, "controlPlane" | "notes" | "services"> {
  const flags = new Map<string, string>();
  const notes: string[] = [];
  const names = new Set(given.map(({ name }) => name));
  const has = (...wanted: string[]) => wanted.some((name) => names.has(name));
  const valueOf = (...wanted: string[]) =>
    given.find(({ name }) => wanted.includes(name))?.value ?? "";
  const isOn = (...wanted: string[]) => /^(1|t|true)$/i.test(valueOf(...wanted));

  for (const { source, value, named } of given) {
    if (value === undefined && !BY_ITSELF.includes(settingNameOf(named))) {
      notes.push(`${source}: its value stands elsewhere in the cluster, it is left out`);
    }
    if (value === undefined || value.trim() === "") continue;
    if (named === undefined) {
      notes.push(`${source}: classvip does not know it, it is left out`);
    } else if (named.kind === "alias" || named.kind === "own") {
      if (BY_ITSELF.includes(named.setting)) continue;
      if (named.setting === "httpAddress" && value === GENERATED_HTTP_ADDRESS) {
        notes.push(
          "health and metrics answer on the node itself only, on another port; httpAddress opens it",
        );
        continue;
      }
      const text = (named.kind === "alias" && named.alias.convert?.(value)) || value;
      const parsed = settingOf(named.setting).parse(text);
      if (!parsed.ok) {
        notes.push(
          `${source} = ${
            JSON.stringify(value)
          }: ${parsed.problem}, right would be ${parsed.right}; ` +
            "it is left out",
        );
      } else if (!(named.kind === "alias" && !named.alias.prevails && flags.has(named.setting))) {
        flags.set(named.setting, text);
      }
    } else {
      const verdict = named.rule.judge(value, has);
      if ("ignored" in verdict) notes.push(`${source}: no effect, ${verdict.ignored}`);
      else if ("use" in verdict) flags.set(verdict.use, verdict.value);
      else if ("problem" in verdict) {
        notes.push(
          `${source} = ${
            JSON.stringify(value)
          } has no equal: ${verdict.problem} (right: ${verdict.right})`,
        );
      }
    }
  }
  if (flags.delete("leaseName")) {
    notes.push(
      "kube-vip's Lease is not used: both would stand for it, by different rules; classvip has its own",
    );
  }
  const controlPlane = takeControlPlane(flags);
  const cardOfVip = valueOf("vip_interface", "interface");
  if (cardOfVip) controlPlane?.set("interface", cardOfVip);
  const services = isOn("svc_enable", "services");
  if (services) addDefaults(flags, notes, isOn("lb_class_only", "lbClassOnly"));
  else notes.push("svc_enable is not set: no Services are served");
  const listed = (all: ReadonlyMap<string, string>) =>
    [...all].map(([flag, value]) => ({ flag, value }));
  return {
    services: services ? listed(flags) : undefined,
    controlPlane: controlPlane && listed(controlPlane),
    notes,
  };
}

/** The control plane's VIP is an instance of its own, beside the one for Services. */
function takeControlPlane(flags: Map<string, string>): Map<string, string> | undefined {
  const shared = SHARED_SETTINGS.filter((name) => flags.has(name));
  const its = new Map(
    [...CONTROL_PLANE_SETTINGS.filter((name) => flags.has(name)), ...shared]
      .map((name) => [name, flags.get(name)!]),
  );
  for (const name of CONTROL_PLANE_SETTINGS) flags.delete(name);
  return /^(1|t|true)$/i.test(its.get("controlPlane") ?? "") ? its : undefined;
}

/** What kube-vip does when nobody says otherwise. */
function addDefaults(flags: Map<string, string>, notes: string[], classOnly: boolean): void {
  if (!flags.has("loadBalancerClass")) flags.set("loadBalancerClass", OWN_CLASS);
  if (!classOnly && !flags.has("alsoClassless")) {
    flags.set("alsoClassless", "true");
    notes.push(
      "kube-vip serves Services without a class too, so alsoClassless is set; without it only " +
        `those of class ${flags.get("loadBalancerClass")} are served`,
    );
  }
  if (!flags.has("leaseDuration")) {
    notes.push(
      "the lease duration is 5 s in place of kube-vip's 15 s: a crash is taken over sooner",
    );
  }
  if (!flags.has("announceInterval")) {
    notes.push(
      "announcements are repeated every 60 s in place of 3 s, after a burst at each claim",
    );
  }
  if (flags.get("interface") === undefined) {
    notes.push("no interface is named: it is the one whose subnet holds the VIP");
  }
}

/** A ConfigMap with the pools of kube-vip-cloud-provider. @returns `namespace/name` */
export function readPoolConfigMapName(object: unknown): string | undefined {
  const { kind, metadata, data } = asRecord(object);
  if (kind !== "ConfigMap") return undefined;
  const keys = Object.keys(asRecord(data));
  if (!keys.some((key) => /^(cidr|range|allow-share|interface)-/.test(key))) return undefined;
  const { name, namespace } = asRecord(metadata);
  return `${namespace ?? "kube-system"}/${name}`;
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
