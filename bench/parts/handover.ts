import { AddressWatch } from "../../tests/lab/invariants.ts";
import { atMost, neverTwo } from "../checks.ts";
import { ClassvipTeam } from "../classvip_team.ts";
import { Prober } from "../prober.ts";
import { LeaseWrites } from "../lease_write.ts";
import { type Move, moves } from "../rounds.ts";
import type { Part } from "./part.ts";

/** So long that connections without a request are given up: a standby's life is nothing else. */
const IDLE_MS = 40_000;
const ROUNDS_PER_IDLE_ONE = 6;

/** The address is away for one write, its way to the next holder, and what that one does then. */
const MOST_WRITES = 6;

/** SIGTERM: a holder that ends as it should. */
export const handover: Part = {
  name: "handover",
  rounds: { normal: 30, short: 5 },
  async measure(ground, rounds) {
    await using team = await ClassvipTeam.serving(ground);
    await using watch = await AddressWatch.start(ground.lab.nodes);
    await using prober = await Prober.start(ground.lab.client, team.vip);
    const observers = { ground, prober, watch };
    const writes = await LeaseWrites.on(ground);
    const made: Move[] = [];
    while (made.length < rounds) {
      made.push(...await moves(observers, team, "SIGTERM", 1));
      await writes.measure();
    }
    const idleRounds = Math.floor(rounds / ROUNDS_PER_IDLE_ONE);
    const idle = await moves(observers, team, "SIGTERM", idleRounds, IDLE_MS);
    const common = { part: this.name, subject: team.name, unit: "ms" } as const;
    return {
      measurements: [
        {
          ...common,
          what: "SIGTERM → first frame of the next",
          samples: made.map(({ firstMs }) => firstMs),
          bound: { median: 40 },
        },
        {
          ...common,
          what: "last of the old on the wire → first frame of the next",
          samples: made.map(({ gapMs }) => gapMs),
          bound: { median: 25, p99: 60 },
        },
        ...(idle.length > 0
          ? [{
            ...common,
            what: `the same, after ${IDLE_MS / 1000} s of rest`,
            samples: idle.map(({ gapMs }) => gapMs),
          }]
          : []),
        { ...common, what: "a write of a Lease, alone", samples: writes.samples },
      ],
      checks: [
        neverTwo({ part: this.name, what: "SIGTERM" }, [...made, ...idle]),
        atMost(
          { part: this.name, what: "last → first" },
          made.map(({ gapMs }) => gapMs),
          MOST_WRITES,
          { name: "a write of a Lease", samples: writes.samples },
        ),
      ],
    };
  },
};
