import { classvipCommand } from "../../tests/lab/agent.ts";
import { AddressWatch } from "../../tests/lab/invariants.ts";
import { ClassvipTeam } from "../classvip_team.ts";
import { rest } from "../ground.ts";
import { resident } from "../memory.ts";
import type { Measurement } from "../result.ts";
import type { Part } from "./part.ts";

const DEADLINE_MS = 15_000;
/** Memory is looked at when the agent has served for this long, and then every second. */
const SERVING_MS = 3000;
const LOOK_MS = 1000;

/** What the program takes: disk, time to start, memory. */
export const footprint: Part = {
  name: "footprint",
  rounds: { normal: 20, short: 3 },
  async measure(ground, rounds) {
    const common = { part: this.name, subject: "classvip" };
    const measurements: Measurement[] = [];
    const [program = "", ...args] = await classvipCommand();
    if (args.length === 0) {
      const { size } = await Deno.stat(program);
      measurements.push({
        ...common,
        what: "size of the program",
        unit: "MB",
        samples: [size / 1e6],
        bound: { p99: 95 },
      });
    }
    const starts: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const beganMs = performance.now();
      await new Deno.Command(program, { args: [...args, "version"] }).output();
      starts.push(performance.now() - beganMs);
    }
    measurements.push({
      ...common,
      what: "start to the end of `version`",
      unit: "ms",
      samples: starts,
      bound: { median: 150 },
    });
    await using team = await ClassvipTeam.serving(ground);
    await using watch = await AddressWatch.start(ground.lab.nodes);
    const { host } = await watch.waitForHolder(team.vip, DEADLINE_MS);
    await rest(SERVING_MS);
    const looks = [];
    for (let i = 0; i < rounds; i++) {
      await rest(LOOK_MS);
      looks.push(
        await Promise.all(ground.lab.nodes.map(async (node) => ({
          role: node.name === host ? "holder" : "standby",
          ...await resident(team.agent(node).pid),
        }))),
      );
    }
    for (const role of ["holder", "standby"]) {
      const of = looks.flat().filter((look) => look.role === role);
      const bound = { p99: 70 };
      measurements.push(
        {
          ...common,
          what: `resident, ${role}`,
          unit: "MB",
          samples: of.map(({ totalMb }) => totalMb),
          bound,
        },
        {
          ...common,
          what: `resident, ${role}: its own (RssAnon)`,
          unit: "MB",
          samples: of.map(({ anonymousMb }) => anonymousMb),
        },
        {
          ...common,
          what: `resident, ${role}: of files (RssFile)`,
          unit: "MB",
          samples: of.map(({ fileMb }) => fileMb),
        },
      );
    }
    return { measurements, checks: [] };
  },
};
