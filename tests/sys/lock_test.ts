import assert from "node:assert/strict";
import { bootTimeMs } from "../../lib/sys/clock.ts";
import { LockTakenError } from "../../lib/sys/errors.ts";
import { holdLock } from "../../lib/sys/lock.ts";

bootTimeMs(); // opens the C library for good, outside of any test

/** Locks hold for the whole network namespace: no name of another process. */
const name = `test-${crypto.randomUUID()}`;

function socketNames(): string[] {
  return Deno.readTextFileSync("/proc/net/unix").match(/@classvip\/.*/g) ?? [];
}

Deno.test("holdLock() refuses a second holder until the first is disposed", () => {
  {
    using _lock = holdLock(name);
    assert.ok(socketNames().includes(`@classvip/${name}`));
    assert.throws(() => holdLock(name), (error) => {
      assert.ok(error instanceof LockTakenError);
      assert.equal(error.lock, name);
      assert.match(error.message, new RegExp(name));
      return true;
    });
  }
  assert.ok(!socketNames().includes(`@classvip/${name}`));
  using _again = holdLock(name);
});

Deno.test("holdLock() keeps long names apart", () => {
  const long = `${name}/${"a".repeat(300)}`;
  using _first = holdLock(`${long}1`);
  using _second = holdLock(`${long}2`);
  assert.throws(() => holdLock(`${long}1`), LockTakenError);
});

Deno.test("holdLock() is freed by the kernel when its process is killed", async () => {
  const lockUrl = new URL("../../lib/sys/lock.ts", import.meta.url);
  const script = `import { holdLock } from ${JSON.stringify(lockUrl)};
    holdLock(${JSON.stringify(name)}); console.log("held"); setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", script],
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  await output.read();
  assert.throws(() => holdLock(name), LockTakenError);
  child.kill("SIGKILL");
  await child.status;
  await output.cancel();
  holdLock(name)[Symbol.dispose]();
});
