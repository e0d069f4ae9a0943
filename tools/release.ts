/**
 * Makes dist/release: program, image, chart, unit, bill of materials, licences, changes, checksums.
 * Builds the program twice and refuses to go on when the two differ.
 *
 *     deno task release [--root=/] [--also=FOLDER]
 *
 * `--root` as in tools/image.ts. `--also` makes program and image for the other machine too: the
 * folder has `denort`, one for that machine, and `root`, Debian's libc6 and libgcc-s1 for it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { VERSION } from "../lib/version.ts";
import { bundledPackages, type Package } from "./bundled.ts";
import { buildImage } from "./image.ts";
import { dependencyFlags } from "./jsr.ts";
import { cycloneDx, type Material } from "./sbom.ts";
import { tar } from "./tar.ts";

const PROGRAM = "dist/classvip";
const OUTPUT = "dist/release";
const CHART = "deploy/helm";

async function deno(args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), { args: [...args], env }).spawn().status;
  if (code !== 0) throw new Error(`"deno ${args.join(" ")}" ended with code ${code}`);
}

/** What is made for one kind of machine. */
interface Target {
  /** Folder that the image's libraries are taken from, with a slash at its end. */
  readonly root: string;
  /** Path; undefined: what `deno compile` takes for this machine. */
  readonly denort?: string;
}

