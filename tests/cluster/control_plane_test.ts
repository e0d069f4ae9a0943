import assert from "node:assert/strict";
import { ControlPlane } from "./control_plane.ts";

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
