/** Far more than settings, kubeconfigs and keys hold, and little for an agent's memory. */
const MOST_BYTES = 4 << 20;

/**
 * Reads a file that a user named. A pipe without a writer would be waited for for ever, and a
 * device may have no end.
 *
 * @throws {Error} a sentence without its subject, the file: "does not exist"
 */
export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { isFile, isDirectory } = await Deno.stat(path);
    if (!isFile) throw new Refused(`is a ${isDirectory ? "folder" : "pipe or a device"}, no file`);
    using file = await Deno.open(path);
    return await readAll(file.readable);
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(meaning(error));
  }
}

/** @see readFile */
export async function readTextFile(path: string): Promise<string> {
  return new TextDecoder().decode(await readFile(path));
}

/**
 * Reads to the end.
 *
 * @throws {Error} as of {@linkcode readFile}, for what is larger than any file that is wanted
 */
export async function readAll(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const part of source) {
    length += part.length;
    // What a file says of its size, one of the kernel's for example, may be wrong.
    if (length > MOST_BYTES) throw new Refused(`is larger than ${MOST_BYTES >> 20} MiB`);
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

class Refused extends Error {}

function meaning(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "does not exist";
  if (error instanceof Deno.errors.PermissionDenied) return "may not be read by this user";
  if (error instanceof Deno.errors.NotCapable) {
    return "is one of the kernel's, which Deno lets no program read";
  }
  return `cannot be read: ${error instanceof Error ? error.message : error}`;
}
