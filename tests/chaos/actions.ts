import { HANDOVER_ANNOTATION } from "../../lib/election/lease_record.ts";
import { RealPlane } from "../cluster/real_plane.ts";
import type { ApiServer } from "../lab/api/server.ts";
import type { Fault as ServerFault, Matcher } from "../lab/api/faults.ts";
import { rest } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import type { Ground } from "./ground.ts";
import type { Kind, Step } from "./schedule.ts";

/** A request of the lab itself may meet the fault that it is to cause. */
const HAND_MS = 2000;
/** Nobody counts how often these happen. */
const ALWAYS = 1e6;
const LEASE_WRITES = { method: "PUT", path: /leases/ } as const;
const LEASE_WATCHES = { path: /leases.*watch=/ } as const;
/** Longer than a request's deadline, so that its sender has given up; shorter than the Lease. */
const LATE_MS = 1200;

/** What ends a fault; what it says belongs to the fault's label. */
export interface Begun {
  readonly note?: string;
  readonly flushed?: string;
  end(): Promise<void>;
}

const OVER: Begun = { end: () => Promise.resolve() };

/** Does things to the lab. */
export class Actions {
  readonly #ground: Ground;
  /** By how many faults a node is cut off. */
  readonly #cuts = new Map<LabHost, { count: number; changed: Promise<void> }>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** Begins a fault. @returns undefined when there was nothing to do it to */
  async begin({ kind, nodes: indexes }: Step): Promise<Begun | undefined> {
    const { lab } = this.#ground;
    const nodes = indexes.map((index) => lab.nodes[index]!);
    const [node] = nodes as [LabHost];
    switch (kind) {
      case "SIGKILL":
        await this.#ground.agent(node).kill();
        return { end: () => this.#ground.start(node) };
      case "SIGTERM":
        await this.#ground.agent(node).terminate();
        return { end: () => this.#ground.start(node) };
      case "SIGSTOP": {
        const agent = this.#ground.agent(node);
        agent.stop();
        return { end: () => Promise.resolve(agent.cont()) };
      }
      case "API cut off":
        return await this.#cut(nodes);
      case "API cut off from all":
        return await this.#cut(lab.nodes);
      case "API server restarts":
        await this.#ground.plane.stop();
        return { end: () => this.#ground.plane.start() };
      case "link down":
        await node.linkDown();
        return { end: () => node.linkUp() };
      case "partition":
        await Promise.all(nodes.map((node) => node.plugInto("lab-cut")));
        return {
          end: async () => {
            await Promise.all(nodes.map((node) => node.plugInto(lab.bridge)));
          },
        };
      case "segment cut":
        await Promise.all(lab.nodes.map((node) => node.isolate()));
        return {
          end: async () => void await Promise.all(lab.nodes.map((node) => node.isolate(false))),
        };
      case "wall clock wrong": {
        const { clocks } = this.#ground;
        clocks!.set(node.name, true);
        return { end: () => Promise.resolve(clocks!.set(node.name, false)) };
      }
      case "address flushed":
        return await this.#flush(node);
      case "Lease deleted":
      case "Lease emptied":
      case "Lease given to nobody known":
      case "Lease edited to nonsense":
      case "Lease moved":
        return await this.#editLease(kind, node);
      default:
        return this.#server(kind);
    }
  }

  async #cut(nodes: readonly LabHost[]): Promise<Begun> {
    await Promise.all(nodes.map((node) => this.#changeCuts(node, 1)));
    return {
      end: async () => {
        await Promise.all(nodes.map((node) => this.#changeCuts(node, -1)));
      },
    };
  }

  /** One change of a node after another: each is several commands. */
  #changeCuts(node: LabHost, by: 1 | -1): Promise<void> {
    const { count, changed } = this.#cuts.get(node) ?? { count: 0, changed: Promise.resolve() };
    const change = changed.then(async () => {
      if (count === 0) await node.cutApi();
      if (count + by === 0) await node.restoreApi();
    });
    this.#cuts.set(node, { count: count + by, changed: change });
    return change;
  }

  async #flush(node: LabHost): Promise<Begun | undefined> {
    const { vips, watch } = this.#ground;
    const flushed = vips.find((vip) =>
      watch.holdings.holders(vip).some(({ host }) => host === node.name)
    );
    if (flushed === undefined) return undefined;
    try {
      await node.exec(["ip", "address", "del", `${flushed}/32`, "dev", node.interface]);
    } catch {
      return undefined;
    }
    return { ...OVER, flushed, note: flushed };
  }

  async #editLease(kind: Kind, node: LabHost | undefined): Promise<Begun | undefined> {
    const { kube, lease } = this.#ground;
    const edit = () => {
      switch (kind) {
        case "Lease deleted":
          return kube.delete("Lease", lease);
        case "Lease emptied":
          return kube.patch("Lease", lease, { spec: { holderIdentity: null } });
        case "Lease given to nobody known":
          return kube.patch("Lease", lease, { spec: { holderIdentity: "somebody" } });
        case "Lease moved": {
          const annotations = { [HANDOVER_ANNOTATION]: node!.name };
          return kube.patch("Lease", lease, { metadata: { annotations } });
        }
        default:
          return kube.patch("Lease", lease, {
            metadata: { annotations: { "classvip.io/incarnation": "?" } },
            spec: { leaseDurationSeconds: 1, leaseTransitions: 0, renewTime: null },
          });
      }
    };
    const late = AbortSignal.timeout(HAND_MS);
    const lost = new Promise<never>((_, reject) => {
      late.addEventListener("abort", () => reject(late.reason), { once: true });
    });
    // What fails now is not waited for: another fault is in the way, or the Lease is gone.
    return await Promise.race([edit(), lost]).then(() => OVER, () => undefined);
  }

  #server(kind: Kind): Begun | undefined {
    const { plane } = this.#ground;
    if (plane instanceof RealPlane) return undefined;
    const { api } = plane;
    switch (kind) {
      case "API slow":
        return plan(api, { kind: "delay", ms: 150, count: ALWAYS });
      case "API stalls":
        return plan(api, { kind: "silence", count: ALWAYS });
      case "API errors":
        return plan(api, { kind: "answer", status: 503, retryAfterSeconds: 1, count: ALWAYS });
      case "answers lost":
        return plan(api, { kind: "applyThenSilence", count: 2, ...LEASE_WRITES });
      case "writes applied late":
        return plan(api, { kind: "applyLate", ms: LATE_MS, count: 2, ...LEASE_WRITES }, LATE_MS);
      case "writes applied twice":
        return plan(api, { kind: "applyTwice", ms: LATE_MS, count: 3, ...LEASE_WRITES }, LATE_MS);
      case "watches stale": {
        const resourceVersion = Math.max(1, api.store.resourceVersion - 5);
        const begun = plan(api, { kind: "stale", resourceVersion, count: 5, ...LEASE_WATCHES });
        api.closeConnections();
        return begun;
      }
      case "watches mute":
        return plan(api, { kind: "mute", count: 2, ...LEASE_WATCHES });
      case "connections reset":
        api.closeConnections();
        return OVER;
      default:
        throw new TypeError(`Nothing is known of "${kind}"`);
    }
  }
}

/** @param restMs what it did goes on for so long */
function plan(api: ApiServer, fault: ServerFault & Matcher, restMs = 0): Begun {
  const planned = api.faults.add(fault);
  return {
    end: async () => {
      planned.remove();
      await rest(restMs);
    },
  };
}
