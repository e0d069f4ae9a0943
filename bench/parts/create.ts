import { nowMs } from "../../tests/lab/clock.ts";
import { ClassvipTeam } from "../classvip_team.ts";
import { rest } from "../ground.ts";
import type { Part } from "./part.ts";

const DEADLINE_MS = 15_000;
const PAUSE_MS = 200;

/** A new Service. */
export const create: Part = {
  name: "create",
  rounds: { normal: 50, short: 10 },
  async measure(ground, rounds) {
    await using team = await ClassvipTeam.serving(ground);
    const samples: number[] = [];
    for (let i = 0; i < rounds; i++) {
      await rest(PAUSE_MS);
      const vip = ground.freshVip();
      const sentMs = nowMs();
      await team.createService(`created-${i}`, vip);
      const answeredMs = nowMs();
      const claim = await ground.sniffer.waitForClaim(vip, DEADLINE_MS, { sinceMs: sentMs });
      samples.push(claim.atMs - answeredMs);
    }
    return {
      measurements: [{
        part: this.name,
        what: "API server's answer → first frame",
        subject: team.name,
        unit: "ms",
        samples,
        bound: { median: 20 },
      }],
      checks: [],
    };
  },
};