/** @returns the program's bytes */
async function build({ denort }: Target): Promise<Uint8Array<ArrayBuffer>> {
  const flags = ["run", "-A", ...await dependencyFlags(), "tools/build.ts"];
  await deno(flags, denort === undefined ? {} : { DENORT_BIN: denort });
  return await Deno.readFile(PROGRAM);
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function packages(): Promise<Package[]> {
  const folder = await Deno.makeTempDir();
  try {
    await deno([
      ...["bundle", "--quiet", "--platform=deno", "--code-splitting"],
      ...await dependencyFlags(),
      ...[`--outdir=${folder}`, "main.ts"],
    ]);
    let text = "";
    for await (const { name } of Deno.readDir(folder)) {
      text += await Deno.readTextFile(`${folder}/${name}`);
    }
    return bundledPackages(text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** @returns the package with its licence, and the licence's text */
async function material(one: Package, lock: Lock): Promise<Material & { text: string }> {
  const id = `${one.name}@${one.version}`;
  const key = Object.keys(lock.npm).find((key) => key === id || key.startsWith(`${id}_`));
  const integrity = key && lock.npm[key]!.integrity;
  // Deno's own packages of JSR are under its licence.
  if (one.folder === undefined) return { ...one, license: "MIT", integrity, text: "" };
  const folder = `/${one.folder.replace(/^(\.\.\/)+/, "")}`;
  const { license } = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
  let text = "";
  for (const { name } of (await Array.fromAsync(Deno.readDir(folder))).sort(byName)) {
    if (/^(licen[cs]e|notice|copying)/i.test(name)) {
      text += await Deno.readTextFile(`${folder}/${name}`);
    }
  }
  if (typeof license !== "string") throw new Error(`${id} does not say its licence`);
  return { ...one, license, integrity, text };
}

interface Lock {
  readonly npm: Readonly<Record<string, { integrity: string }>>;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** @returns the changelog's part about a version, or about what is not released yet. */
export function changesOf(changelog: string, version: string): string {
  const parts = changelog.split(/^(?=## )/m);
  const find = (title: string) => parts.find((part) => part.startsWith(`## [${title}]`));
  const found = find(version) ?? find("Unreleased");
  if (found === undefined) throw new Error(`CHANGELOG.md has no part about ${version}`);
  return `${found.trim()}\n`;
}

/** The Helm chart as `helm package` has it; undefined while there is none. */
async function chart(): Promise<Uint8Array | undefined> {
  const files: string[] = [];
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await walk(`${folder}/${name}`);
      else files.push(`${folder}/${name}`);
    }
  };
  await walk(CHART).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const root = files.find((file) => file.endsWith("/Chart.yaml"))?.replace(/\/Chart\.yaml$/, "");
  if (root === undefined) return undefined;
  const inside = files.filter((file) => file.startsWith(`${root}/`));
  const archive = tar(
    await Promise.all(inside.map(async (file) => ({
      path: `classvip${file.slice(root.length)}`,
      mode: 0o644,
      bytes: await Deno.readFile(file),
    }))),
  );
  const gzip = new Blob([archive]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(gzip).arrayBuffer());
}

/** @returns program, image and bill of materials, by their names */
async function makeFor(
  target: Target,
  materials: readonly Material[],
): Promise<Record<string, Uint8Array>> {
  const first = sha256(await build(target));
  const program = await build(target);
  if (sha256(program) !== first) throw new Error("two builds of the program differ");
  const { arch, archive } = await buildImage({ binary: PROGRAM, root: target.root });
  const deno = Deno.version.deno;
  const bom = cycloneDx({ version: VERSION, deno, sha256: first, materials });
  return {
    [nameOf(arch)]: program,
    [`classvip-${VERSION}-${arch}.oci.tar`]: archive,
    [`${nameOf(arch)}.cdx.json`]: new TextEncoder().encode(`${JSON.stringify(bom, null, 2)}\n`),
  };
}

function nameOf(arch: string): string {
  return `classvip-${VERSION}-linux-${arch}`;
}

/** @param targets this machine's last: its program stays in dist */
async function release(targets: readonly Target[]): Promise<void> {
  const lock: Lock = JSON.parse(await Deno.readTextFile("deno.lock"));
  const found = await Promise.all((await packages()).map((one) => material(one, lock)));
  const made: Record<string, Uint8Array> = {};
  for (const target of targets) {
    const more = await makeFor(target, found);
    const [twice] = Object.keys(more).filter((name) => name in made);
    if (twice !== undefined) throw new Error(`${twice} twice: --also is for another machine`);
    Object.assign(made, more);
  }
  const licenses = found.map(({ name, version, license, text }) =>
    `${name} ${version}: ${license}\n\n${text.trim()}\n`
  );
  const text = (value: string) => new TextEncoder().encode(value);
  const files: Record<string, Uint8Array> = {
    ...made,
    "LICENSES.txt": text(
      [await Deno.readTextFile("LICENSE"), `deno ${Deno.version.deno}: MIT\n`, ...licenses]
        .join(`\n${"-".repeat(80)}\n\n`),
    ),
    "CHANGES.md": text(changesOf(await Deno.readTextFile("CHANGELOG.md"), VERSION)),
    "classvip.service": await Deno.readFile("deploy/systemd/classvip.service"),
  };
  const packed = await chart();
  if (packed !== undefined) files[`classvip-chart-${VERSION}.tgz`] = packed;
  files["SHA256SUMS"] = text(
    Object.entries(files).map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`).sort().join(""),
  );
  await Deno.remove(OUTPUT, { recursive: true }).catch(() => {});
  await Deno.mkdir(OUTPUT, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) {
    const mode = /-linux-[a-z0-9]+$/.test(name) ? 0o755 : 0o644;
    await Deno.writeFile(`${OUTPUT}/${name}`, bytes, { mode });
    console.log(`${OUTPUT}/${name}: ${(bytes.length / 1e6).toFixed(2)} MB`);
  }
}

if (import.meta.main) {
  try {
    const options = new Map(Deno.args.map((arg) => {
      const [, name, value = ""] = /^--(root|also)=(.+)$/.exec(arg) ?? [];
      if (name === undefined) throw new Error(`Unknown "${arg}": there are --root and --also`);
      return [name, value];
    }));
    const folder = (path: string) => path.replace(/\/*$/, "/");
    const also = options.get("also");
    const other = also === undefined
      ? []
      : [{ denort: await Deno.realPath(`${also}/denort`), root: folder(`${also}/root`) }];
    await release([...other, { root: folder(options.get("root") ?? "/") }]);
  } catch (error) {
    console.error(`No release: ${(error as Error).message}`);
    Deno.exitCode = 1;
  }
}
