/**
 * Makes dist/classvip-<version>-<arch>.oci.tar of dist/classvip, without a daemon: the program and
 * the files of glibc that it needs, nothing else. The same input gives the same bytes.
 *
 *     deno task image [--arch=amd64|arm64] [--binary=dist/classvip] [--root=/]
 *
 * `--root` is where the libraries are taken from: this machine's `/`, or an unpacked libc6 and
 * libgcc-s1 of Debian for the other machine.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { VERSION } from "../lib/version.ts";
import { type ElfNeeds, elfNeeds } from "./elf.ts";
import { tar, type TarEntry } from "./tar.ts";

/** Nobody's, and not 0: the pod may say another. */
const USER = "65532:65532";

/** Where Debian has them, and where others do. Names resolve at run time with ld.so(8). */
const FOLDERS: Readonly<Record<ElfNeeds["arch"], readonly string[]>> = {
  amd64: ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64"],
  arm64: ["lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib64", "usr/lib64", "lib"],
};

export interface ImageOptions {
  /** Path. */
  readonly binary: string;
  /** Folder, with a slash at its end. */
  readonly root: string;
  readonly arch?: string | undefined;
}

export interface Image {
  readonly arch: ElfNeeds["arch"];
  /** Of the root file system, without a leading slash. */
  readonly files: readonly string[];
  /** An OCI image layout as a tar archive. */
  readonly archive: Uint8Array<ArrayBuffer>;
}

/** @throws Error with a sentence that says what is missing. */
export async function buildImage({ binary, root, arch }: ImageOptions): Promise<Image> {
  const program = await Deno.readFile(binary);
  const needs = elfNeeds(program);
  if (arch !== undefined && arch !== needs.arch) {
    throw new Error(
      `${binary} is for ${needs.arch}, not for ${arch}: build it with DENORT_BIN set to a denort ` +
        `for ${arch}, or name another --binary`,
    );
  }
  const rootfs = [
    { path: "classvip", mode: 0o755, bytes: program },
    ...await libraries(needs, root),
  ];
  const folders = new Set(
    rootfs.flatMap(({ path }) =>
      [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index + 1))
    ),
  );
  const layer = tar([
    ...rootfs,
    ...[...folders].map((path) => ({ path, mode: 0o755 })),
  ]);
  return {
    arch: needs.arch,
    files: rootfs.map(({ path }) => path),
    archive: layout(layer, needs.arch),
  };
}

/** The loader at its own path, and every library that is needed, beside it in /lib. */
async function libraries(program: ElfNeeds, root: string): Promise<TarEntry[]> {
  const found = new Map<string, TarEntry>();
  // Deno.dlopen("libc.so.6") needs no more than what the program is linked with.
  const wanted = [...program.libraries];
  for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
    if (found.has(name) || program.interpreter?.endsWith(`/${name}`)) continue;
    const bytes = await library(name, program.arch, root);
    found.set(name, { path: `${FOLDERS[program.arch][0]}/${name}`, mode: 0o755, bytes });
    wanted.push(...elfNeeds(bytes).libraries);
  }
  const loader = program.interpreter!;
  const bytes = await library(loader.split("/").at(-1)!, program.arch, root);
  return [...found.values(), { path: loader.slice(1), mode: 0o755, bytes }];
}

async function library(
  name: string,
  arch: ElfNeeds["arch"],
  root: string,
): Promise<Uint8Array> {
  for (const folder of FOLDERS[arch]) {
    try {
      const bytes = await Deno.readFile(`${root}${folder}/${name}`);
      if (elfNeeds(bytes).arch === arch) return bytes;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(
    `There is no ${name} for ${arch} below ${root}: name a folder with Debian's libc6 and ` +
      `libgcc-s1 for ${arch} unpacked, --root=…`,
  );
}

/** OCI image layout 1.0: index.json, oci-layout, blobs. */
function layout(layer: Uint8Array, architecture: string): Uint8Array<ArrayBuffer> {
  const blobs: TarEntry[] = [];
  const add = (mediaType: string, content: unknown) => {
    const bytes = content instanceof Uint8Array ? content : json(content);
    const hash = createHash("sha256").update(bytes).digest("hex");
    blobs.push({ path: `blobs/sha256/${hash}`, mode: 0o644, bytes });
    return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
  };
  const OCI = "application/vnd.oci.image";
  const layers = [add(`${OCI}.layer.v1.tar`, layer)];
  const config = add(`${OCI}.config.v1+json`, {
    architecture,
    os: "linux",
    config: {
      User: USER,
      Entrypoint: ["/classvip"],
      Cmd: ["run"],
      WorkingDir: "/",
      Labels: {
        "org.opencontainers.image.title": "classvip",
        "org.opencontainers.image.version": VERSION,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    history: [{ created_by: "deno task image" }],
  });
  const manifest = add(`${OCI}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config,
    layers,
  });
  return tar([
    { path: "blobs/", mode: 0o755 },
    { path: "blobs/sha256/", mode: 0o755 },
    ...blobs,
    { path: "oci-layout", mode: 0o644, bytes: json({ imageLayoutVersion: "1.0.0" }) },
    {
      path: "index.json",
      mode: 0o644,
      bytes: json({
        schemaVersion: 2,
        mediaType: `${OCI}.index.v1+json`,
        manifests: [{
          ...manifest,
          platform: { architecture, os: "linux" },
          annotations: {
            "org.opencontainers.image.ref.name": VERSION,
            "io.containerd.image.name": `docker.io/library/classvip:${VERSION}`,
          },
        }],
      }),
    },
  ]);
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}

if (import.meta.main) {
  const options = new Map(Deno.args.map((arg) => {
    const [, name = arg, value = ""] = /^--(arch|binary|root)=(.+)$/.exec(arg) ?? [];
    return [name, value];
  }));
  const unknown = Deno.args.find((arg) => !/^--(arch|binary|root)=.+$/.test(arg));
  try {
    if (unknown) throw new Error(`Unknown "${unknown}": there are --arch, --binary and --root`);
    const { arch, files, archive } = await buildImage({
      binary: options.get("binary") ?? "dist/classvip",
      root: (options.get("root") ?? "/").replace(/\/*$/, "/"),
      arch: options.get("arch"),
    });
    const output = `dist/classvip-${VERSION}-${arch}.oci.tar`;
    await Deno.writeFile(output, archive);
    console.log(`${output}: ${(archive.length / 1e6).toFixed(1)} MB, ${files.length} files:`);
    console.log(files.map((file) => `  /${file}`).join("\n"));
  } catch (error) {
    console.error(`No image: ${(error as Error).message}`);
    Deno.exitCode = 1;
  }
}
