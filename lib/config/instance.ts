import type { PoolSpec } from "../pools/pool.ts";

/** The least that is logged. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The VIP of the control plane, in place of Services. Times in milliseconds. */
export interface ControlPlaneConfig {
  /** IPv4, canonical. */
  readonly address: string;
  /** Of the API server on this node, and so of the VIP. */
  readonly port: number;
  /** Puts the VIP up before there is an API server to keep a Lease. */
  readonly bootstrap: boolean;
  /** From one look at the node's API server to the next. */
  readonly healthIntervalMs: number;
  /** For one answer. */
  readonly healthTimeoutMs: number;
  /** So many failures in a row make it unhealthy. */
  readonly healthThreshold: number;
}

/** The effective settings of one instance. Times in milliseconds. */
export interface InstanceConfig {
  /** Label `instance` of logs and metrics: unique in the process. */
  readonly name: string;
  /** `spec.loadBalancerClass` to serve; undefined serves Services without a class. */
  readonly loadBalancerClass: string | undefined;
  /** Serve Services without a class too. */
  readonly alsoClassless: boolean;
  /** Serve only these namespaces; empty serves all. Sorted, no duplicates. */
  readonly namespaces: readonly string[];
  readonly leaseName: string;
  readonly leaseNamespace: string;
  /** A multiple of 1000, at least 2000: the Lease counts in whole seconds. */
  readonly leaseDurationMs: number;
  /** Pause between two renewals. */
  readonly renewIntervalMs: number;
  /** 0 to 100: which node holds when several could, and which instance of a process begins first. */
  readonly priority: number;
  /** Asks a holder of lower priority to hand over. */
  readonly failback: boolean;
  readonly onApiLoss: "withdraw" | "hold";
  /** Extra annotations to put on the Lease. */
  readonly leaseAnnotations: Readonly<Record<string, string>>;
  /** Interface for the VIPs, or "auto": the one whose subnet holds the VIP. */
  readonly interface: string;
  /** Pause between two refreshing announcements of a VIP. */
  readonly announceIntervalMs: number;
  /** Asks who has an address before it is announced for the first time. */
  readonly addressProbe: boolean;
  /** Replaces a silent holder before its Lease expires. */
  readonly fastFailover: boolean;
  /** From one beacon of the holder to the next. */
  readonly beaconIntervalMs: number;
  /** Path of the key that beacons are authenticated with. */
  readonly beaconKeyFile: string | undefined;
  /** At most so many VIPs in all; 0: no limit. */
  readonly maxVips: number;
  /** At most so many VIPs for the Services of one namespace; 0: no limit. */
  readonly maxVipsPerNamespace: number;
  /** Where Services that ask for no address get one. */
  readonly pools: readonly PoolSpec[];
  /** `namespace/name` of a ConfigMap of kube-vip-cloud-provider with further pools. */
  readonly poolConfigMap: string | undefined;
  /** The pools of the other instances of the plan. */
  readonly foreignPools?: readonly { readonly instance: string; readonly pool: PoolSpec }[];
  readonly eventsPerSecond: number;
  readonly statusWritesPerSecond: number;
  readonly logLevel: LogLevel;
  /** Holds this instead of serving Services. */
  readonly controlPlane: ControlPlaneConfig | undefined;
}

/** The effective settings of the process. */
export interface ProcessConfig {
  /** holderIdentity on all Leases. */
  readonly nodeName: string;
  /** Path, or undefined: the first of the usual places. */
  readonly kubeconfig: string | undefined;
  /** URL that replaces the kubeconfig's server, or undefined. */
  readonly kubernetesServer: string | undefined;
  /** host:port of /healthz, /readyz and /metrics; undefined switches it off. */
  readonly httpAddress: string | undefined;
  /** The user chose the port: taken is an error. Otherwise another one is taken and said. */
  readonly httpAddressChosen: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: "json" | "text";
  readonly instances: readonly InstanceConfig[];
}
