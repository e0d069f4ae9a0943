import { AddressWatch } from "../../tests/lab/invariants.ts";
import { ClassvipTeam } from "../classvip_team.ts";
import type { Ground } from "../ground.ts";
import { KeepalivedTeam } from "../peers/keepalived.ts";
import { KubeVipTeam } from "../peers/kube_vip.ts";
import { Prober } from "../prober.ts";
import type { Measurement } from "../result.ts";
import { type Move, move } from "../rounds.ts";
import type { Team } from "../team.ts";
import type { Part } from "./part.ts";

/** The same two scenarios for classvip and for those peers that are there, in turn. */
export const peers: Part = {
  name: "peers",
  rounds: { normal: 5, short: 1 },
  async measure(ground, rounds) {
    await using stack = new AsyncDisposableStack();
    const notes: string[] = [];
    const teams: Team[] = [];
    for await (const team of present(ground, notes)) teams.push(stack.use(team));
    if (teams.length === 0) return { measurements: [], checks: [], notes };
    teams.unshift(stack.use(await ClassvipTeam.serving(ground)));
    const watch = stack.use(await AddressWatch.start(ground.lab.nodes));
    const probers = new Map<Team, Prober>();
    for (const team of teams) {
      probers.set(team, stack.use(await Prober.start(ground.lab.client, team.vip)));
    }
    const measurements: Measurement[] = [];
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const moves = new Map<Team, Move[]>(teams.map((team) => [team, []]));
      for (let i = 0; i < rounds; i++) {
        for (const team of teams) {
          const prober = probers.get(team)!;
          moves.get(team)!.push(await move({ ground, prober, watch }, team, signal));
        }
      }
      for (const [team, made] of moves) {
        const common = { part: this.name, subject: team.name, unit: "ms" } as const;
        measurements.push({
          ...common,
          what: `${signal} → first frame of the next`,
          samples: made.map(({ firstMs }) => firstMs),
        });
        const stays = made.filter(({ goneMs }) => goneMs === undefined).length;
        const twice = made.filter(({ twoOwners }) => twoOwners).length;
        notes.push(
          `peers: ${team.name}, ${signal}: in ${stays} of ${rounds} rounds the old address ` +
            `stayed, in ${twice} two nodes had it`,
        );
      }
    }
    return { measurements, checks: [], notes };
  },
};

async function* present(ground: Ground, notes: string[]): AsyncGenerator<Team> {
  const version = await KeepalivedTeam.version();
  if (version === undefined) {
    notes.push("peers: keepalived is not installed here, it is left out");
  } else {
    notes.push(`peers: keepalived ${version}`);
    yield await KeepalivedTeam.serving(ground, { advertSeconds: 1, priority: 100, routerId: 51 });
    yield await KeepalivedTeam.serving(ground, { advertSeconds: 0.1, priority: 100, routerId: 52 });
    yield await KeepalivedTeam.serving(ground, { advertSeconds: 0.1, priority: 254, routerId: 53 });
  }
  const program = Deno.env.get("KUBE_VIP");
  if (!program) {
    notes.push("peers: KUBE_VIP names no kube-vip program, it is left out");
    return;
  }
  const times = [[15, 10, 2], [5, 3, 1]] as const;
  for (const [i, [leaseSeconds, renewSeconds, retrySeconds]] of times.entries()) {
    const port = 2112 + i;
    const options = { program, leaseSeconds, renewSeconds, retrySeconds, port };
    yield await KubeVipTeam.serving(ground, options);
  }
}
