import assert from "node:assert/strict";
import type { Scenario } from "../scenarios/scenario.ts";
import { DEADLINE_MS, LEASE_SECONDS, until } from "../scenarios/stage.ts";
import { nowMs } from "./clock.ts";
import type { EmbeddedPlane } from "./embedded_plane.ts";

/** Long enough that one deadline is no two on a machine that is busy with other things. */
const LONG_SECONDS = 15;
/** Deadline of a Lease request: a part of the Lease's duration. */
const REQUEST_MS = LONG_SECONDS * 1000 / 5;
/** A standby looks at the Lease every 20 s: it must not have been that. */
const BEFORE_LOOK_MS = 15_000;

/** Faults that a real API server can't be asked for. */
export const faultScenarios: Scenario<EmbeddedPlane>[] = [
  {
    name: "DELETE that the watch swallowed: withdrawn with the next list",
    async run(stage) {
      const { api } = stage.world.plane;
      const [vip, stays] = [stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: vip });
      const other = await stage.createService({ addresses: stays });
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, vip);
      await stage.served(other, stays);
      const fault = api.faults.add({ kind: "swallow", type: "DELETED", path: /services\?/ });
      await stage.kube.delete("Service", service);
      await until("the event is swallowed", () => Promise.resolve(fault.hits > 0 || undefined));
      assert.equal(stage.world.watch.holdings.holders(vip).length, 1, "seen without the event");
      api.store.compact();
      api.closeConnections();
      await stage.gone(vip);
      stage.assertStayed(stays);
    },
  },
  {
    name: "watch of the Lease that fell silent: the standby takes over all the same",
    async run(stage) {
      const { api } = stage.world.plane;
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const holder = await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, vip);
      const mute = api.faults.add({ kind: "mute", path: /leases\?.*watch=/, count: 1000 });
      stage.defer(() => Promise.resolve(mute.remove()));
      await stage.startStandby(stage.nodes[1]!);
      await holder.terminate();
      await stage.world.watch.waitForHolder(vip, BEFORE_LOOK_MS, "node-2");
      await stage.served(service, vip, stage.nodes[1]);
    },
  },
  {
    name: "Lease request that is lost: costs one deadline, and no VIP",
    async run(stage) {
      const { api } = stage.world.plane;
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      await stage.startAgents(stage.nodes.slice(0, 2), {
        leaseSeconds: LONG_SECONDS,
        flags: ["--renewInterval=1s"],
      });
      await stage.served(service, vip);
      for (const kind of ["silence", "applyThenSilence", "reset", "applyThenReset"] as const) {
        const isRenewal = ({ method, path }: { method: string; path: string }) =>
          method === "PUT" && path.endsWith(`/leases/${stage.lease}`);
        const fault = api.faults.add({ kind, method: "PUT", path: new RegExp(stage.lease) });
        await until(`${kind} happens`, () => Promise.resolve(fault.hits > 0 || undefined));
        const lost = api.requests.findLastIndex(isRenewal);
        const next = await until("another renewal succeeds", () =>
          Promise.resolve(
            api.requests.slice(lost + 1).find((one) => isRenewal(one) && one.status === 200),
          ));
        const pauseMs = next.at - api.requests[lost]!.at;
        assert.ok(pauseMs < 2 * REQUEST_MS, `${kind}: after ${pauseMs} ms`);
      }
      stage.assertStayed(vip);
    },
  },
  {
    name: "release that takes its time: withdrawn before it, not after",
    async run(stage) {
      const { api } = stage.world.plane;
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const agent = await stage.startAgent(stage.nodes[0]!, { leaseSeconds: LONG_SECONDS });
      await stage.served(service, vip);
      const ms = REQUEST_MS / 2;
      api.faults.add({ kind: "delay", ms, method: "PUT", path: /leases/, count: 2 });
      const ended = agent.terminate();
      await stage.gone(vip);
      assert.equal((await stage.readLease()).spec?.holderIdentity, "node-1", "released before");
      assert.equal((await ended).code, 0);
      assert.equal((await stage.readLease()).spec?.holderIdentity ?? "", "");
      api.faults.clear();
    },
  },
  {
    name: "410 in the middle of a watch: listed again, nothing moves",
    async run(stage) {
      const { api } = stage.world.plane;
      const [vip, late] = [stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: vip });
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, vip);
      const lists = () =>
        api.requests.filter(({ path, query }) =>
          path === "/api/v1/services" && query["watch"] === undefined
        ).length;
      const before = lists();
      // Something else happened since: the version to go on from is among those forgotten.
      await stage.layLease("unrelated");
      api.store.compact();
      api.closeConnections();
      await until("listed again", () => Promise.resolve(lists() > before || undefined));
      await stage.served(await stage.createService({ addresses: late }), late);
      stage.assertStayed(vip);
    },
  },
  {
    name: "429 with Retry-After on a status: obeyed, and no announcement waits",
    async run(stage) {
      const { api } = stage.world.plane;
      const [vip, other] = [stage.freshVip(), stage.freshVip()];
      await stage.startAgent(stage.nodes[0]!);
      const isWrite = ({ method, path }: { method: string; path: string }) =>
        method === "PATCH" && path.endsWith("/services/slowed/status");
      api.faults.add({
        kind: "answer",
        status: 429,
        retryAfterSeconds: 2,
        method: "PATCH",
        path: /\/services\/slowed\/status/,
      });
      const slowed = await stage.createService({ name: "slowed", addresses: vip });
      // Announced without waiting for the status.
      await stage.world.sniffer.waitForClaim(vip, DEADLINE_MS);
      const service = await stage.createService({ addresses: other });
      await stage.world.sniffer.waitForClaim(other, DEADLINE_MS);
      // The server asked for a pause, so no status is written before its end.
      await stage.served(service, other);
      await stage.served(slowed, vip);
      const [refused, accepted, ...more] = api.requests.filter(isWrite);
      assert.deepEqual([refused?.status, accepted?.status, more], [429, 200, []]);
      assert.ok(accepted!.at - refused!.at >= 2000, "sooner than Retry-After says");
    },
  },
  {
    name: "failing requests for Services: renewals do not wait for them",
    async run(stage) {
      const { api } = stage.world.plane;
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      await stage.startAgents(stage.nodes.slice(0, 2));
      await stage.served(service, vip);
      const silence = api.faults.add({ kind: "silence", path: /services|events/, count: 1000 });
      stage.defer(() => Promise.resolve(silence.remove()));
      api.closeConnections();
      const { spec } = await stage.readLease();
      const afterMs = nowMs() + LEASE_SECONDS * 1000;
      await stage.waitForLease(
        "is renewed for longer than it lasts",
        (lease) => nowMs() > afterMs && lease.spec?.renewTime !== spec?.renewTime,
      );
      stage.assertStayed(vip);
      silence.remove();
    },
  },
];
