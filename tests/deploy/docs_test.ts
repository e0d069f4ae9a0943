import assert from "node:assert/strict";
import { VERSION } from "../../lib/version.ts";
import { PERMISSIONS } from "../../tools/build.ts";
import { cli } from "../cli/cli_helper.ts";
import { run } from "../lab/command.ts";
import { commandsIn } from "./shell_commands.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const UNIT = "deploy/systemd/classvip.service";

const pages = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md"],
  ...(await Array.fromAsync(Deno.readDir(`${ROOT}docs`)))
    .filter(({ name }) => name.endsWith(".md")).map(({ name }) => `docs/${name}`).sort(),
];
const texts = new Map(
  await Promise.all(
    pages.map(async (page) => [page, await Deno.readTextFile(ROOT + page)] as const),
  ),
);

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("every link of the documents leads to a file, and to a heading in it", async () => {
  const broken: string[] = [];
  for (const [page, text] of texts) {
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const { pathname, hash } = new URL(target!, `file://${ROOT}${page}`);
      if (!await exists(pathname)) broken.push(`${page}: ${target}`);
      else if (hash && !anchorsIn(await Deno.readTextFile(pathname)).includes(hash.slice(1))) {
        broken.push(`${page}: ${target}`);
      }
    }
  }
  assert.deepEqual(broken, []);
});

/** As forges make them of headings. */
function anchorsIn(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

Deno.test("every file and task that the documents name is there", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  for (const [page, text] of texts) {
    if (page === "CHANGELOG.md") continue;
    for (const [path] of text.matchAll(/(?<![\w/.-])deploy\/[\w./-]*\w/g)) {
      assert.ok(await exists(ROOT + path), `${page}: ${path}`);
    }
    for (const [, task] of text.matchAll(/deno(?:@[\d.]+)? task ([\w:]+)/g)) {
      assert.ok(task! in tasks, `${page}: deno task ${task}`);
    }
    for (const [name, version] of text.matchAll(/classvip-([\d.]+)-(?:amd64|linux)/g)) {
      assert.equal(version, VERSION, `${page}: ${name}`);
    }
  }
});

Deno.test("every flag of classvip in the documents is one, with a right value", async () => {
  const plan = await Deno.readTextFile(`${ROOT}deploy/examples/plan.yaml`);
  let count = 0;
  for (const [page, text] of texts) {
    const typed = [
      ...text.matchAll(/^ {4,}(?:\$ |sudo )?(?:dist\/)?classvip ((?:[^|>#\\\n]|\\\n)*)/gm),
    ];
    for (const [, words] of typed.filter(([line]) => !/\bmigrate\b/.test(line))) {
      const args = words!.replaceAll("\\\n", " ").trim().split(/\s+/);
      const flags = args.filter((arg) =>
        arg.startsWith("-") && !/^--(to|image|output|name)=/.test(arg)
      )
        .filter((arg) => arg !== "--schema")
        .map((arg) => arg.replace(/\$[A-Z]+/, "192.0.2.0/28"));
      const config = flags.find((flag) => flag.startsWith("--config="))?.slice("--config=".length);
      const files = config === undefined ? {} : { [config]: plan };
      const { code, err } = await cli(["config", ...flags], {}, files);
      assert.equal(code, 0, `${page}: classvip ${words}\n${err}`);
      count++;
    }
  }
  assert.ok(count > 10, `${count}`);
});

Deno.test("docs/install-systemd.md puts every file where the unit looks for it", async () => {
  const text = texts.get("docs/install-systemd.md")!;
  const installs = commandsIn(text, []).map(({ text }) => text)
    .filter((text) => text.startsWith("install "));
  const root = await Deno.makeTempDir();
  try {
    for (const file of ["usr/local/bin", "etc/kubernetes"]) {
      await Deno.mkdir(`${root}/${file}`, { recursive: true });
    }
    await Deno.writeTextFile(`${root}/etc/kubernetes/admin.conf`, "kubeconfig");
    await Deno.writeTextFile(`${root}/classvip`, "program");
    for (const command of installs) {
      const here = command.replace("dist/classvip", `${root}/classvip`)
        .replaceAll(/ \/(?=etc|usr)/g, ` ${root}/`);
      await run(["sh", "-c", `cd "${ROOT}" && ${here}`]);
    }
    const unit = await Deno.readTextFile(`${root}/etc/systemd/system/classvip.service`);
    assert.equal(unit, await Deno.readTextFile(ROOT + UNIT));
    const named = [
      ...unit.matchAll(
        /(?:ExecStart=|ExecStopPost=-!|--(?:kube)?config=|LoadCredential=\w+:)(\/\S+)/g,
      ),
    ].map(([, path]) => path!);
    assert.ok(named.length >= 6, named.join());
    for (const path of named) assert.ok(await exists(root + path), path);
    // The service's user must read the settings, and nobody else the credentials.
    const mode = async (path: string) => (await Deno.stat(root + path)).mode! & 0o777;
    assert.equal(await mode("/etc/classvip/classvip.yaml"), 0o644);
    assert.equal(await mode("/etc/classvip/kubeconfig"), 0o600);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("docs/permissions.md names each permission of the program, and no other", () => {
  const rows = texts.get("docs/permissions.md")!.matchAll(/^\| `(--[^`]+)`/gm);
  assert.deepEqual([...rows].map(([, name]) => name), PERMISSIONS);
});
