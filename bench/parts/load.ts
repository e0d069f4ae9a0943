import { nowMs } from "../../tests/lab/clock.ts";
import { ClassvipTeam } from "../classvip_team.ts";
import { type Ground, rest } from "../ground.ts";
import { countByKind, type Request } from "../requests.ts";
import type { Check, Measurement } from "../result.ts";
import { manyVips } from "../many_vips.ts";
import type { Part } from "./part.ts";

/** The bursts of announcements are over. */
const SETTLE_MS = 2000;
/** One round: a multiple of the renewal's interval. */
const ROUND_MS = 7500;
const LEASE_REQUESTS_PER_SECOND = 0.7;
const SERVICES = [1, 500];

/** What an idle classvip asks of the API server. */
export const load: Part = {
  name: "load",
  rounds: { normal: 8, short: 1 },
  async measure(ground, rounds) {
    await using team = await ClassvipTeam.create(ground);
    for (const node of ground.lab.nodes) await team.join(node);
    const measurements: Measurement[] = [];
    const checks: Check[] = [];
    const notes: string[] = [];
    let services = 0;
    for (const count of SERVICES) {
      const more = manyVips(count).slice(services);
      await team.createServices(more);
      services = count;
      await team.shown(count);
      await rest(SETTLE_MS);
      const what = `Lease requests by the busiest node, ${count} Services`;
      const { seconds, requests } = await listen(ground, rounds);
      const leases = requests.filter(({ resource }) => resource === "leases");
      const rate = busiest(leases) / seconds;
      measurements.push({
        part: this.name,
        what,
        subject: team.name,
        unit: "1/s",
        samples: [rate],
        bound: { p99: LEASE_REQUESTS_PER_SECOND },
      });
      checks.push({
        part: this.name,
        what,
        // A request more or less fits into the time, depending on where it begins, and one may be
        // answered too late by a busy machine and be asked again.
        ok: rate <= LEASE_REQUESTS_PER_SECOND + 2 / seconds,
        detail: `${busiest(leases)} in ${seconds.toFixed(0)} s`,
      });
      const kinds = countByKind(requests).map(([kind, count]) => `${count} ${kind}`).join(", ");
      notes.push(`load, ${count} Services, all three nodes, ${seconds.toFixed(0)} s: ${kinds}`);
    }
    return { measurements, checks, notes };
  },
};

async function listen(
  ground: Ground,
  rounds: number,
): Promise<{ seconds: number; requests: readonly Request[] }> {
  const before = (await ground.requests.read()).length;
  const beganMs = nowMs();
  await rest(ROUND_MS * rounds);
  const seconds = (nowMs() - beganMs) / 1000;
  const requests = (await ground.requests.read()).slice(before);
  // The API server renews a Lease of its own.
  const nodes = requests.filter(({ sourceIp }) => sourceIp !== ground.lab.gatewayIp);
  return { seconds, requests: nodes };
}

/** @returns the requests of the node that sent most. */
function busiest(requests: readonly Request[]): number {
  const groups = Map.groupBy(requests, ({ sourceIp }) => sourceIp);
  return Math.max(0, ...[...groups.values()].map(({ length }) => length));
}
