import { fileNameOf } from "./deployment.ts";
import type { Deployment } from "./deployment.ts";
import type { ManifestObject } from "./object.ts";
import { configMapName, HOST_PLAN_FOLDER, keySecretName, podSpec } from "./pod.ts";
import { rbac } from "./rbac.ts";

export const manifestKinds = ["daemonset", "static-pod", "systemd", "rbac", "configmap"] as const;

export type ManifestKind = typeof manifestKinds[number];

/** Objects to apply in this order, and what must be done besides. */
export interface Manifests {
  readonly objects: readonly ManifestObject[];
  /** Sentences for people. */
  readonly notes: readonly string[];
}

/** Namespaces that every cluster has, with more in them than classvip. */
const NOT_OURS = ["default", "kube-system"];

/**
 * All that a DaemonSet needs.
 *
 * @param pod further fields of its pods
 */
export function daemonSet(
  deployment: Deployment,
  pod: Readonly<Record<string, unknown>> = {},
): Manifests {
  const { name, namespace, labels, plan, keyFiles } = deployment;
  const notes = keyFiles.length === 0 ? [] : [
    "The keys of the beacons, once, the same for all nodes: kubectl -n " +
    `${namespace} create secret generic ${keySecretName(deployment)} ` +
    keyFiles.map((path) => `--from-file=${fileNameOf(path)}=${path}`).join(" "),
  ];
  return {
    notes: [...notes, ...nameNotes(deployment)],
    objects: [
      ...NOT_OURS.includes(namespace) ? [] : [namespaceObject(namespace)],
      ...rbac(deployment),
      ...plan ? [configMap(deployment)!] : [],
      {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { name, namespace, labels },
        spec: {
          selector: { matchLabels: labels },
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
          template: { metadata: { labels }, spec: { ...podSpec(deployment, "cluster"), ...pod } },
        },
      },
    ],
  };
}

/** A pod that the kubelet of a node starts by itself, before there is a cluster. */
export function staticPod(deployment: Deployment): Manifests {
  const { name, namespace, labels, plan, keyFiles } = deployment;
  return {
    notes: [
      `On each node: /etc/kubernetes/manifests/${name}.yaml`,
      ...plan ? [`and the file with the instances: ${HOST_PLAN_FOLDER}/${plan.fileName}`] : [],
      ...keyFiles.map((path) => `and the key of the beacons, for root alone: ${path}`),
    ],
    objects: [{
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace, labels },
      spec: podSpec(deployment, "static"),
    }],
  };
}

/** A second DaemonSet beside the first would be made without it. */
function nameNotes({ name, isNamedAfterFirst }: Deployment): string[] {
  return !isNamedAfterFirst ? [] : [
    `The objects are named after the Lease of the first instance: with --name=${name} they still are ` +
    "when another one comes first in the plan",
  ];
}

/** The file with the instances; undefined where there is none. */
export function configMap(deployment: Deployment): ManifestObject | undefined {
  const { namespace, labels, plan } = deployment;
  return plan && {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: configMapName(deployment), namespace, labels },
    data: { [plan.fileName]: plan.text },
  };
}

function namespaceObject(name: string): ManifestObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name,
      // hostNetwork and the two network capabilities are beyond "baseline".
      labels: { "pod-security.kubernetes.io/enforce": "privileged" },
    },
  };
}
