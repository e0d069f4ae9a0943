import assert from "node:assert/strict";
import { cli } from "../cli/cli_helper.ts";
import { run } from "../lab/command.ts";

const SHIPPED = "deploy/systemd/classvip.service";
const PROGRAM = "/usr/local/bin/classvip";
const CONFIG = "/etc/classvip/classvip.yaml";
/** It has 2.0; most of its lines are worth more than what is left here. */
const HIGHEST_EXPOSURE = 2.1;

const isMissing = await run(["systemd-analyze", "--version"]).then(() => false, () => true);
const why = isMissing ? " (skipped: there is no systemd-analyze)" : "";

async function print(...flags: string[]): Promise<string> {
  const plan = await Deno.readTextFile("deploy/examples/plan.yaml");
  const { code, out, err } = await cli(["manifest", "systemd", ...flags], {}, { [CONFIG]: plan });
  assert.equal(code, 0, err);
  return `${out}\n`;
}

/** All that a setting can change in a unit. */
const RICH = [
  "--loadBalancerClass=a",
  "--kubeconfig=/etc/kubernetes/admin.conf",
  "--fastFailover",
  "--beaconKeyFile=/etc/classvip/beacon.key",
  "--interface=eth0",
  '--leaseAnnotations={"example.com/x":"50% of $HOME"}',
];

const units: { name: string; text: () => Promise<string> }[] = [
  { name: "classvip.service", text: () => Deno.readTextFile(SHIPPED) },
  { name: "what classvip manifest systemd prints", text: () => print(...RICH) },
];

/** The unit as it is, but for a program that this machine has. */
async function analyze(text: string, ...args: string[]): Promise<{ code: number; said: string }> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/classvip.service`;
    await Deno.writeTextFile(path, text.replaceAll(PROGRAM, "/bin/true"));
    const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
      args: [...args, path],
    }).output();
    const decoder = new TextDecoder();
    return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const { name, text } of units) {
  Deno.test({
    name: `${name} is what systemd-analyze verify finds nothing wrong with${why}`,
    ignore: isMissing,
    fn: async () => assert.deepEqual(await analyze(await text(), "verify"), { code: 0, said: "" }),
  });

  Deno.test({
    name: `${name} is little exposed, by systemd-analyze security${why}`,
    ignore: isMissing,
    fn: async () => {
      const { said } = await analyze(await text(), "security", "--offline=true");
      const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
      assert.ok(exposure <= HIGHEST_EXPOSURE, said);
    },
  });
}

Deno.test("systemdUnit() for a file of instances is the unit that is shipped", async () => {
  assert.equal(await print(`--config=${CONFIG}`), await Deno.readTextFile(SHIPPED));
});

Deno.test("systemdUnit() hands over as credentials what root alone may read", async () => {
  const lines = (await print(...RICH)).split("\n");
  assert.deepEqual(lines.filter((line) => line.startsWith("LoadCredential=")), [
    "LoadCredential=kubeconfig:/etc/kubernetes/admin.conf",
    "LoadCredential=beacon.key:/etc/classvip/beacon.key",
  ]);
  const [start] = lines.filter((line) => line.startsWith("ExecStart="));
  assert.match(start!, / --kubeconfig=%d\/kubeconfig .*--beaconKeyFile=%d\/beacon\.key/);
  // Neither a specifier nor a variable.
  assert.match(start!, /50%% of \$\$HOME/);
});
