import assert from "node:assert/strict";
import { run } from "../lab/command.ts";
import { startServers } from "../lab/traffic.ts";
import { play, type Scenario } from "../scenarios/scenario.ts";
import { DEADLINE_MS, type Stage, until } from "../scenarios/stage.ts";
import { World } from "../scenarios/world.ts";
import { findHelm } from "./manifests.ts";
import { NodeAgents } from "./node_agents.ts";
import { RealPlane } from "./real_plane.ts";
import { commandsIn, fencedIn, type ShellCommand } from "../deploy/shell_commands.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const COMMAND_MS = 120_000;
/** How long a process runs that a user ends with Ctrl-C. */
const RUNS_SECONDS = 8;
/** Blocks that show settings. */
const NO_COMMANDS = ["env:  ", "--leaseDuration"];
/** This is what runs here. */
const ITSELF = "npx -y deno@2.9.6 task test";

const assets = Deno.env.get("KUBEBUILDER_ASSETS");
const helm = await findHelm();
const missing = [
  ...assets ? [] : ["KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver"],
  ...Deno.env.get("DENORT_BIN") ? [] : ["DENORT_BIN names no base to compile with"],
  ...helm ? [] : ["helm is neither on PATH nor named by HELM"],
  ...await hasKubectl() ? [] : ["kubectl is not on PATH"],
];

async function hasKubectl(): Promise<boolean> {
  return await run(["kubectl", "version", "--client"]).then(() => true, () => false);
}

Deno.test({
  name: "README.md, each of its commands as a new user types it" +
    (missing.length === 0 ? "" : ` (skipped: ${missing.join("; ")})`),
  ignore: missing.length > 0,
  async fn(t) {
    await using world = await World.create((hostname, dir) =>
      RealPlane.start(assets!, hostname, dir)
    );
    await play(t, world, [readme]);
  },
});

const readme: Scenario<RealPlane> = {
  name: "from nothing to Services of two classes, and what else it shows",
  async run(stage) {
    const text = await Deno.readTextFile(`${ROOT}README.md`);
    const desk = await Desk.sitDown(stage);
    const nodes = stage.nodes.slice(0, 2);
    for (const { name } of nodes) {
      await stage.kube.request("POST", "/api/v1/nodes", { metadata: { name } });
    }
    await startServers(stage.nodes, 80);
    await using agents = new NodeAgents(stage, nodes, `${desk.folder}/dist/classvip`, desk.images);
    const commands = commandsIn(text, NO_COMMANDS);
    assert.ok(commands.some(({ text }) => text === ITSELF));
    for (const command of commands.filter(({ text }) => text !== ITSELF)) {
      // A Service that the text shows as YAML is there when it is looked at.
      if (command.text === "kubectl get service web") await serveExample(stage, desk, text);
      await desk.type(command);
      agents.assertWell();
    }
    for (const yaml of fencedIn(text, "yaml").filter((yaml) => /^instances:/m.test(yaml))) {
      await Deno.writeTextFile(`${desk.folder}/example.yaml`, yaml);
      await desk.type({ text: "classvip config --config=example.yaml", shows: [] });
    }
    await assertRunning(stage);
  },
};

/** "An instance in three lines". */
async function serveExample(stage: Stage<RealPlane>, desk: Desk, text: string): Promise<void> {
  const [service] = fencedIn(text, "yaml").filter((yaml) => /^kind: Service/m.test(yaml));
  await Deno.writeTextFile(`${desk.folder}/web.yaml`, desk.local(service!));
  await desk.type({ text: "kubectl apply -f web.yaml", shows: [] });
  const [, className, flag] = /env: {2}(\S+) +args: {2}(\S+)/.exec(text)!;
  const [name, value] = className!.split("=");
  await stage.run(stage.nodes[2]!, {
    kubeconfig: stage.world.kubeconfig,
    interface: null,
    command: [`${desk.folder}/dist/classvip`],
    env: { [name!]: value! },
    flags: [flag!],
  });
  await desk.type({
    text: "kubectl wait --timeout=1m --for=jsonpath='{.status.loadBalancer.ingress}' service/web",
    shows: [],
  });
}

