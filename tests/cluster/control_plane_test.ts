import assert from "node:assert/strict";
import { until } from "../scenarios/stage.ts";
import { ControlPlane } from "./control_plane.ts";

/** Undefined while the process runs; one that nobody has waited for yet has ended too. */
async function ended(pid: string): Promise<true | undefined> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "State:\tZ");
  return /^State:\t[ZX]/m.test(status) || undefined;
}

Deno.test("ControlPlane.start() shows the end of the log of what does not come up", async () => {
  const assets = await Deno.makeTempDir();
  try {
    const script = (name: string, text: string) =>
      Deno.writeTextFile(`${assets}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    await script("etcd", "exec sleep 60");
    await script("kube-apiserver", "echo no such flag; exit 1");
    await assert.rejects(
      ControlPlane.start({ assets, dir: `${assets}/run` }),
      /kube-apiserver ended; the end of .*kube-apiserver\.log:\nno such flag$/,
    );
  } finally {
    await Deno.remove(assets, { recursive: true });
  }
});

Deno.test("ControlPlane leaves nothing running, also when its process is killed", async () => {
  const assets = await Deno.makeTempDir();
  const programs = ["etcd", "kube-apiserver"];
  try {
    for (const name of programs) {
      const script = `#!/bin/sh\necho $$ >${assets}/${name}.new\nmv ${assets}/${name}.new ` +
        `${assets}/${name}.pid\nexec sleep 600\n`;
      await Deno.writeTextFile(`${assets}/${name}`, script, { mode: 0o755 });
    }
    const url = new URL("./control_plane.ts", import.meta.url);
    const script = `import { ControlPlane } from ${JSON.stringify(url)};
      await ControlPlane.start(${JSON.stringify({ assets, dir: `${assets}/run` })});`;
    const parent = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", "--no-lock", script],
      stdin: "null",
    }).spawn();
    const pids = await Promise.all(
      programs.map((name) =>
        until(
          `${name} runs`,
          () => Deno.readTextFile(`${assets}/${name}.pid`).catch(() => undefined),
        )
      ),
    );
    parent.kill("SIGKILL");
    await parent.status;
    for (const pid of pids) await until(`${pid} ends`, () => ended(pid.trim()));
  } finally {
    await Deno.remove(assets, { recursive: true });
  }
});
