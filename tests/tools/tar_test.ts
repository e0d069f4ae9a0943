import assert from "node:assert/strict";
import { tar } from "../../tools/tar.ts";
import { run } from "../lab/command.ts";

Deno.test("tar() is what tar(1) reads, whatever the order", async () => {
  const file = { path: "lib/a", mode: 0o755, bytes: new TextEncoder().encode("hello") };
  const folder = { path: "lib/", mode: 0o755 };
  const archive = tar([file, folder]);
  assert.deepEqual(tar([folder, file]), archive);
  assert.equal(archive.length % 512, 0);
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, archive);
    const listed = await run(["tar", "--utc", "-tvf", path]);
    assert.match(
      listed,
      /^drwxr-xr-x 0\/0 +0 1970-01-01 00:00 lib\/\n-rwxr-xr-x 0\/0 +5 1970-01-01 00:00 lib\/a\n$/,
    );
    assert.equal(await run(["tar", "-xOf", path, "lib/a"]), "hello");
  } finally {
    await Deno.remove(path);
  }
  assert.throws(() => tar([{ path: "x".repeat(101), mode: 0o644 }]), /too long/);
});
