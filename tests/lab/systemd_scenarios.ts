import assert from "node:assert/strict";
import type { Scenario } from "../scenarios/scenario.ts";
import { DEADLINE_MS, type Stage } from "../scenarios/stage.ts";
import { rest } from "./clock.ts";
import type { Agent } from "./agent.ts";
import { classvipCommand } from "./agent.ts";
import { NotifyReceiver } from "./notify_receiver.ts";
import { asOrdinaryUser, USER } from "./ordinary_user.ts";

const WATCHDOG_MS = 2000;

/** What the unit in deploy/systemd makes of the program, but for systemd itself. */
export const systemdScenarios: Scenario[] = [
  {
    name: "systemd: READY once it stands, RELOADING, signs of life, STOPPING, as an ordinary user",
    async run(stage) {
      await using unit = await Unit.create(stage);
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const agent = await unit.start();
      await unit.said(/^READY=1$/);
      await stage.served(service, vip);
      await unit.said(/^STATUS=every instance stands/);
      // Its memory holds the token. Whose it is says whether it may be dumped, proc(5).
      const owner = (path: string) => Deno.statSync(`/proc/${agent.pid}/${path}`).uid;
      assert.match(
        Deno.readTextFileSync(`/proc/${agent.pid}/status`),
        new RegExp(`^Uid:\\t${USER}`, "m"),
      );
      for (const file of ["mem", "environ"]) assert.notEqual(owner(file), USER);

      const reload = unit.mark();
      Deno.kill(agent.pid, "SIGHUP");
      await unit.said(/^RELOADING=1\nMONOTONIC_USEC=\d+$/, reload);
      await unit.said(/^READY=1$/, reload);
      const refused = unit.mark();
      await Deno.writeTextFile(unit.config, "instances: 7\n");
      Deno.kill(agent.pid, "SIGHUP");
      await unit.said(/^READY=1$/, refused);
      await unit.said(/^STATUS=.*settings are refused/, refused);

      const stop = unit.mark();
      assert.equal((await agent.terminate()).code, 0);
      await unit.said(/^STOPPING=1\n/, stop);
      await stage.gone(vip);
    },
  },
  {
    name: "systemd: while the API server is away the STATUS says so, and there is no READY",
    async run(stage) {
      await using unit = await Unit.create(stage);
      await stage.world.plane.stop();
      const agent = await unit.start();
      try {
        await unit.said(/^STATUS=waiting: /);
        await unit.lives();
        assert.deepEqual(unit.states().filter((state) => /^READY=/m.test(state)), []);
      } finally {
        await stage.world.plane.start();
      }
      await unit.said(/^READY=1$/);
      await agent.terminate();
    },
  },
  {
    name: "systemd: no sign of life from a process that hangs; ExecStopPost tidies up after it",
    async run(stage) {
      await using unit = await Unit.create(stage);
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const agent = await unit.start();
      const node = await stage.served(service, vip);
      await unit.lives();
      agent.stop();
      // What was on its way when it stopped.
      await rest(WATCHDOG_MS / 4);
      const before = unit.signs();
      await rest(WATCHDOG_MS);
      assert.equal(unit.signs(), before);
      await agent.kill();
      await stage.gone(vip);

      // Another crash, this time with the address up.
      const crashing = await unit.start();
      await stage.served(service, vip, node);
      await crashing.kill();
      const said = await unit.execStopPost();
      assert.match(said, new RegExp(`withdrew ${vip}\\b`));
      assert.match(said, /released Lease/);
      await stage.waitForLease("is free", (lease) => !lease.spec?.holderIdentity);
      await stage.gone(vip);
    },
  },
];

/** One node's unit: files that its user may read, and a notify socket. */
class Unit implements AsyncDisposable {
  readonly config: string;
  readonly #stage: Stage;
  readonly #folder: string;
  readonly #receiver: NotifyReceiver;

  private constructor(stage: Stage, folder: string) {
    this.#stage = stage;
    this.#folder = folder;
    this.config = `${folder}/classvip.yaml`;
    this.#receiver = new NotifyReceiver(`${folder}/notify`);
  }

  static async create(stage: Stage): Promise<Unit> {
    const folder = await Deno.makeTempDir({ prefix: "classvip-unit-" });
    const unit = new Unit(stage, folder);
    await Deno.chmod(folder, 0o755);
    await Deno.chmod(`${folder}/notify`, 0o666);
    await Deno.copyFile(stage.world.kubeconfig, `${folder}/kubeconfig`);
    await Deno.chmod(`${folder}/kubeconfig`, 0o644);
    await Deno.copyFile((await classvipCommand())[0]!, `${folder}/classvip`);
    await Deno.chmod(`${folder}/classvip`, 0o755);
    await Deno.writeTextFile(
      unit.config,
      JSON.stringify({
        leaseNamespace: stage.namespace,
        leaseDuration: "3s",
        instances: [{ loadBalancerClass: stage.className, leaseName: stage.lease }],
      }),
    );
    return unit;
  }

  /** ExecStart. */
  start(): Promise<Agent> {
    return this.#stage.run(this.#stage.nodes[0]!, {
      kubeconfig: `${this.#folder}/kubeconfig`,
      interface: null,
      command: asOrdinaryUser([`${this.#folder}/classvip`]),
      flags: [`--config=${this.config}`],
      env: {
        NOTIFY_SOCKET: this.#receiver.name,
        WATCHDOG_USEC: String(WATCHDOG_MS * 1000),
      },
    });
  }

  /** ExecStopPost. @returns what it said */
  execStopPost(): Promise<string> {
    const node = this.#stage.nodes[0]!;
    return node.exec(asOrdinaryUser([
      ...["env", "-i"],
      `${this.#folder}/classvip`,
      "release",
      `--config=${this.config}`,
      `--kubeconfig=${this.#folder}/kubeconfig`,
      `--nodeName=${node.name}`,
    ]));
  }

  states(): readonly string[] {
    return this.#receiver.states.items;
  }

  /** For {@linkcode said}: what came before does not count. */
  mark(): number {
    return this.states().length;
  }

  signs(): number {
    return this.states().filter((state) => state === "WATCHDOG=1").length;
  }

  /** Waits for a few signs of life. */
  async lives(): Promise<void> {
    for (let i = 0; i < 3; i++) await this.said(/^WATCHDOG=1$/, this.mark());
  }

  async said(pattern: RegExp, from = 0): Promise<void> {
    await this.#receiver.states.waitFor((state) => pattern.test(state), DEADLINE_MS, from);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#receiver[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
