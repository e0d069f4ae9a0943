import type { ConfigProblem } from "./errors.ts";
import type { InstanceConfig } from "./instance.ts";
import type { Resolved } from "./resolve.ts";
import { formatDuration } from "./values.ts";

/** An instance's settings with where each came from. */
export type ResolvedInstance = {
  readonly [K in keyof InstanceConfig]: Resolved<InstanceConfig[K]>;
};

/** @returns the problems between the settings of one instance. */
export function checkInstance(instance: ResolvedInstance): ConfigProblem[] {
  return [
    ...checkRenewal(instance),
    ...checkFastFailover(instance),
    ...checkControlPlane(instance),
  ];
}

function checkFastFailover(instance: ResolvedInstance): ConfigProblem[] {
  const { fastFailover, beaconKeyFile, interface: link } = instance;
  if (!fastFailover.value) return [];
  const problem = { setting: "fastFailover", value: "true", source: fastFailover.source };
  const problems: ConfigProblem[] = [];
  if (beaconKeyFile.value === undefined) {
    problems.push({
      ...problem,
      problem: "its beacons must be authenticated, and there is no key",
      right: "beaconKeyFile with the path of a file of at least 32 random bytes",
    });
  }
  if (link.value === "auto") {
    problems.push({
      ...problem,
      problem: "beacons go where the VIPs are announced, and interface is auto",
      right: "interface with the name of the interface of the VIPs",
    });
  }
  return problems;
}

function checkControlPlane(
  { controlPlane, loadBalancerClass, alsoClassless, namespaces }: ResolvedInstance,
): ConfigProblem[] {
  if (controlPlane.value === undefined || controlPlane.failed) return [];
  const problem = { setting: "controlPlane", value: "true", source: controlPlane.source };
  const problems: ConfigProblem[] = [];
  if (controlPlane.value.address === "") {
    problems.push({
      ...problem,
      problem: "which VIP it has is not said",
      right: "address with an IPv4 address, such as 10.0.0.10",
    });
  }
  const served = [loadBalancerClass.value, alsoClassless.value, namespaces.value?.[0]];
  if (served.some((value) => value !== undefined && value !== false)) {
    problems.push({
      ...problem,
      problem: "an instance has the control plane's VIP or Services, not both",
      right: "instances of a file, one of them with controlPlane, another one with the class",
    });
  }
  return problems;
}

function checkRenewal(
  { leaseDurationMs, renewIntervalMs }: ResolvedInstance,
): ConfigProblem[] {
  if (leaseDurationMs.failed || renewIntervalMs.failed) return [];
  const limitMs = leaseDurationMs.value / 2;
  if (renewIntervalMs.value <= limitMs) return [];
  return [{
    setting: "renewInterval",
    value: formatDuration(renewIntervalMs.value),
    source: renewIntervalMs.source,
    problem: `more than half of leaseDuration (${formatDuration(leaseDurationMs.value)}, ` +
      `${leaseDurationMs.source}): one lost renewal would lose the Lease`,
    right: `at most ${formatDuration(limitMs)}, or a longer leaseDuration`,
  }];
}

/**
 * @returns the problems between the instances of one process, each with the first instance that an
 * instance collides with.
 */
export function checkInstances(instances: readonly ResolvedInstance[]): ConfigProblem[] {
  // A plan is checked while VIPs are held: only instances that have something in common are compared.
  const byKey = new Map<string, number[]>();
  return instances.flatMap((second, index) => {
    if (Object.values(second).some(({ failed }) => failed)) return [];
    const near = new Set<number>();
    for (const key of keysOf(second)) {
      const indices = byKey.get(key) ?? [];
      byKey.set(key, indices);
      for (const other of indices) if (other !== index) near.add(other);
      if (indices.at(-1) !== index) indices.push(index);
    }
    const all = [...near].sort((a, b) => a - b).flatMap((firstIndex) => {
      const first = instances[firstIndex]!;
      const both = `${firstIndex + 1} (${first.name.value}) and ${
        index + 1
      } (${second.name.value})`;
      return checkPair(first, second, both);
    });
    return [...new Map(all.toReversed().map((p) => [p.setting, p])).values()].toReversed();
  });
}

/** @returns what two instances that collide have at least one of in common */
function keysOf(
  { name, leaseName, loadBalancerClass, alsoClassless, controlPlane }: ResolvedInstance,
): string[] {
  const keys = [`name ${name.value}`, `lease ${leaseName.value}`];
  if (controlPlane?.value !== undefined) return [...keys, `address ${controlPlane.value.address}`];
  keys.push(`class ${loadBalancerClass.value ?? ""}`);
  if (alsoClassless.value) keys.push("class ");
  return keys;
}

/** @param both their numbers in the list, and names, for people. */
function checkPair(
  first: ResolvedInstance,
  second: ResolvedInstance,
  both: string,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const [ofOne, ofOther] = [first, second].map(({ controlPlane }) => controlPlane.value);
  if (ofOne !== undefined && ofOne.address === ofOther?.address) {
    problems.push({
      setting: "address",
      value: ofOne.address,
      source: second.controlPlane.source,
      problem: `the instances ${both} have the same VIP`,
      right: "one of them",
    });
  }
  const overlap = ofOne ?? ofOther ? undefined : sharedServices(first, second);
  if (overlap) {
    problems.push({
      setting: "loadBalancerClass",
      value: second.loadBalancerClass.value ?? "",
      source: second.loadBalancerClass.source,
      problem: `${overlap} would be served by the instances ${both}`,
      right: "another class, or namespaces that differ",
    });
  }
  // The defaults follow from class and namespaces: what they share was said above.
  if (sameLease(first, second) && !(overlap && isDefault(first.leaseName, second.leaseName))) {
    problems.push({
      setting: "leaseName",
      value: second.leaseName.value,
      source: second.leaseName.source,
      problem: `the instances ${both} have the same Lease (${first.leaseName.source})`,
      right: "a Lease of its own for each instance",
    });
  }
  if (
    first.name.value === second.name.value && !(overlap && isDefault(first.name, second.name))
  ) {
    problems.push({
      setting: "instanceName",
      value: second.name.value,
      source: second.name.source,
      problem: `the instances ${both} have the same name (${first.name.source})`,
      right: "a name of its own for each instance",
    });
  }
  return problems;
}

function isDefault(first: Resolved<string>, second: Resolved<string>): boolean {
  return first.source === "default" && second.source === "default";
}

function sameLease(first: ResolvedInstance, second: ResolvedInstance): boolean {
  return first.leaseName.value === second.leaseName.value &&
    first.leaseNamespace.value === second.leaseNamespace.value;
}

/** @returns what both instances would serve, or undefined. */
function sharedServices(first: ResolvedInstance, second: ResolvedInstance): string | undefined {
  const [some, others] = [first.namespaces.value, second.namespaces.value];
  const meet = some.length === 0 || others.length === 0 || some.some((n) => others.includes(n));
  if (!meet) return undefined;
  const loadBalancerClass = first.loadBalancerClass.value;
  if (loadBalancerClass !== undefined && loadBalancerClass === second.loadBalancerClass.value) {
    return `the class ${loadBalancerClass}`;
  }
  const classless = [first, second].every((instance) =>
    instance.loadBalancerClass.value === undefined || instance.alsoClassless.value
  );
  return classless ? "Services without a class" : undefined;
}
