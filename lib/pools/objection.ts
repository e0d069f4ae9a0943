import type { IpAddress } from "../net/ip.ts";
import { type ServiceView, shows } from "../services/service_view.ts";
import type { Pool } from "./pool.ts";

/** A pool that is not of this instance: nobody here may have its addresses. */
export interface ForeignPool {
  readonly instance: string;
  readonly pool: Pool;
}

/** The pools that a wish is judged by. */
export interface PoolsOfPlan {
  /** Of the Service's instance; undefined: not known, which no wish is refused for. */
  readonly pools: readonly Pool[] | undefined;
  /** Those of the other instances of the plan. */
  readonly foreign: readonly ForeignPool[];
  /** Which other instance of the cluster has the address in its pools; undefined: none. */
  elsewhere?(ip: IpAddress): string | undefined;
  /** Why there is no pool, where there should be some. */
  readonly lack?: string | undefined;
}

/**
 * Whether the status of a Service says that the address is in use for it already: only instances
 * write it. Without a class it may be another controller's word.
 */
export function isInUse(service: ServiceView, vip: string): boolean {
  return service.loadBalancerClass !== undefined && shows(service, vip);
}

/** @returns why the Service may not have an address that it asks for; undefined: it may. */
export function objectionTo(
  service: ServiceView,
  ip: IpAddress,
  plan: PoolsOfPlan,
): string | undefined {
  const { pools, foreign, lack } = plan;
  const theirs = foreign.find(({ pool }) => pool.contains(ip));
  if (theirs !== undefined) {
    return `it is in pool ${theirs.pool.name} of instance ${theirs.instance}`;
  }
  if (pools === undefined) return undefined;
  if (pools.length === 0) {
    if (lack !== undefined) return lack;
    const owner = plan.elsewhere?.(ip);
    return owner && `it is in the pools of ${owner}`;
  }
  const having = pools.filter((pool) => pool.contains(ip));
  if (having.length === 0) {
    const names = pools.map(({ name }) => name).join(", ");
    return `it is in no pool of this instance (${names})`;
  }
  const objections = having.map((pool) => pool.objection(service));
  return objections.includes(undefined) ? undefined : objections.join(", ");
}
