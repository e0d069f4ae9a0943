import { type Deployment, fileNameOf } from "./deployment.ts";

/** Of a static pod, which has no service account: kubeadm's. */
export const DEFAULT_KUBECONFIG = "/etc/kubernetes/admin.conf";

/** Where the file with the instances is in the container: a folder, so that changes arrive. */
const PLAN_FOLDER = "/etc/classvip/plan";
/** On the nodes, for static pods. */
export const HOST_PLAN_FOLDER = "/etc/classvip";
const TUN = "/dev/net/tun";
const OWNER_READS = 0o400;

interface Mount {
  readonly volume: { readonly name: string } & Record<string, unknown>;
  readonly mounts: readonly Record<string, unknown>[];
}

export function configMapName({ name }: Deployment): string {
  return `${name}-plan`;
}

export function keySecretName({ name }: Deployment): string {
  return `${name}-beacon-keys`;
}

/**
 * The pod that runs one process.
 *
 * @param place "static": from a file on the node, with a kubeconfig and without API objects
 */
export function podSpec(deployment: Deployment, place: "cluster" | "static") {
  const { http, httpFlag, image, plan, fastFailover } = deployment;
  const mounted = mountsOf(deployment, place);
  const kubeconfig = place === "static" ? kubeconfigOf(deployment) : undefined;
  return {
    ...place === "cluster" && { serviceAccountName: deployment.name },
    // VIPs live on the node's own interfaces.
    hostNetwork: true,
    // On a node alone there may be no cluster DNS yet: the default is then the node's own.
    ...place === "cluster" && { dnsPolicy: "ClusterFirstWithHostNet" },
    priorityClassName: "system-node-critical",
    terminationGracePeriodSeconds: 20,
    tolerations: [{ operator: "Exists" }],
    containers: [{
      name: "classvip",
      image,
      args: [
        "run",
        ...plan ? [`--config=${PLAN_FOLDER}/${plan.fileName}`] : [],
        ...kubeconfig ? [`--kubeconfig=${kubeconfig}`] : [],
        ...[...deployment.flags, ...httpFlag ? [httpFlag] : []].sort(),
      ],
      env: [
        fromField("CLASSVIP_NODE_NAME", "spec.nodeName"),
        fromField("POD_NAMESPACE", "metadata.namespace"),
      ],
      ...http && {
        // Named, so that the scheduler never puts two of them on one port.
        ports: [{ name: "http", containerPort: http.port, hostPort: http.port }],
        livenessProbe: {
          httpGet: { host: http.host, path: "/healthz", port: http.port },
          periodSeconds: 10,
          failureThreshold: 3,
        },
        readinessProbe: {
          httpGet: { host: http.host, path: "/readyz", port: http.port },
          periodSeconds: 5,
        },
      },
      resources: { requests: { cpu: "10m", memory: "80Mi" }, limits: { memory: "200Mi" } },
      securityContext: {
        // Kubernetes gives capabilities to user 0 only; all others are dropped.
        runAsUser: 0,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] },
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...mounted.length > 0 && { volumeMounts: mounted.flatMap(({ mounts }) => mounts) },
    }],
    ...mounted.length > 0 && { volumes: mounted.map(({ volume }) => volume) },
  };

  function mountsOf(deployment: Deployment, place: "cluster" | "static"): Mount[] {
    const { keyFiles } = deployment;
    const found: Mount[] = [];
    if (plan) {
      found.push({
        volume: place === "cluster"
          ? { name: "plan", configMap: { name: configMapName(deployment) } }
          : hostPath("plan", HOST_PLAN_FOLDER, "Directory"),
        mounts: [{ name: "plan", mountPath: PLAN_FOLDER, readOnly: true }],
      });
    }
    if (place === "static") {
      const path = kubeconfigOf(deployment);
      found.push({
        volume: hostPath("kubeconfig", path, "File"),
        mounts: [{ name: "kubeconfig", mountPath: path, readOnly: true }],
      });
    }
    if (fastFailover) {
      found.push({
        volume: hostPath("tun", TUN, "CharDevice"),
        mounts: [{ name: "tun", mountPath: TUN }],
      });
    }
    if (keyFiles.length > 0 && place === "cluster") {
      found.push({
        volume: {
          name: "beacon-keys",
          secret: { secretName: keySecretName(deployment), defaultMode: OWNER_READS },
        },
        mounts: keyFiles.map((path) => ({
          name: "beacon-keys",
          mountPath: path,
          subPath: fileNameOf(path),
          readOnly: true,
        })),
      });
    } else if (keyFiles.length > 0) {
      keyFiles.forEach((path, i) => {
        const name = `beacon-key-${i}`;
        found.push({
          volume: hostPath(name, path, "File"),
          mounts: [{ name, mountPath: path, readOnly: true }],
        });
      });
    }
    return found;
  }
}

function kubeconfigOf({ kubeconfig }: Deployment): string {
  return kubeconfig ?? DEFAULT_KUBECONFIG;
}

function hostPath(name: string, path: string, type: string) {
  return { name, hostPath: { path, type } };
}

function fromField(name: string, fieldPath: string) {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}
