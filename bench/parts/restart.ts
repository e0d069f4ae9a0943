import { nowMs } from "../../tests/lab/clock.ts";
import { AddressWatch } from "../../tests/lab/invariants.ts";
import { ClassvipTeam } from "../classvip_team.ts";
import { rest } from "../ground.ts";
import type { Part } from "./part.ts";

const DEADLINE_MS = 15_000;
const SETTLE_MS = 1500;

/** SIGKILL, and the agent is started again on the same node at once. */
export const restart: Part = {
  name: "restart",
  rounds: { normal: 10, short: 3 },
  async measure(ground, rounds) {
    await using team = await ClassvipTeam.serving(ground);
    await using watch = await AddressWatch.start(ground.lab.nodes);
    const { host } = await watch.waitForHolder(team.vip, DEADLINE_MS);
    const node = ground.lab.nodes.find(({ name }) => name === host)!;
    const samples: number[] = [];
    for (let i = 0; i < rounds; i++) {
      await rest(SETTLE_MS);
      await team.end(node, "SIGKILL");
      const startedMs = nowMs();
      await team.start(node);
      const claim = await ground.sniffer.waitForClaim(team.vip, DEADLINE_MS, {
        sinceMs: startedMs,
      });
      samples.push(claim.atMs - startedMs);
    }
    await rest(SETTLE_MS);
    const holdings = watch.holdings.of(team.vip);
    return {
      measurements: [{
        part: this.name,
        what: "start → the same node announces again",
        subject: team.name,
        unit: "ms",
        samples,
        bound: { p99: 300 },
      }],
      checks: [{
        part: this.name,
        what: "no other node took the VIP, and it never left",
        ok: holdings.length === 1 && holdings[0]!.open,
        detail: holdings.map(({ host, open }) => `${host}${open ? "" : " (gone)"}`).join(", "),
      }],
    };
  },
};
