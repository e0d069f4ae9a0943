import { isIP } from "node:net";
import type { Service } from "../../../lib/kube/types.ts";
import type { ApiObject, Rules } from "./resources.ts";
import type { Cause } from "./status.ts";
import {
  checkDnsLabel1035,
  checkQualifiedName,
  forbidden,
  invalidValue,
  required,
  unsupported,
} from "./validation.ts";

type Spec = NonNullable<Service["spec"]>;
type Status = NonNullable<Service["status"]>;

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

/**
 * Services as pkg/registry/core/service and pkg/apis/core/validation of Kubernetes 1.34 have them,
 * as far as load balancers go: defaults, what is cleared when the type changes, the rules of
 * `loadBalancerClass` and of `status.loadBalancer`. Addresses come from 10.96.0.0/16
 * and fd96::/112.
 */
export function serviceRules(): Rules {
  const allocate = makeAllocator();
  return {
    prepareForCreate(object) {
      object.status = { loadBalancer: {} };
      const spec = specOf(object);
      setDefaults(spec);
      allocate(spec);
    },

    prepareForUpdate(object, old) {
      const [spec, oldSpec] = [specOf(object), specOf(old)];
      object.status = old.status;
      setDefaults(spec);
      dropTypeDependentFields(spec, oldSpec);
      if (spec.type !== "LoadBalancer") object.status = { loadBalancer: {} };
      keepAllocated(spec, oldSpec);
      allocate(spec);
    },

    // The real one lets a status update change labels and annotations, and so does this one.
    prepareForStatusUpdate(object, old) {
      object.spec = old.spec;
      const status = (object.status ??= {}) as Status;
      status.loadBalancer ??= {};
      for (const ingress of status.loadBalancer.ingress ?? []) {
        if (ingress.ip) ingress.ipMode ??= "VIP";
      }
    },

    validate(object, old) {
      const name = object.metadata.name ?? "";
      return [
        ...(old ? [] : checkDnsLabel1035("metadata.name", name)),
        ...(old ? checkClassChange(specOf(object), specOf(old)) : []),
        ...checkSpec(specOf(object)),
      ];
    },

    validateStatus: (object) => checkStatus(object.status as Status, specOf(object)),
  };
}

function specOf(object: ApiObject): Spec {
  return (object.spec ??= {}) as Spec;
}

function isExternal(spec: Spec): boolean {
  return spec.type === "LoadBalancer" || spec.type === "NodePort";
}

function setDefaults(spec: Spec): void {
  spec.type ||= "ClusterIP";
  spec.sessionAffinity ||= "None";
  for (const port of spec.ports ?? []) {
    port.protocol ||= "TCP";
    port.targetPort ??= port.port as unknown as NonNullable<typeof port.targetPort>;
  }
  if (spec.type === "ExternalName") return;
  spec.internalTrafficPolicy ||= "Cluster";
  if (isExternal(spec)) spec.externalTrafficPolicy ||= "Cluster";
  if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
}

/**
 * Drops what the new type has no use for, if the client did not set it to something else in the
 * same update: then validation is to refuse it.
 */
function dropTypeDependentFields(spec: Spec, old: Spec): void {
  if (old.type !== "ExternalName" && spec.type === "ExternalName") {
    if (spec.clusterIP === old.clusterIP) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
    delete spec.internalTrafficPolicy;
  }
  if (isExternal(old) && !isExternal(spec)) {
    for (const port of spec.ports ?? []) delete port.nodePort;
    if (spec.externalTrafficPolicy === old.externalTrafficPolicy) {
      delete spec.externalTrafficPolicy;
    }
  }
  if (old.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts) {
      delete spec.allocateLoadBalancerNodePorts;
    }
    if (spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass;
    if (spec.healthCheckNodePort === old.healthCheckNodePort) delete spec.healthCheckNodePort;
  }
}