/** Whatever was installed last, in each of the ways, runs: its Lease has a holder. */
async function assertRunning(stage: Stage<RealPlane>): Promise<void> {
  for (
    const [namespace, name] of [
      ["classvip-system", "classvip-public-prod"],
      ["classvip-system", "classvip-private-dev"],
      ["classvip-system", "private-prod"],
      ["vips", "classvip-tenant"],
    ]
  ) {
    await until(`Lease ${namespace}/${name} has a holder`, async () => {
      const lease = { metadata: { namespace: namespace!, name: name! } };
      const { spec } = await stage.kube.get("Lease", lease).catch(() => ({ spec: undefined }));
      return spec?.holderIdentity || undefined;
    }, 2 * DEADLINE_MS);
  }
}

/** Where the user sits: a clone of the project, a shell, and stand-ins for what is not here. */
class Desk {
  readonly #before: string[] = [];

  private constructor(
    readonly stage: Stage<RealPlane>,
    /** Of the clone. */
    readonly folder: string,
    readonly programs: string,
  ) {}

  static async sitDown(stage: Stage<RealPlane>): Promise<Desk> {
    const folder = `${stage.world.dir}/clone`;
    const programs = `${stage.world.dir}/programs`;
    for (const path of [folder, programs]) await Deno.mkdir(path);
    const copy = 'tar -C "$1" -c --exclude=./dist --exclude=./.git --exclude=./.cache . |' +
      ' tar -C "$2" -x';
    await run(["sh", "-c", copy, "sh", ROOT, folder]);
    const node = stage.nodes[2]!.shellCommand;
    // Where JSR is out of reach, that was found out before.
    const offline = Deno.env.get("CLASSVIP_OFFLINE") ?? "";
    const standIns: Record<string, string> = {
      deno: `CLASSVIP_OFFLINE=${offline} exec "${Deno.execPath()}" "$@"`,
      npx: 'shift 2; exec deno "$@"',
      ssh: 'shift; exec "$@"',
      // A container runtime: it wants an OCI archive, and has the image then.
      ctr: `tar -xOf - index.json >>"${programs}/images"`,
      // On a node; and somebody types Ctrl-C.
      sudo: `[ "$1" = ctr ] && exec "$@"
        exec ${node} -- timeout --preserve-status --signal=INT ${RUNS_SECONDS} "$@"`,
      // What the nodes of the lab answer with is a word, not HTTP.
      curl: `PATH="${Deno.env.get("PATH")}" exec curl --http0.9 "$@"`,
      helm: `exec "${helm}" "$@"`,
    };
    for (const [name, script] of Object.entries(standIns)) {
      await Deno.writeTextFile(`${programs}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    return new Desk(stage, folder, programs);
  }

  /** With the addresses of this segment, and the kubeconfig of this cluster. */
  local(text: string): string {
    return text.replaceAll("192.0.2.", this.stage.world.lab.address(0).replace(/0$/, ""))
      .replaceAll("/etc/kubernetes/admin.conf", this.stage.world.kubeconfig);
  }

  /** What the nodes have been given. */
  readonly images = (): Promise<string> =>
    Deno.readTextFile(`${this.programs}/images`).catch(() => "no image");

  /** @throws {Error} when it fails, or its answer is not as shown */
  async type({ text, shows }: ShellCommand): Promise<void> {
    const sinceMs = performance.now();
    const command = this.local(text);
    if (/^(export )?[A-Z_]+=/.test(command)) this.#before.push(command);
    const { HOME, ...env } = Deno.env.toObject();
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-euo", "pipefail", "-c", [...this.#before, command].join("\n")],
      cwd: this.folder,
      clearEnv: true,
      env: {
        ...Object.fromEntries(
          Object.entries(env).filter(([name]) => !name.startsWith("CLASSVIP_")),
        ),
        HOME: this.programs,
        DENO_DIR: env["DENO_DIR"] ?? `${env["XDG_CACHE_HOME"] ?? `${HOME}/.cache`}/deno`,
        KUBECONFIG: this.stage.world.kubeconfig,
        PATH: `${this.programs}:${env["PATH"]}`,
      },
      signal: AbortSignal.timeout(COMMAND_MS),
    }).output();
    const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.equal(code, 0, `${command}\n${said}${complained}`);
    const answer = said!.split("\n").map((line) => line.split(/\s+/));
    for (const line of shows) {
      // The API server chooses the rest.
      const [name, type, , externalIp] = this.local(line).split(/\s+/);
      assert.ok(
        answer.some((words) => words[0] === name && words[1] === type && words[3] === externalIp),
        `"${line}" is not in\n${said}`,
      );
    }
    console.log(`    $ ${text}  (${Math.round(performance.now() - sinceMs)} ms)`);
  }
}
