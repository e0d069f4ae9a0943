import assert from "node:assert/strict";
import { run } from "./command.ts";

/** An image as a container runtime has it. */
export interface UnpackedImage {
  /** Folder with the root file system. */
  readonly root: string;
  readonly user: string;
  readonly entrypoint: readonly string[];
}

/** Unpacks an OCI archive of one layer. @param folder is used for it, and is empty else */
export async function unpackImage(archive: string, folder: string): Promise<UnpackedImage> {
  await run(["tar", "-xf", archive, "-C", folder]);
  const read = async (path: string) => JSON.parse(await Deno.readTextFile(`${folder}/${path}`));
  const blob = (digest: string) => `blobs/${digest.replace(":", "/")}`;
  const index = await read("index.json");
  const manifest = await read(blob(index.manifests[0].digest));
  const { config, rootfs } = await read(blob(manifest.config.digest));
  const layer = `${folder}/${blob(manifest.layers[0].digest)}`;
  assert.equal((await run(["sha256sum", layer])).split(" ")[0], rootfs.diff_ids[0].slice(7));
  const root = `${folder}/root`;
  await Deno.mkdir(root);
  await run(["tar", "-xf", layer, "-C", root]);
  return { root, user: config.User, entrypoint: config.Entrypoint };
}
