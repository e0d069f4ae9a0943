import type { Child } from "../../tests/lab/child.ts";
import type { LabHost } from "../../tests/lab/host.ts";
import type { Ground } from "../ground.ts";
import { rest } from "../ground.ts";
import type { Team } from "../team.ts";

export interface KeepalivedOptions {
  /** `advert_int`. */
  readonly advertSeconds: number;
  /** Of the first node, the others have one less each; 100 as in the sample configurations. */
  readonly priority: number;
  readonly routerId: number;
}

/** From the start to standing by. */
const START_MS = 2500;

/** keepalived (VRRP) on each node, without failback like classvip. */
export class KeepalivedTeam implements Team {
  readonly name: string;
  readonly cleansUp = false;
  readonly patienceMs = 30_000;
  readonly vip: string;
  readonly #ground: Ground;
  readonly #options: KeepalivedOptions;
  readonly #children = new Map<string, Child<unknown>>();

  private constructor(ground: Ground, options: KeepalivedOptions) {
    const { advertSeconds, priority } = options;
    this.name = `keepalived ${advertSeconds} s${priority === 100 ? "" : ` priority ${priority}`}`;
    this.vip = ground.freshVip();
    this.#ground = ground;
    this.#options = options;
  }

  /** @returns its version, or undefined where it is not installed. */
  static async version(): Promise<string | undefined> {
    try {
      const { stderr } = await new Deno.Command("keepalived", { args: ["--version"] }).output();
      return /Keepalived v([\d.]+)/.exec(new TextDecoder().decode(stderr))?.[1];
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  static async serving(ground: Ground, options: KeepalivedOptions): Promise<KeepalivedTeam> {
    const team = new KeepalivedTeam(ground, options);
    await Promise.all(ground.lab.nodes.map((node) => team.join(node)));
    return team;
  }

  async join(node: LabHost): Promise<void> {
    const { advertSeconds, priority, routerId } = this.#options;
    // Its own files for each run: a killed one leaves them, and keepalived takes them for its own.
    const path = `${this.#ground.dir}/keepalived-${crypto.randomUUID()}`;
    // Version 3 of VRRP: version 2 knows whole seconds only.
    await Deno.writeTextFile(
      `${path}.conf`,
      `global_defs {
  router_id ${node.name}
  vrrp_version 3
}
vrrp_instance bench {
  state BACKUP
  nopreempt
  interface ${node.interface}
  virtual_router_id ${routerId}
  priority ${priority - this.#ground.lab.nodes.indexOf(node)}
  advert_int ${advertSeconds}
  virtual_ipaddress {
    ${this.vip}/32
  }
}
`,
    );
    const child = node.spawn([
      "keepalived",
      "--dont-fork",
      "--log-console",
      "--vrrp",
      `--use-file=${path}.conf`,
      `--pid=${path}.pid`,
      `--vrrp_pid=${path}.vrrp.pid`,
    ]);
    this.#children.set(node.name, child);
    await rest(START_MS + advertSeconds * 4000);
    if (child.ended) throw new Error(`keepalived ended:\n${child.text}`);
  }

  /** SIGKILL goes to all of its processes: the crash of a node's keepalived as a whole. */
  async end(node: LabHost, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#children.get(node.name)!;
    if (signal === "SIGKILL") {
      // The VRRP process is a child of the one that was started.
      const children = await Deno.readTextFile(`/proc/${child.pid}/task/${child.pid}/children`);
      // First, or it hears of its parent's death and says good-bye.
      for (const pid of children.trim().split(" ").filter(Boolean)) Deno.kill(Number(pid), signal);
      child.signal(signal);
    } else {
      child.signal(signal);
    }
    await child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.values()) child.signal("SIGTERM");
    await Promise.all([...this.#children.values()].map((child) => child.status));
  }
}
