import type { Service } from "../lib/kube/types.ts";
import { type Ground, rest } from "./ground.ts";

/** Requests under way at a time. */
const AT_ONCE = 32;
const LOOK_MS = 1000;

/** Who created an object with a status says so in it, at length: it is a third of what is listed. */
const MANAGED_FIELDS = [
  ["metadata", "annotations", ".", "classvip.io/addresses"],
  ["spec", "allocateLoadBalancerNodePorts", "internalTrafficPolicy", "loadBalancerClass", "ports"],
  ["spec", "sessionAffinity", "type", "externalTrafficPolicy", "ipFamilyPolicy"],
  ["status", "loadBalancer", "ingress"],
].map(([part, ...fields]) => ({
  manager: "kubectl-client-side-apply",
  operation: "Update",
  apiVersion: "v1",
  time: "2026-01-01T00:00:00Z",
  fieldsType: "FieldsV1",
  fieldsV1: { [`f:${part}`]: Object.fromEntries(fields.map((name) => [`f:${name}`, {}])) },
}));

/**
 * Puts Services with their status where the API server finds them. It creates some fifty a second
 * by itself: a real one finds them in its etcd, as if it had.
 */
export async function storeServices(ground: Ground, services: readonly Service[]): Promise<void> {
  const { control, kube } = ground;
  if (control === undefined) {
    const queue = services.values();
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (const service of queue) {
        const { namespace, name } = service.metadata!;
        await kube.create("Service", service);
        const path = `/api/v1/namespaces/${namespace}/services/${name}/status`;
        if (service.status) await kube.request("PATCH", path, { status: service.status });
      }
    }));
    return;
  }
  const creationTimestamp = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const stored = new Map<string, object>();
  const addresses = new Map<string, object>();
  for (const service of services) {
    const metadata = { creationTimestamp, uid: crypto.randomUUID() };
    const { namespace, name } = service.metadata!;
    const headless = service.spec?.clusterIP === "None";
    const clusterIP = headless ? "None" : ground.freshClusterIp();
    stored.set(`services/specs/${namespace}/${name}`, {
      kind: "Service",
      apiVersion: "v1",
      ...service,
      metadata: { ...metadata, managedFields: MANAGED_FIELDS, ...service.metadata },
      spec: {
        ...service.spec,
        clusterIP,
        clusterIPs: [clusterIP],
        ipFamilies: ["IPv4"],
        ipFamilyPolicy: "SingleStack",
      },
    });
    if (headless) continue;
    addresses.set(`ipaddresses/${clusterIP}`, {
      kind: "IPAddress",
      apiVersion: "networking.k8s.io/v1",
      metadata: {
        ...metadata,
        name: clusterIP,
        labels: {
          "ipaddress.kubernetes.io/ip-family": "IPv4",
          "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        },
      },
      spec: { parentRef: { resource: "services", namespace, name } },
    });
  }
  // The API server creates addresses that it has not seen by itself, one by one, for minutes.
  await control.store(addresses);
  for (let seen = 0; seen < addresses.size; await rest(LOOK_MS)) {
    // Of its cache: what it has seen itself.
    const path = "/apis/networking.k8s.io/v1/ipaddresses?resourceVersion=0";
    seen = (await kube.request<{ items: unknown[] }>("GET", path)).items.length;
  }
  await control.store(stored);
}
