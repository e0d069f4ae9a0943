import type { InstanceConfig } from "../../lib/config/instance.ts";

/** Settings of an instance for one class on the interface `eth0`, which asks nobody for addresses. */
export function instanceConfig(name: string, more: Partial<InstanceConfig> = {}): InstanceConfig {
  return {
    name,
    loadBalancerClass: name,
    alsoClassless: false,
    namespaces: [],
    leaseName: name,
    leaseNamespace: "kube-system",
    leaseDurationMs: 5000,
    renewIntervalMs: 1500,
    priority: 100,
    failback: false,
    onApiLoss: "withdraw",
    leaseAnnotations: {},
    interface: "eth0",
    announceIntervalMs: 60_000,
    addressProbe: false,
    fastFailover: false,
    beaconIntervalMs: 50,
    beaconKeyFile: undefined,
    pools: [],
    poolConfigMap: undefined,
    maxVips: 0,
    maxVipsPerNamespace: 0,
    eventsPerSecond: 10,
    statusWritesPerSecond: 100,
    logLevel: "info",
    controlPlane: undefined,
    ...more,
  };
}
