import type { Service } from "../kube/types.ts";

/** Annotations that ask for addresses, strongest first, in front of `spec.loadBalancerIP`. */
const ADDRESS_ANNOTATIONS = [
  "classvip.io/addresses",
  "kube-vip.io/loadbalancerIPs",
] as const;
/** Annotation: Services with the same value may have one address together. */
const SHARING_ANNOTATION = "classvip.io/sharing-key";
/** Annotation: the pool to take an address from. */
const POOL_ANNOTATION = "classvip.io/pool";
const INTERFACE_ANNOTATIONS = ["classvip.io/interface", "kube-vip.io/serviceInterface"] as const;
const IGNORE_ANNOTATIONS = ["classvip.io/ignore", "kube-vip.io/ignore"] as const;
/** Settings of kube-vip for a Service that classvip does not follow, and says so. */
const UNSUPPORTED_ANNOTATIONS = [
  "kube-vip.io/loadbalancerHostname",
  "kube-vip.io/leaseName",
  "kube-vip.io/allow-reconcile-without-endpoints",
] as const;

/** All of classvip's own. */
export const OWN_ANNOTATIONS: readonly string[] = [
  ADDRESS_ANNOTATIONS[0],
  SHARING_ANNOTATION,
  POOL_ANNOTATION,
  INTERFACE_ANNOTATIONS[0],
  IGNORE_ANNOTATIONS[0],
];
const OWN_PREFIX = "classvip.io/";

/** Annotations in classvip's name that it does not know: typing errors. */
export function unknownAnnotations({ metadata }: Service): string[] {
  return Object.keys(metadata?.annotations ?? {})
    .filter((name) => name.startsWith(OWN_PREFIX) && !OWN_ANNOTATIONS.includes(name));
}

/** One entry of `status.loadBalancer.ingress`. */
export interface Ingress {
  readonly ip?: string;
  readonly hostname?: string;
  readonly ipMode?: string;
}

/** What is kept of a Service: the fields that decide, and no more. */
export interface ServiceView {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Version of the object that this is a view of. */
  readonly resourceVersion: string | undefined;
  /** `creationTimestamp`, RFC 3339. */
  readonly createdAt: string;
  readonly loadBalancer: boolean;
  readonly loadBalancerClass: string | undefined;
  /** Being deleted: kept by a finalizer only. */
  readonly deleting: boolean;
  /** Told to be left alone by an annotation. */
  readonly ignored: boolean;
  /** Addresses asked for, as written, and where they were written. */
  readonly wished: readonly string[];
  readonly wishedBy: string;
  /** Interface asked for by an annotation. */
  readonly wishedInterface: string | undefined;
  /** Families of its addresses, the preferred one first; empty: the Service does not say. */
  readonly families: readonly (4 | 6)[];
  readonly familyPolicy: "SingleStack" | "PreferDualStack" | "RequireDualStack";
  readonly labels: Readonly<Record<string, string>>;
  /** Pool asked for by an annotation. */
  readonly wishedPool: string | undefined;
  readonly sharingKey: string | undefined;
  /** As `TCP/80`. */
  readonly ports: readonly string[];
  /** With externalTrafficPolicy Local: the pods, the same text for the same ones. */
  readonly localBackends: string | undefined;
  /** Annotations and fields that ask for what classvip does not do. */
  readonly unsupported: readonly string[];
  /** Of the cluster's own range: they lead to it already. */
  readonly clusterIps: readonly string[];
  readonly ingress: readonly Ingress[];
}

const NONE: readonly never[] = [];
const NO_LABELS = {};

