import type { Deployment } from "./deployment.ts";
import type { ManifestObject } from "./object.ts";

/** A rule of a role. */
export type Rule =
  | {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }
  | { readonly nonResourceURLs: readonly string[]; readonly verbs: readonly string[] };

const CORE = [""];
const COORDINATION = ["coordination.k8s.io"];
const RBAC = "rbac.authorization.k8s.io";
const EVENTS: Rule = { apiGroups: CORE, resources: ["events"], verbs: ["create"] };
/** What is written to Services that are served, and read once more for it. */
const WRITES: readonly Rule[] = [
  { apiGroups: CORE, resources: ["services"], verbs: ["get"] },
  { apiGroups: CORE, resources: ["services/status"], verbs: ["patch"] },
];

/**
 * The least rights that work, by namespace; undefined: in all of them.
 *
 * Lists and watches of Services and Leases have no bounds: an address that a Service of another
 * class has, and a Lease that serves the same Services elsewhere, are refused only by who sees
 * them. Creating has no name yet, so that no role can name it.
 */
export function rulesOf({ instances }: Pick<Deployment, "instances">): Map<
  string | undefined,
  Rule[]
> {
  const rules = new Map<string | undefined, Rule[]>();
  const grant = (namespace: string | undefined, ...more: readonly Rule[]) =>
    rules.set(namespace, [...rules.get(namespace) ?? [], ...more]);
  const serving = instances.filter(({ controlPlane }) => controlPlane === undefined);
  const everywhere = serving.some(({ namespaces }) => namespaces.length === 0);
  if (serving.length > 0) {
    grant(undefined, { apiGroups: CORE, resources: ["services"], verbs: ["list", "watch"] });
  }
  grant(
    undefined,
    // Of its own node alone; but a role that is the same on all nodes can name none.
    { apiGroups: CORE, resources: ["nodes"], verbs: ["list", "watch"] },
    { apiGroups: COORDINATION, resources: ["leases"], verbs: ["list", "watch"] },
  );
  if (instances.some(({ pools }) => pools.some(({ namespaceSelector }) => namespaceSelector))) {
    grant(undefined, { apiGroups: CORE, resources: ["namespaces"], verbs: ["list", "watch"] });
  }
  if (everywhere) grant(undefined, ...WRITES, EVENTS);
  else {
    const served = [...new Set(serving.flatMap(({ namespaces }) => namespaces))].sort();
    for (const namespace of served) grant(namespace, ...WRITES, EVENTS);
  }
  for (const [namespace, leases] of Map.groupBy(instances, (i) => i.leaseNamespace)) {
    const resourceNames = leases.map(({ leaseName }) => leaseName);
    grant(
      namespace,
      { apiGroups: COORDINATION, resources: ["leases"], resourceNames, verbs: ["get", "update"] },
      { apiGroups: COORDINATION, resources: ["leases"], verbs: ["create"] },
    );
    if (!everywhere && !rules.get(namespace)!.includes(EVENTS)) grant(namespace, EVENTS);
  }
  if (serving.length < instances.length) {
    // Whether the API servers are well, and which ones there are.
    grant(undefined, { nonResourceURLs: ["/livez"], verbs: ["get"] });
    grant("default", {
      apiGroups: ["discovery.k8s.io"],
      resources: ["endpointslices"],
      resourceNames: ["kubernetes"],
      verbs: ["get"],
    });
  }
  const configMaps = [...new Set(instances.flatMap(({ poolConfigMap }) => poolConfigMap ?? []))];
  for (const configMap of configMaps) {
    const [namespace, name] = configMap.split("/");
    grant(namespace, {
      apiGroups: CORE,
      resources: ["configmaps"],
      resourceNames: [name!],
      verbs: ["list", "watch"],
    });
  }
  return rules;
}

/** The ServiceAccount with its roles: one for the cluster, and one in each namespace. */
export function rbac(deployment: Deployment): ManifestObject[] {
  const { name, namespace, labels } = deployment;
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const account = {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace, labels },
  };
  const roles = [...rulesOf(deployment)].flatMap(([within, rules]): ManifestObject[] => {
    const kind = within === undefined ? "ClusterRole" : "Role";
    // Other installations have roles in these places too.
    const metadata = {
      name: `${namespace}:${name}`,
      ...within !== undefined && { namespace: within },
      labels,
    };
    const apiVersion = `${RBAC}/v1`;
    return [
      { apiVersion, kind, metadata, rules },
      {
        apiVersion,
        kind: `${kind}Binding`,
        metadata,
        roleRef: { apiGroup: RBAC, kind, name: metadata.name },
        subjects,
      },
    ];
  });
  return [account, ...roles];
}
