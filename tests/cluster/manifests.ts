import { parseAllDocuments } from "yaml";
import { run } from "../lab/command.ts";
import type { Kube } from "../scenarios/kube.ts";

/** An object of a manifest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  // deno-lint-ignore no-explicit-any -- as somebody wrote it
  readonly [field: string]: any;
}

/** The plurals of the kinds that are shipped. */
const PLURALS: Record<string, string> = {
  Namespace: "namespaces",
  Service: "services",
  ServiceAccount: "serviceaccounts",
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  Role: "roles",
  RoleBinding: "rolebindings",
  DaemonSet: "daemonsets",
  ConfigMap: "configmaps",
  Pod: "pods",
  ValidatingAdmissionPolicy: "validatingadmissionpolicies",
  ValidatingAdmissionPolicyBinding: "validatingadmissionpolicybindings",
};

/** @returns the program that the variable or PATH names, or undefined where there is none. */
async function findProgram(variable: string, name: string): Promise<string | undefined> {
  for (const program of [Deno.env.get(variable), name]) {
    if (!program) continue;
    try {
      await run([program, "version"]);
      return program;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

export const findKustomize = () => findProgram("KUSTOMIZE", "kustomize");
export const findHelm = () => findProgram("HELM", "helm");

/** The objects in a text of YAML. */
export function objectsIn(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => document.toJS() ?? []);
}

/** Builds a folder of manifests as `kubectl apply -k` would. */
export async function build(kustomize: string, folder: string): Promise<Manifest[]> {
  const text = await run([kustomize, "build", folder]);
  return objectsIn(text);
}

/** Server-side apply, namespaces first. @throws {KubeError} when the API server refuses one. */
export async function apply(kube: Kube, manifests: readonly Manifest[]): Promise<void> {
  const first = (manifest: Manifest) => manifest.kind === "Namespace" ? 0 : 1;
  for (const manifest of manifests.toSorted((a, b) => first(a) - first(b))) {
    await kube.request(
      "PATCH",
      `${pathOf(manifest)}?fieldManager=scenarios&force=true`,
      manifest,
      "application/apply-patch+yaml",
    );
  }
}

/** Deletes what was applied. @throws {KubeError} when the API server refuses it. */
export async function remove(kube: Kube, manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests) await kube.request("DELETE", pathOf(manifest));
}

function pathOf({ apiVersion, kind, metadata: { namespace, name } }: Manifest): string {
  const plural = PLURALS[kind];
  if (plural === undefined) throw new TypeError(`No plural of kind ${kind} is known`);
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${root}${scope}/${plural}/${name}`;
}
