import { type ServiceView, viewService } from "../../lib/services/service_view.ts";
import type { Service } from "../../lib/kube/types.ts";

/** What a Service says; the rest is as most are. */
export interface Sketch {
  namespace?: string;
  uid?: string;
  class?: string | undefined;
  type?: string;
  wish?: string;
  loadBalancerIP?: string;
  shows?: readonly (string | { ip?: string; hostname?: string; ipMode?: string })[];
  annotations?: Record<string, string>;
  createdAt?: string;
  deleting?: boolean;
}

export function service(name: string, sketch: Sketch = {}): Service {
  const { namespace = "shop", wish, deleting } = sketch;
  const loadBalancerClass = "class" in sketch ? sketch.class : "blue";
  return {
    metadata: {
      namespace,
      name,
      uid: sketch.uid ?? `uid-${name}`,
      creationTimestamp: sketch.createdAt ?? "2026-01-01T00:00:00Z",
      annotations: {
        ...(wish !== undefined && { "classvip.io/addresses": wish }),
        ...sketch.annotations,
      },
      ...(deleting && { deletionTimestamp: "2026-01-02T00:00:00Z" }),
    },
    spec: {
      type: sketch.type ?? "LoadBalancer",
      ...(loadBalancerClass !== undefined && { loadBalancerClass }),
      ...(sketch.loadBalancerIP !== undefined && { loadBalancerIP: sketch.loadBalancerIP }),
    },
    status: {
      loadBalancer: {
        ingress: (sketch.shows ?? []).map((entry) =>
          typeof entry === "string" ? { ip: entry, ipMode: "VIP" } : entry
        ),
      },
    },
  } as Service;
}

export function view(name: string, sketch: Sketch = {}): ServiceView {
  return viewService(service(name, sketch));
}
