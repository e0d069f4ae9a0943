import { nowMs } from "../../tests/lab/clock.ts";
import { ClassvipTeam } from "../classvip_team.ts";
import { rest } from "../ground.ts";
import { isOneOfMany, manyVips } from "../many_vips.ts";
import { resident } from "../memory.ts";
import { countByKind, isWrite } from "../requests.ts";
import type { Part } from "./part.ts";

const VIPS = 1000;
/** The bursts of announcements are over. */
const SETTLE_MS = 6000;
const MOVE_DEADLINE_MS = 10_000;
/** Requests that a take-over causes have been sent by then. */
const AFTERMATH_MS = 3000;

/** A thousand VIPs of one holder. */
export const many: Part = {
  name: "many",
  rounds: { normal: 5, short: 1 },
  async measure(ground, rounds) {
    await using team = await ClassvipTeam.create(ground);
    const vips = manyVips(VIPS);
    await team.createServices(vips);
    for (const node of ground.lab.nodes) await team.join(node);
    await team.shown(VIPS);
    const firsts: number[] = [];
    const lasts: number[] = [];
    const memory: number[] = [];
    const kinds: string[] = [];
    let serviceWrites = 0;
    let leftovers = 0;
    for (let i = 0; i < rounds; i++) {
      await rest(SETTLE_MS);
      const counts = await Promise.all(ground.lab.nodes.map(async (node) => ({
        node,
        held: (await node.addresses()).filter(({ ip }) => isOneOfMany(ip)).length,
      })));
      const old = counts.toSorted((a, b) => b.held - a.held)[0]!.node;
      memory.push((await resident(team.agent(old).pid)).totalMb);
      const before = (await ground.requests.read()).length;
      const from = ground.sniffer.frames.length;
      const sentMs = nowMs();
      const ended = team.end(old, "SIGTERM");
      const announced = new Map<string, number>();
      let seen = from;
      await ground.sniffer.waitFor(
        () => {
          const { frames } = ground.sniffer;
          for (; seen < frames.length; seen++) {
            const { gratuitous, senderIp, senderMac, atMs } = frames[seen]!;
            if (!gratuitous || senderMac === old.mac || !isOneOfMany(senderIp)) continue;
            if (!announced.has(senderIp)) announced.set(senderIp, atMs);
          }
          return announced.size === VIPS;
        },
        MOVE_DEADLINE_MS,
        from,
      );
      const times = [...announced.values()];
      firsts.push(Math.min(...times) - sentMs);
      lasts.push(Math.max(...times) - sentMs);
      await ended;
      leftovers += (await old.addresses()).filter(({ ip }) => isOneOfMany(ip)).length;
      await rest(AFTERMATH_MS);
      const requests = (await ground.requests.read()).slice(before).filter(isWrite);
      kinds.push(countByKind(requests).map(([kind, count]) => `${count} ${kind}`).join(", "));
      serviceWrites += requests.filter(({ resource }) => resource.startsWith("services")).length;
      await team.join(old);
    }
    const common = { part: this.name, subject: team.name, unit: "ms" } as const;
    return {
      measurements: [
        { ...common, what: `SIGTERM → first of ${VIPS} VIPs announced`, samples: firsts },
        {
          ...common,
          what: `SIGTERM → last of ${VIPS} VIPs announced`,
          samples: lasts,
          bound: { p99: 500 },
        },
        { ...common, what: `resident, holder of ${VIPS} VIPs`, unit: "MB", samples: memory },
      ],
      checks: [
        {
          part: this.name,
          what: "a handover writes nothing to Services",
          ok: serviceWrites === 0,
          detail: `${serviceWrites} writes in ${rounds} handovers`,
        },
        {
          part: this.name,
          what: "the old holder has none of the addresses",
          ok: leftovers === 0,
          detail: `${leftovers} left`,
        },
      ],
      notes: [
        `many: writes to the API server within ${AFTERMATH_MS / 1000} s: ${kinds.join("; ")}`,
      ],
    };
  },
};
