import type { InstanceConfig } from "../config/instance.ts";
import { type Link, linkObstacle } from "../net/link.ts";
import { isUsable, usableNames } from "../vip/placement.ts";
import { isRelated } from "./instances.ts";

/** Why an instance could not serve on an interface of this node, in words for people. */
export interface InterfaceProblem {
  readonly problem: string;
  /** What `interface` may say here. */
  readonly right: string;
}

/**
 * What is wrong with an interface that settings name, whatever its state is.
 *
 * @param name of the interface, or "auto"
 */
export function interfaceProblem(
  name: string,
  links: readonly Link[],
): InterfaceProblem | undefined {
  if (name === "auto") return undefined;
  const link = links.find((link) => link.name === name);
  if (link !== undefined && isUsable(link)) return undefined;
  const problem = link === undefined
    ? `there is no interface ${name} on this node`
    : `interface ${name} is not an Ethernet interface, ARP needs one`;
  return { problem, right: `one of ${usableNames(links)}` };
}

/** An instance that a plan moves to an interface where it could not serve as it does now. */
export interface StrandedInstance extends InterfaceProblem {
  readonly config: InstanceConfig;
}

/**
 * Instances that would withdraw their VIPs for an interface that this node does not have, or that
 * is down, while theirs is well. On every node at once: a name that is misspelt would be an outage
 * of the whole class. One that comes without another's leaving takes nothing away.
 */
export function strandedInstances(
  running: readonly InstanceConfig[],
  planned: readonly InstanceConfig[],
  links: readonly Link[],
): StrandedInstance[] {
  const names = new Set(planned.map(({ name }) => name));
  const leaving = running.filter(({ name }) => !names.has(name));
  return planned.flatMap((config) => {
    const before = running.find(({ name }) => name === config.name) ??
      leaving.find((other) => isRelated(other, config));
    if (before === undefined || unready(before.interface, links)) return [];
    const found = unready(config.interface, links);
    return found ? [{ ...found, config }] : [];
  });
}

/** As `interfaceProblem()`, and whether its link is there now. */
export function unready(name: string, links: readonly Link[]): InterfaceProblem | undefined {
  const found = interfaceProblem(name, links);
  if (found !== undefined || name === "auto") return found;
  const problem = linkObstacle(name, links);
  return problem === undefined ? undefined : { problem, right: `one of ${usableNames(links)}` };
}
