import type { Service } from "../kube/types.ts";

/** Annotations that ask for addresses, strongest first, in front of `spec.loadBalancerIP`. */
export const ADDRESS_ANNOTATIONS = [
  "classvip.io/addresses",
  "kube-vip.io/loadbalancerIPs",
] as const;
const INTERFACE_ANNOTATIONS = ["classvip.io/interface", "kube-vip.io/serviceInterface"] as const;
const IGNORE_ANNOTATIONS = ["classvip.io/ignore", "kube-vip.io/ignore"] as const;
/** Settings of kube-vip for a Service that classvip does not follow, and says so. */
const UNSUPPORTED_ANNOTATIONS = [
  "kube-vip.io/loadbalancerHostname",
  "kube-vip.io/leaseName",
  "kube-vip.io/allow-reconcile-without-endpoints",
] as const;

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
  /** Annotations and fields that ask for what classvip does not do. */
  readonly unsupported: readonly string[];
  readonly ingress: readonly Ingress[];
}

const NONE: readonly never[] = [];

/** Keeps what decides of a Service as the API server sent it. */
export function viewService(service: Service): ServiceView {
  const { metadata = {}, spec = {}, status } = service;
  const annotations = metadata.annotations ?? {};
  const wishedBy = ADDRESS_ANNOTATIONS.find((name) => annotations[name]?.trim()) ??
    "spec.loadBalancerIP";
  const wished = (annotations[wishedBy] ?? spec.loadBalancerIP ?? "")
    .split(",").map((text) => text.trim()).filter((text) => text !== "");
  const unsupported: string[] = UNSUPPORTED_ANNOTATIONS
    .filter((name) => annotations[name] !== undefined).map((name) => `Annotation ${name}`);
  if (spec.externalTrafficPolicy === "Local") unsupported.push("externalTrafficPolicy: Local");
  const namespace = metadata.namespace ?? "";
  const name = metadata.name ?? "";
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid: metadata.uid ?? "",
    createdAt: metadata.creationTimestamp ?? "",
    loadBalancer: spec.type === "LoadBalancer",
    loadBalancerClass: spec.loadBalancerClass || undefined,
    deleting: metadata.deletionTimestamp !== undefined,
    ignored: IGNORE_ANNOTATIONS.some((name) => annotations[name] === "true"),
    wished: wished.length > 0 ? [...new Set(wished)] : NONE,
    wishedBy,
    wishedInterface: INTERFACE_ANNOTATIONS.map((name) => annotations[name]?.trim())
      .find((value) => value),
    unsupported: unsupported.length > 0 ? unsupported : NONE,
    ingress: (status?.loadBalancer?.ingress ?? NONE).map(({ ip, hostname, ipMode }) => ({
      ...(ip !== undefined && { ip }),
      ...(hostname !== undefined && { hostname }),
      ...(ipMode !== undefined && { ipMode }),
    })),
  };
}
