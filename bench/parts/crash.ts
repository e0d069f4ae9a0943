import { AddressWatch } from "../../tests/lab/invariants.ts";
import { goneBefore } from "../checks.ts";
import { ClassvipTeam, LEASE_MS } from "../classvip_team.ts";
import { rest } from "../ground.ts";
import { Prober } from "../prober.ts";
import { type Move, moves } from "../rounds.ts";
import type { Part } from "./part.ts";

/** SIGKILL: a holder that ends without a word. */
export const crash: Part = {
  name: "crash",
  rounds: { normal: 10, short: 1 },
  async measure(ground, rounds) {
    await using team = await ClassvipTeam.serving(ground);
    await using watch = await AddressWatch.start(ground.lab.nodes);
    await using prober = await Prober.start(ground.lab.client, team.vip);
    const made: Move[] = [];
    for (let i = 0; i < rounds; i++) {
      // Somewhere between two renewals, and not always at the same place.
      await rest(LEASE_MS * 0.3 * i / rounds);
      made.push(...await moves({ ground, prober, watch }, team, "SIGKILL", 1));
    }
    const common = { part: this.name, subject: team.name, unit: "ms" } as const;
    const gone = made.flatMap(({ goneMs }) => goneMs ?? []);
    return {
      measurements: [
        ...(gone.length > 0
          ? [{ ...common, what: "SIGKILL → the old address is gone", samples: gone }]
          : []),
        {
          ...common,
          what: "SIGKILL → first frame of the next",
          samples: made.map(({ firstMs }) => firstMs),
          bound: { p99: 5500 },
        },
      ],
      checks: [goneBefore({ part: this.name, what: "SIGKILL" }, made)],
    };
  },
};