/** Keeps what decides of a Service as the API server sent it. */
export function viewService(service: Service): ServiceView {
  const { metadata = {}, spec = {}, status } = service;
  const annotations = metadata.annotations ?? {};
  const wishedBy = ADDRESS_ANNOTATIONS.find((name) => annotations[name]?.trim()) ??
    "spec.loadBalancerIP";
  const wished = (annotations[wishedBy] ?? spec.loadBalancerIP ?? "")
    .split(",").map((text) => text.trim()).filter((text) => text !== "");
  const unsupported = [
    ...UNSUPPORTED_ANNOTATIONS.filter((name) => annotations[name] !== undefined),
    ...unknownAnnotations(service),
  ].map((name) => `Annotation ${name}`);
  if (spec.externalTrafficPolicy === "Local") unsupported.push("externalTrafficPolicy: Local");
  const namespace = shared(metadata.namespace ?? "");
  const name = metadata.name ?? "";
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion,
    createdAt: shared(metadata.creationTimestamp ?? ""),
    loadBalancer: spec.type === "LoadBalancer",
    loadBalancerClass: spec.loadBalancerClass ? shared(spec.loadBalancerClass) : undefined,
    deleting: metadata.deletionTimestamp !== undefined,
    ignored: IGNORE_ANNOTATIONS.some((name) => annotations[name] === "true"),
    wished: wished.length > 0 ? [...new Set(wished)] : NONE,
    wishedBy,
    wishedInterface: INTERFACE_ANNOTATIONS.map((name) => annotations[name]?.trim())
      .find((value) => value),
    families: familiesOf(spec),
    familyPolicy: familyPolicyOf(spec),
    labels: metadata.labels ?? NO_LABELS,
    wishedPool: annotations[POOL_ANNOTATION]?.trim() || undefined,
    sharingKey: annotations[SHARING_ANNOTATION]?.trim() || undefined,
    ports: portsOf(spec),
    localBackends: spec.externalTrafficPolicy === "Local"
      ? JSON.stringify(Object.entries(spec.selector ?? {}).sort())
      : undefined,
    unsupported: unsupported.length > 0 ? unsupported : NONE,
    clusterIps: spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : NONE),
    ingress: (status?.loadBalancer?.ingress ?? NONE).map((entry) => viewIngress(entry, wished)),
  };
}

/** @param wished an address among them is the same text */
function viewIngress({ ip, hostname, ipMode }: Ingress, wished: readonly string[]): Ingress {
  const text = wished.find((one) => one === ip) ?? ip;
  if (text !== undefined && hostname === undefined && ipMode === "VIP") {
    return { ip: text, ipMode: "VIP" };
  }
  return {
    ...(text !== undefined && { ip: text }),
    ...(hostname !== undefined && { hostname }),
    ...(ipMode !== undefined && { ipMode }),
  };
}

const MOST_SHARED = 1000;
const sharedTexts = new Map<string, string>();

/** @returns the same text, once in memory: thousands of Services say the same. */
function shared(text: string): string {
  const known = sharedTexts.get(text);
  if (known !== undefined) return known;
  if (sharedTexts.size === MOST_SHARED) sharedTexts.clear();
  sharedTexts.set(text, text);
  return text;
}

/** Whether its status shows the address. @param vip canonical text */
export function shows({ ingress }: ServiceView, vip: string): boolean {
  return ingress.some(({ ip }) => ip === vip);
}

type Spec = NonNullable<Service["spec"]>;

// One object for all Services that say the same: most do.
const FAMILIES: Readonly<Record<string, readonly (4 | 6)[]>> = {
  "": [],
  IPv4: [4],
  IPv6: [6],
  "IPv4,IPv6": [4, 6],
  "IPv6,IPv4": [6, 4],
};
const USUAL_PORTS: Readonly<Record<string, readonly string[]>> = {
  "TCP/80": ["TCP/80"],
  "TCP/443": ["TCP/443"],
  "TCP/80,TCP/443": ["TCP/80", "TCP/443"],
};

function familiesOf({ ipFamilies }: Spec): readonly (4 | 6)[] {
  return FAMILIES[(ipFamilies ?? []).join(",")] ?? NONE;
}

function familyPolicyOf({ ipFamilyPolicy: policy }: Spec): ServiceView["familyPolicy"] {
  return policy === "PreferDualStack" || policy === "RequireDualStack" ? policy : "SingleStack";
}

function portsOf({ ports = [] }: Spec): readonly string[] {
  const texts = ports.map(({ protocol, port }) => `${protocol ?? "TCP"}/${port}`);
  return USUAL_PORTS[texts.join(",")] ?? texts;
}
