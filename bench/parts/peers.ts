import { AddressWatch } from "../../tests/lab/invariants.ts";
import { atMost, neverTwo } from "../checks.ts";
import { ClassvipTeam } from "../classvip_team.ts";
import type { Ground } from "../ground.ts";
import { KeepalivedTeam } from "../peers/keepalived.ts";
import { KubeVipTeam } from "../peers/kube_vip.ts";
import { Prober } from "../prober.ts";
import type { Check, Measurement } from "../result.ts";
import { type Move, move } from "../rounds.ts";
import type { Team } from "../team.ts";
import type { Part } from "./part.ts";

/**
 * How many times theirs a handover of classvip may take. keepalived waits for its own timers,
 * whatever else the machine does, classvip for the API server's disk: so the quicker one has room.
 */
const MOST: Record<string, number> = { "keepalived 1 s": 1, "keepalived 0.1 s": 5 };

/** The same two scenarios for classvip and for those peers that are there, in turn. */
export const peers: Part = {
  name: "peers",
  rounds: { normal: 5, short: 2 },
  async measure(ground, rounds) {
    await using stack = new AsyncDisposableStack();
    const notes: string[] = [];
    const teams: Team[] = [];
    for (const team of await present(ground, notes)) teams.push(stack.use(team));
    if (teams.length === 0) return { measurements: [], checks: [], notes };
    teams.unshift(stack.use(await ClassvipTeam.serving(ground)));
    const watch = stack.use(await AddressWatch.start(ground.lab.nodes));
    const probers = new Map<Team, Prober>();
    for (const team of teams) {
      probers.set(team, stack.use(await Prober.start(ground.lab.client, team.vip)));
    }
    const measurements: Measurement[] = [];
    const checks: Check[] = [];
    const joined = new Map<Team, Promise<void>>();
    const ownMoves: Move[] = [];
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const count = signal === "SIGTERM" ? rounds : Math.ceil(rounds / 2);
      const moves = new Map<Team, Move[]>(teams.map((team) => [team, []]));
      for (let i = 0; i < count; i++) {
        for (const team of teams) {
          const prober = probers.get(team)!;
          await joined.get(team);
          const made = await move({ ground, prober, watch }, team, signal);
          moves.get(team)!.push(made);
          joined.set(team, made.joined);
        }
      }
      const own = moves.get(teams[0]!)!.map(({ firstMs }) => firstMs);
      ownMoves.push(...moves.get(teams[0]!)!);
      for (const [team, made] of moves) {
        const common = { part: this.name, subject: team.name, unit: "ms" } as const;
        const samples = made.map(({ firstMs }) => firstMs);
        measurements.push({ ...common, what: `${signal} → first frame of the next`, samples });
        const most = signal === "SIGTERM" && MOST[team.name];
        if (most) {
          checks.push(
            atMost({ part: this.name, what: signal }, own, most, { name: team.name, samples }),
          );
        }
        const stays = made.filter(({ goneMs }) => goneMs === undefined).length;
        const twice = made.filter(({ twoOwners }) => twoOwners).length;
        notes.push(
          `peers: ${team.name}, ${signal}: in ${stays} of ${count} rounds the old address ` +
            `stayed, in ${twice} two nodes had it`,
        );
      }
    }
    await Promise.all(joined.values());
    checks.push(neverTwo({ part: this.name, what: "classvip" }, ownMoves));
    return { measurements, checks, notes };
  },
};

/** Starts them all at the same time. */
async function present(ground: Ground, notes: string[]): Promise<Team[]> {
  const starting: Promise<Team>[] = [];
  const version = await KeepalivedTeam.version();
  if (version === undefined) {
    notes.push("peers: keepalived is not installed here, it is left out");
  } else {
    notes.push(`peers: keepalived ${version}`);
    const settings = [[1, 100, 51], [0.1, 100, 52], [0.1, 254, 53]] as const;
    for (const [advertSeconds, priority, routerId] of settings) {
      starting.push(KeepalivedTeam.serving(ground, { advertSeconds, priority, routerId }));
    }
  }
  const program = Deno.env.get("KUBE_VIP");
  if (!program) {
    notes.push("peers: KUBE_VIP names no kube-vip program, it is left out");
    return await Promise.all(starting);
  }
  const times = [[15, 10, 2], [5, 3, 1]] as const;
  for (const [i, [leaseSeconds, renewSeconds, retrySeconds]] of times.entries()) {
    const port = 2112 + i;
    const options = { program, leaseSeconds, renewSeconds, retrySeconds, port };
    starting.push(KubeVipTeam.serving(ground, options));
  }
  return await Promise.all(starting);
}