/** A PUT that leaves allocated values out keeps them. */
function keepAllocated(spec: Spec, old: Spec): void {
  if (spec.type === "ExternalName") return;
  if (!spec.clusterIP && old.clusterIP) {
    spec.clusterIP = old.clusterIP;
    spec.clusterIPs = old.clusterIPs!;
  }
  if (!isExternal(spec)) return;
  for (const port of spec.ports ?? []) {
    const same = old.ports?.find(({ port: number, protocol }) =>
      number === port.port && protocol === port.protocol
    );
    if (!port.nodePort && same?.nodePort) port.nodePort = same.nodePort;
  }
}

function makeAllocator(): (spec: Spec) => void {
  let address = 9;
  let nodePort = 30_000;
  return (spec) => {
    if (spec.type === "ExternalName") return;
    spec.ipFamilyPolicy ??= spec.ipFamilies?.length === 2 ? "RequireDualStack" : "SingleStack";
    const families = spec.ipFamilies ??= ["IPv4"];
    if (spec.ipFamilyPolicy === "SingleStack") families.splice(1);
    else if (families.length === 1) families.push(families[0] === "IPv4" ? "IPv6" : "IPv4");
    if (!spec.clusterIP) {
      address++;
      spec.clusterIPs = families.map((family) =>
        family === "IPv4"
          ? `10.96.${address >> 8}.${address & 0xff}`
          : `fd96::${address.toString(16)}`
      );
      spec.clusterIP = spec.clusterIPs[0]!;
    }
    spec.clusterIPs ??= [spec.clusterIP];
    if (!isExternal(spec) || spec.allocateLoadBalancerNodePorts === false) return;
    for (const port of spec.ports ?? []) port.nodePort ??= nodePort++;
    if (spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local") {
      spec.healthCheckNodePort ??= nodePort++;
    }
  };
}

function checkClassChange(spec: Spec, old: Spec): Cause[] {
  if (spec.type !== "LoadBalancer" || old.type !== "LoadBalancer") return [];
  if (spec.loadBalancerClass === old.loadBalancerClass) return [];
  const message = "may not change once set";
  return [invalidValue("spec.loadBalancerClass", spec.loadBalancerClass, message)];
}

function checkSpec(spec: Spec): Cause[] {
  const causes: Cause[] = [];
  if (spec.type !== "ExternalName" && spec.clusterIP !== "None" && !spec.ports?.length) {
    causes.push(required("spec.ports"));
  }
  spec.ports?.forEach(({ port, name }, index) => {
    if (!(port >= 1 && port <= 65_535)) {
      const message = "must be between 1 and 65535, inclusive";
      causes.push(invalidValue(`spec.ports[${index}].port`, port, message));
    }
    if (spec.ports!.length > 1 && !name) causes.push(required(`spec.ports[${index}].name`));
  });
  if (!TYPES.includes(spec.type!)) causes.push(unsupported("spec.type", spec.type, TYPES));
  if (spec.loadBalancerClass !== undefined) {
    causes.push(
      ...spec.type === "LoadBalancer"
        ? checkQualifiedName("spec.loadBalancerClass", spec.loadBalancerClass)
        : [forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'")],
    );
  }
  return causes;
}

function checkStatus(status: Status, spec: Spec): Cause[] {
  const ingress = status.loadBalancer?.ingress ?? [];
  const path = "status.loadBalancer.ingress";
  if (spec.type !== "LoadBalancer" && ingress.length > 0) {
    return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return ingress.flatMap(({ ip, ipMode }, index) => {
    const causes: Cause[] = [];
    if (ip && !isIP(ip)) {
      const message = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
      causes.push(invalidValue(`${path}[${index}].ip`, ip, message));
    }
    if (ipMode !== undefined && !ip) {
      causes.push(
        forbidden(`${path}[${index}].ipMode`, "may not be specified when `ip` is not set"),
      );
    } else if (ipMode !== undefined && ipMode !== "VIP" && ipMode !== "Proxy") {
      causes.push(unsupported(`${path}[${index}].ipMode`, ipMode, ["Proxy", "VIP"]));
    }
    return causes;
  });
}
