import { INCARNATION_ANNOTATION, RELEASED_ANNOTATION } from "../../lib/election/lease_record.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { FOREVER_SECONDS } from "./kernel.ts";
import type { Mutation } from "./mutation.ts";
import {
  adopting,
  CredulousHeir,
  HastyCreator,
  LateFence,
  LateHeir,
  RenewTimeBeliever,
} from "./mutant_elections.ts";

/** Each breaks one rule; the simulation has to notice every one of them. */
export const MUTANTS: Readonly<Record<string, Mutation>> = {
  "without a fencing margin": {
    times: (times) => ({ ...times, fenceMarginMs: 0 }),
  },
  "with a fence that comes too late": {
    times: (times) => ({ ...times, fenceMarginMs: -1000 }),
  },
  "whose lifetimes last as long as the right": {
    times: (times) => ({ ...times, lifetimeMarginMs: 0 }),
  },
  "with a fence that counts from the answer": { election: LateFence },
  "whose right counts from the handover, not from its offer": { election: LateHeir },
  "that believes a handover for an offer of somebody else": { election: CredulousHeir },
  "that releases before it withdraws": {
    holder: (holder, process) => ({
      ...holder,
      withdraw: (reason) => {
        if (reason !== "stopping") return holder.withdraw(reason);
        process.timer(50, () => holder.withdraw(reason));
        return true;
      },
    }),
  },
  "whose standby follows the wall clock": {
    nowMs: (machine) => machine.bootMs() + machine.wallJumps.forwardMs,
  },
  "whose holder follows the wall clock": {
    nowMs: (machine) => machine.bootMs() + machine.wallJumps.backMs,
  },
  "whose standby trusts renewTime": { election: RenewTimeBeliever },
  "that takes an emptied Lease without proof": {
    election: adopting((lease) =>
      lease.spec?.holderIdentity
        ? lease
        : annotated(lease, RELEASED_ANNOTATION, String(lease.spec?.leaseTransitions ?? 0))
    ),
  },
  "that makes a deleted Lease anew at once": { election: HastyCreator },
  "without compare-and-swap": {
    api: (api) => ({
      get: (options) => api.get(options),
      create: (lease, options) => api.create(lease, options),
      replace: (lease, options) => {
        const { resourceVersion: _, ...metadata } = lease.metadata ?? {};
        return api.replace({ ...lease, metadata }, options);
      },
    }),
  },
  "without kernel lifetimes": {
    network: (network) => ({
      links: () => network.links(),
      addresses: () => network.addresses(),
      gateways: () => network.gateways(),
      apply: (changes) =>
        network.apply(
          changes.map((change) =>
            change.kind === "set" ? { ...change, validSeconds: FOREVER_SECONDS } : change
          ),
        ),
      send: (linkIndex, frame) => network.send(linkIndex, frame),
      [Symbol.dispose]() {},
    }),
  },
  "that adopts a Lease of its name from another machine": {
    election: adopting((lease, settings) =>
      lease.spec?.holderIdentity === settings.identity
        ? annotated(lease, INCARNATION_ANNOTATION, settings.incarnation)
        : lease
    ),
  },
};

function annotated(lease: Lease, name: string, value: string): Lease {
  const annotations = { ...lease.metadata?.annotations, [name]: value };
  return { ...lease, metadata: { ...lease.metadata, annotations } };
}
