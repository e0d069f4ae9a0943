import type { Agent } from "../lab/agent.ts";
import type { ArpFrame } from "../lab/arp_frames.ts";
import { rest } from "../lab/clock.ts";
import type { LabHost } from "../lab/host.ts";
import { get, portOf } from "./process.ts";
import { DEADLINE_MS, type Stage, type StageAgentOptions } from "./stage.ts";

export const LEASE_MS = 5000;
/** A standby has heard the holder, and the holder's standbys have said that they are there. */
export const SETTLE_MS = 1200;

/** Agents with fast failover, by node. */
export class FastTeam {
  readonly agents = new Map<string, Agent>();

  private constructor(readonly stage: Stage, readonly key: string) {}

  static async create(stage: Stage): Promise<FastTeam> {
    return new FastTeam(stage, await writeKey(stage, "key"));
  }

  async start(
    node: LabHost,
    { key = this.key, ...options }: Partial<StageAgentOptions> & { key?: string } = {},
  ): Promise<Agent> {
    const agent = await this.stage.startAgent(node, {
      leaseSeconds: LEASE_MS / 1000,
      flags: ["--fastFailover", `--beaconKeyFile=${key}`],
      ...options,
    });
    this.agents.set(node.name, agent);
    return agent;
  }

  /** @returns a VIP that the nodes serve; the first holds it. */
  async serving(nodes: readonly LabHost[], options?: Partial<StageAgentOptions>): Promise<string> {
    const vip = this.stage.freshVip();
    const service = await this.stage.createService({ addresses: vip });
    for (const node of nodes) {
      const agent = await this.start(node, options);
      await agent.joined(DEADLINE_MS);
    }
    await this.stage.served(service, vip);
    await rest(SETTLE_MS);
    return vip;
  }

  holder(vip: string): LabHost {
    const [holding] = this.stage.world.watch.holdings.holders(vip);
    return this.stage.nodes.find(({ name }) => name === holding?.host)!;
  }

  agentOn(node: LabHost): Agent {
    return this.agents.get(node.name)!;
  }

  /** The first frame by which another node than this one claims the address. */
  claimOfAnother(vip: string, old: LabHost, sinceMs: number): Promise<ArpFrame> {
    const { sniffer } = this.stage.world;
    return sniffer.waitFor(
      ({ gratuitous, senderIp, senderMac, atMs }) =>
        gratuitous && senderIp === vip && senderMac !== old.mac && atMs > sinceMs,
      DEADLINE_MS,
      sniffer.frames.length,
    );
  }
}

/** @returns the path of a new key. */
export async function writeKey(
  stage: Stage,
  name: string,
  { bytes = 32, mode = 0o400 }: { bytes?: number; mode?: number } = {},
): Promise<string> {
  const path = `${stage.world.dir}/${name}-${stage.namespace}`;
  await Deno.writeFile(path, crypto.getRandomValues(new Uint8Array(bytes)), { mode });
  return path;
}

/** @returns the value of the metric whose line begins like this; labels in any order. */
export async function metric(node: LabHost, agent: Agent, wanted: RegExp): Promise<number> {
  const { body } = await get(node, await portOf(agent), "/metrics");
  const line = body.split("\n").find((line) => wanted.test(line));
  return Number(line?.split(" ").at(-1) ?? NaN);
}

/** The counter of beacons that were rejected for this reason. */
export function rejected(reason: string): RegExp {
  return new RegExp(`^classvip_beacons_rejected_total\\{.*reason="${reason}"`);
}
