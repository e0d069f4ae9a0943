import assert from "node:assert/strict";
import { commandsIn } from "../deploy/shell_commands.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { type Stage, until } from "../scenarios/stage.ts";
import { classvipCommand } from "./agent.ts";
import { Systemd } from "./systemd.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const PLAN = "/etc/classvip/classvip.yaml";
/** CAP_NET_ADMIN and CAP_NET_RAW. */
const CAPABILITIES = "0000000000003000";
/** EXIT_CREDENTIALS in systemd.exec(5). */
const NO_CREDENTIALS = "243";
/** Between two starts with wrong settings, at least. */
const RETRY_US = 9_000_000;

/** deploy/systemd, installed as docs/install-systemd.md says, run by systemd itself. */
export const systemdUnitScenarios: Scenario[] = [
  {
    name:
      "systemd itself: the unit as shipped, installed, reloaded, crashed, hanging, stopped and wrongly set up",
    skip: () => Systemd.whyNot(),
    async run(stage) {
      const [node, other] = stage.nodes;
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      const systemd = await install(stage);
      const show = (property: string) => systemd.show("classvip", property);
      const kill = async (signal: string) =>
        void await systemd.run(`kill -${signal} ${await show("MainPID")}`);
      const said = (what: string) =>
        until(
          `the journal has "${what}"`,
          async () =>
            (await systemd.run("journalctl --unit=classvip --output=cat")).includes(what) ||
            undefined,
        );
      try {
        // "systemctl enable --now" came back.
        assert.equal(await show("ActiveState"), "active");
        await stage.served(service, vip, node);
        await until(
          "the status says so",
          async () => /every instance stands/.test(await show("StatusText")) || undefined,
        );
        const rights = await systemd.run(`cat /proc/${await show("MainPID")}/status`);
        assert.match(rights, /^Uid:\t[1-9]/m);
        for (const set of ["CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
          assert.match(rights, new RegExp(`^${set}:\t${CAPABILITIES}$`, "m"));
        }
        assert.match(rights, /^NoNewPrivs:\t1$/m);
        assert.match(rights, /^Seccomp:\t2$/m);

        await systemd.run(`cat >${PLAN}`, "instances: 7\n");
        await systemd.run("systemctl reload classvip");
        await until(
          "the status says that the settings are refused",
          async () => /settings are refused/.test(await show("StatusText")) || undefined,
        );
        const [second, standby] = [stage.freshVip(), await stage.startStandby(other!)];
        const more = await stage.createService({
          addresses: second,
          class: `${stage.className}-2`,
        });
        await systemd.run(`cat >${PLAN}`, plan(stage, [stage.className, `${stage.className}-2`]));
        await systemd.run("systemctl reload classvip");
        await stage.served(more, second, node);

        // Nobody waits for a Lease to expire.
        await kill("KILL");
        await said(`withdrew ${vip}\n`);
        await said(`released Lease ${stage.namespace}/${stage.lease}\n`);
        await stage.served(service, vip, other);
        await stage.served(more, second, node);
        assert.equal(await show("NRestarts"), "1");

        await standby.terminate();
        await stage.served(service, vip, node);
        await kill("STOP");
        await stage.gone(vip);
        await until(
          "the watchdog had it started again",
          async () => await show("NRestarts") === "2" || undefined,
        );
        await stage.served(service, vip, node);

        await systemd.run("systemctl stop classvip");
        assert.equal(await show("Result"), "success");
        await stage.gone(vip);
        await stage.waitForLease("is free", (lease) => !lease.spec?.holderIdentity);

        // Wrong settings are tried again in a while, and taken when somebody has mended them.
        await systemd.run(`cat >${PLAN}`, "instances: 7\n");
        await systemd.run("systemctl start --no-block classvip");
        await until(
          "they are refused",
          async () => await show("ExecMainStatus") === "2" || undefined,
        );
        const startedUs = async () => Number(await show("ExecMainStartTimestampMonotonic"));
        const refusedUs = await startedUs();
        await systemd.run(`cat >${PLAN}`, plan(stage, [stage.className]));
        await stage.served(service, vip, node);
        assert.equal(await show("NRestarts"), "1");
        assert.ok(await startedUs() - refusedUs > RETRY_US, `${await startedUs()} - ${refusedUs}`);
        await systemd.run("systemctl stop classvip");

        // So is a kubeconfig that nobody has written yet.
        await systemd.run("rm /etc/classvip/kubeconfig");
        await systemd.run("systemctl start --no-block classvip");
        await until("it waits, after the end of the release", async () => {
          if (await show("ExecMainStatus") !== NO_CREDENTIALS) return undefined;
          const comm = await systemd.run(`cat /proc/${await show("ControlPID")}/comm || true`);
          return comm === "sleep\n" || undefined;
        });
      } catch (error) {
        console.error(await systemd.run("journalctl --unit=classvip --output=cat --lines=40"));
        throw error;
      }
    },
  },
];

/** Types the commands of the guide. */
async function install(stage: Stage): Promise<Systemd> {
  const desk = await Deno.makeTempDir({ prefix: "classvip-systemd-" });
  stage.defer(() => Deno.remove(desk, { recursive: true }));
  await Deno.mkdir(`${desk}/dist`);
  await Deno.copyFile((await classvipCommand())[0]!, `${desk}/dist/classvip`);
  for (const path of ["systemd/classvip.service", "examples/plan.yaml"]) {
    await Deno.mkdir(`${desk}/deploy/${path.split("/")[0]}`, { recursive: true });
    await Deno.copyFile(`${ROOT}deploy/${path}`, `${desk}/deploy/${path}`);
  }
  // The plan of this user.
  await Deno.writeTextFile(`${desk}/deploy/examples/plan.yaml`, plan(stage, [stage.className]));
  await Deno.copyFile(stage.world.kubeconfig, `${desk}/admin.conf`);
  const systemd = await Systemd.boot(stage.nodes[0]!, desk);
  stage.defer(() => systemd[Symbol.asyncDispose]());
  await systemd.run("install -D -m 600 admin.conf /etc/kubernetes/admin.conf");
  const guide = await Deno.readTextFile(`${ROOT}docs/install-systemd.md`);
  for (const { text } of commandsIn(guide, [])) await systemd.run(text);
  return systemd;
}

function plan({ namespace, lease }: Stage, classes: readonly string[]): string {
  const instances = classes.map((loadBalancerClass, i) => ({
    loadBalancerClass,
    leaseName: i === 0 ? lease : `${lease}-${i}`,
  }));
  return JSON.stringify({ leaseNamespace: namespace, leaseDuration: "6s", instances });
}
