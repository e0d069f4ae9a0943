import assert from "node:assert/strict";
import { SyscallError } from "../../lib/sys/errors.ts";
import { readKernelFile, readKernelLink } from "../../lib/sys/kernel_file.ts";

readKernelFile("/proc/self/status"); // opens the C library for good, outside of any test

Deno.test("readKernelFile() and readKernelLink() read as Deno does", () => {
  const path = "/proc/sys/kernel/random/boot_id";
  assert.equal(readKernelFile(path), Deno.readTextFileSync(path));
  const net = "/proc/self/ns/net";
  assert.equal(readKernelLink(net), Deno.readLinkSync(net));
});

Deno.test("readKernelFile() says what is missing", () => {
  assert.throws(
    () => readKernelFile("/proc/no-such-file"),
    (error) => error instanceof SyscallError && /\/proc\/no-such-file.*ENOENT/.test(error.message),
  );
});
