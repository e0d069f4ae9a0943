import { AddressWatch } from "../../tests/lab/invariants.ts";
import { atMost, goneBefore } from "../checks.ts";
import { ClassvipTeam } from "../classvip_team.ts";
import type { Ground } from "../ground.ts";
import { KeepalivedTeam } from "../peers/keepalived.ts";
import { Prober } from "../prober.ts";
import type { Check, Measurement } from "../result.ts";
import { type Move, moves } from "../rounds.ts";
import type { Ending, Team } from "../team.ts";
import type { Part } from "./part.ts";

const KEY_BYTES = 32;
/** A round of keepalived takes twice as long as one of classvip, and they differ less. */
const ROUNDS_PER_PEERS_ONE = 4;
/** How many times keepalived's a take-over may take: a standby of classvip needs the processor. */
const MOST = 3;
const CRASHES: [Ending, string][] = [
  ["SIGKILL", "crash of the agent"],
  ["node", "crash of the node"],
];

/** Fast mode: the agent is killed, or its whole node; and keepalived as quick as it can be. */
export const fast: Part = {
  name: "fast",
  rounds: { normal: 24, short: 2 },
  async measure(ground, rounds) {
    const own = await crashes(ground, await fastTeam(ground), rounds);
    const peer = await KeepalivedTeam.version() === undefined ? undefined : await crashes(
      ground,
      await KeepalivedTeam.serving(ground, { advertSeconds: 0.1, priority: 254, routerId: 54 }),
      Math.ceil(rounds / ROUNDS_PER_PEERS_ONE),
    );
    const measurements: Measurement[] = [];
    const checks: Check[] = [];
    for (const [ending, crash] of CRASHES) {
      const ours = own.moves.get(ending)!;
      const common = {
        part: this.name,
        what: `${crash} → first frame of the next`,
        unit: "ms",
      } as const;
      const samples = ours.map(({ firstMs }) => firstMs);
      measurements.push({
        ...common,
        subject: own.name,
        samples,
        bound: { median: 250, p99: 400 },
      });
      const subject = { part: this.name, what: crash };
      checks.push(goneBefore(subject, ours));
      if (peer === undefined) continue;
      const theirs = peer.moves.get(ending)!.map(({ firstMs }) => firstMs);
      measurements.push({ ...common, subject: peer.name, samples: theirs });
      checks.push(atMost(subject, samples, MOST, { name: peer.name, samples: theirs }));
    }
    return { measurements, checks };
  },
};

async function fastTeam(ground: Ground): Promise<ClassvipTeam> {
  const key = `${ground.dir}/beacon-key`;
  await Deno.writeFile(key, crypto.getRandomValues(new Uint8Array(KEY_BYTES)), { mode: 0o600 });
  return await ClassvipTeam.serving(ground, ["--fastFailover", `--beaconKeyFile=${key}`]);
}

/** A team alone on the nodes, since a node's crash concerns all that is there. Ends the team. */
async function crashes(
  ground: Ground,
  team: Team,
  rounds: number,
): Promise<{ name: string; moves: Map<Ending, Move[]> }> {
  await using _team = team;
  await using watch = await AddressWatch.start(ground.lab.nodes);
  await using prober = await Prober.start(ground.lab.client, team.vip);
  const made = new Map<Ending, Move[]>();
  for (const [ending] of CRASHES) {
    made.set(ending, await moves({ ground, prober, watch }, team, ending, rounds));
  }
  return { name: team.name, moves: made };
}
