/**
 * Tar archives that hold the same bytes for the same content: POSIX ustar (pax(1)) without times,
 * owners or names of the machine that made them.
 *
 * @module
 */

import { concat } from "../lib/net/bytes.ts";

export interface TarEntry {
  /** Without a leading slash; at most 100 bytes. A folder ends with a slash. */
  readonly path: string;
  readonly mode: number;
  readonly bytes?: Uint8Array;
}

const BLOCK = 512;

/** @returns the archive, its entries sorted by path. */
export function tar(entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  const blocks: Uint8Array[] = [];
  for (const entry of entries.toSorted((a, b) => a.path < b.path ? -1 : 1)) {
    const { bytes = new Uint8Array() } = entry;
    blocks.push(header(entry, bytes.length), bytes, new Uint8Array(-bytes.length & (BLOCK - 1)));
  }
  return concat([...blocks, new Uint8Array(2 * BLOCK)]);
}

function header({ path, mode }: TarEntry, size: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const text = (offset: number, length: number, value: string) => {
    const bytes = new TextEncoder().encode(value);
    if (bytes.length > length) throw new RangeError(`"${value}" is too long for a tar archive`);
    block.set(bytes, offset);
  };
  const octal = (offset: number, length: number, value: number) =>
    text(offset, length, value.toString(8).padStart(length - 1, "0"));
  text(0, 100, path);
  octal(100, 8, mode);
  octal(108, 8, 0); // uid
  octal(116, 8, 0); // gid
  octal(124, 12, size);
  octal(136, 12, 0); // mtime
  text(148, 8, " ".repeat(8)); // checksum, counted as blanks
  text(156, 1, path.endsWith("/") ? "5" : "0");
  text(257, 8, "ustar\x0000");
  octal(148, 7, block.reduce((sum, byte) => sum + byte, 0));
  return block;
}
