import type { Child } from "../lab/child.ts";
import type { LabHost } from "../lab/host.ts";
import type { Kube } from "./kube.ts";

/** How kube-vip itself is started: layer 2, Services, one Lease for all of them. */
export interface KubeVipStart {
  /** Path. */
  readonly program: string;
  readonly kubeconfig: string;
  /** Of its Lease, and of the Services that it looks at. */
  readonly namespace: string;
  readonly className: string;
  readonly leaseSeconds: number;
  readonly renewSeconds: number;
  readonly retrySeconds: number;
  /** Its metrics port: several of them on a node must not share one. */
  readonly port: number;
}

/** Starts kube-vip on a node; it ends with the lab at the latest. */
export function spawnKubeVip(node: LabHost, start: KubeVipStart): Child<unknown> {
  return node.spawn([start.program, "manager"], {
    vip_arp: "true",
    svc_enable: "true",
    vip_interface: node.interface,
    vip_servicesinterface: node.interface,
    vip_nodename: node.name,
    vip_leaderelection: "true",
    cp_namespace: start.namespace,
    svc_namespace: start.namespace,
    vip_leaseduration: String(start.leaseSeconds),
    vip_renewdeadline: String(start.renewSeconds),
    vip_retryperiod: String(start.retrySeconds),
    lb_class_only: "true",
    lb_class_name: start.className,
    prometheus_server: `:${start.port}`,
    k8s_config_file: start.kubeconfig,
  });
}

/** Gives a Service an endpoint: without a ready one kube-vip announces nothing. */
export async function createEndpoint(kube: Kube, namespace: string, service: string) {
  await kube.request("POST", `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
    metadata: { name: service, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.244.0.1"], conditions: { ready: true } }],
    ports: [{ port: 80 }],
  });
}
