/**
 * Makes dist/release: program, image, chart, unit, bill of materials, licences, changes, checksums.
 * Builds the program twice and refuses to go on when the two differ.
 *
 *     deno task release [--root=/]
 *
 * For the other machine: with DENORT_BIN set to a denort for it, and `--root` as in tools/image.ts.
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

async function deno(args: readonly string[]): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), { args: [...args] }).spawn().status;
  if (code !== 0) throw new Error(`"deno ${args.join(" ")}" ended with code ${code}`);
}

/** @returns the program's bytes */
async function build(): Promise<Uint8Array<ArrayBuffer>> {
  await deno(["run", "-A", ...await dependencyFlags(), "tools/build.ts"]);
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

/** @param root where the image's libraries are taken from */
async function release(root: string): Promise<void> {
  const first = sha256(await build());
  const program = await build();
  if (sha256(program) !== first) throw new Error("two builds of the program differ");
  const { arch, archive } = await buildImage({ binary: PROGRAM, root });
  const lock: Lock = JSON.parse(await Deno.readTextFile("deno.lock"));
  const found = await Promise.all((await packages()).map((one) => material(one, lock)));
  const bom = cycloneDx({
    version: VERSION,
    deno: Deno.version.deno,
    sha256: first,
    materials: found,
  });
  const licenses = found.map(({ name, version, license, text }) =>
    `${name} ${version}: ${license}\n\n${text.trim()}\n`
  );
  const text = (value: string) => new TextEncoder().encode(value);
  const files: Record<string, Uint8Array> = {
    [`classvip-${VERSION}-linux-${arch}`]: program,
    [`classvip-${VERSION}-${arch}.oci.tar`]: archive,
    [`classvip-${VERSION}.cdx.json`]: text(`${JSON.stringify(bom, null, 2)}\n`),
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
    await Deno.writeFile(`${OUTPUT}/${name}`, bytes);
    console.log(`${OUTPUT}/${name}: ${(bytes.length / 1e6).toFixed(2)} MB`);
  }
  await Deno.chmod(`${OUTPUT}/classvip-${VERSION}-linux-${arch}`, 0o755);
}

if (import.meta.main) {
  try {
    const [, root = "/"] = /^--root=(.+)$/.exec(Deno.args[0] ?? "--root=/") ?? [];
    const unknown = Deno.args.find((arg) => arg !== Deno.args[0] || !/^--root=.+$/.test(arg));
    if (unknown) throw new Error(`Unknown "${unknown}": there is --root`);
    await release(root.replace(/\/*$/, "/"));
  } catch (error) {
    console.error(`No release: ${(error as Error).message}`);
    Deno.exitCode = 1;
  }
}
