import assert from "node:assert/strict";
import { dependencyFlags } from "../../tools/jsr.ts";
import { PERMISSIONS } from "../../tools/build.ts";
import { ScriptedServer } from "../kube/server.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** The permissions; what has no name is for the programs that they are asked with. */
const granted = PERMISSIONS.filter((flag) => flag.startsWith("--allow-"));

/** What needs each of them: the API server, a kubeconfig's plugin, the host's name. */
async function works(permissions: readonly string[]): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  const lists: string[] = [];
  await using server = new ScriptedServer(({ headers, url }) => {
    if (headers.get("authorization") !== "Bearer by-plugin") {
      return new Response("{}", { status: 401 });
    }
    lists.push(new URL(url).pathname);
    return Response.json({ kind: "List", metadata: { resourceVersion: "1" }, items: [] });
  });
  const classvip = async (...args: string[]) => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--cached-only", ...permissions],
        ...[...await dependencyFlags(), MAIN, ...args, "--loadBalancerClass=a"],
      ],
      stderr: "null",
      stdin: "null",
      clearEnv: true,
      env: Object.fromEntries(
        Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("CLASSVIP_")),
      ),
    }).output();
    return { code, out: new TextDecoder().decode(stdout) };
  };
  try {
    const plugin = `${folder}/plugin`;
    const credential = { kind: "ExecCredential", status: { token: "by-plugin" } };
    await Deno.writeTextFile(plugin, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
    await Deno.chmod(plugin, 0o755);
    const kubeconfig = `${folder}/kubeconfig`;
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: plugin };
    await Deno.writeTextFile(
      kubeconfig,
      JSON.stringify({
        "current-context": "x",
        contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
        clusters: [{ name: "x", cluster: { server: `http://127.0.0.1:${server.port}` } }],
        users: [{ name: "x", user: { exec } }],
      }),
    );
    const seen = await classvip("classes", `--kubeconfig=${kubeconfig}`);
    const { code, out } = await classvip("config");
    return seen.code === 0 && lists.length > 0 && code === 0 && out.includes(Deno.hostname());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("classvip works with its permissions, and with none of them less", async (t) => {
  assert.ok(await works(granted));
  for (const permission of granted) {
    await t.step(`not without ${permission}`, async () => {
      assert.ok(!await works(granted.filter((other) => other !== permission)));
    });
  }
});
