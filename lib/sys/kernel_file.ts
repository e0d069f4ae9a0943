import { attempt, call } from "./libc.ts";

const O_RDONLY = 0;
const O_CLOEXEC = 0o2000000;
/** More than any file that is read here: /proc/self/status has about 1.5 KiB. */
const LONGEST = 16384;

/**
 * Reads a file of /proc or /sys by open(2) and read(2). Deno itself lets only programs with all
 * permissions read there.
 *
 * @throws SyscallError
 */
export function readKernelFile(path: string): string {
  const what = `Cannot read ${path}`;
  const bytes = new TextEncoder().encode(`${path}\0`);
  const fd = call(what, "open", bytes, O_RDONLY | O_CLOEXEC);
  try {
    const buffer = new Uint8Array(LONGEST);
    return new TextDecoder().decode(
      buffer.subarray(0, call(what, "read", fd, buffer, BigInt(LONGEST))),
    );
  } finally {
    attempt("close", fd);
  }
}

/** What a symbolic link of /proc says, by readlink(2). @throws SyscallError */
export function readKernelLink(path: string): string {
  const bytes = new TextEncoder().encode(`${path}\0`);
  const buffer = new Uint8Array(LONGEST);
  const length = call(`Cannot read ${path}`, "readlink", bytes, buffer, BigInt(LONGEST));
  return new TextDecoder().decode(buffer.subarray(0, length));
}
