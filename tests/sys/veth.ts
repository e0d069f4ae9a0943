import assert from "node:assert/strict";
import { bootTimeMs } from "../../lib/sys/clock.ts";

// The C library stays open for as long as the process runs: opened here, before any test starts,
// it is no leak of the test that happens to use it first.
bootTimeMs();

const DEADLINE_MS = 30_000;

/** Options of a test that makes interfaces: only where there are none but lo, as under `unshare -n`. */
export function inEmptyNetwork(name: string): { name: string; ignore: boolean } {
  const names = Deno.readTextFileSync("/proc/net/dev").matchAll(/^ *([^ :]+):/gm);
  const ignore = [...names].some(([, name]) => name !== "lo");
  return {
    name: ignore ? `${name} (skipped: needs a network of its own, unshare -n)` : name,
    ignore,
  };
}

/** Runs ip(8). @returns its output. */
export async function ip(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("ip", { args }).output();
  assert.ok(success, `ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Two interfaces joined by a cable, `near` and `far`, both up. Gone when disposed. */
export async function plugVeth(): Promise<AsyncDisposable> {
  await ip("link", "add", "near", "type", "veth", "peer", "name", "far");
  await ip("link", "set", "near", "up");
  await ip("link", "set", "far", "up");
  // The kernel begins to send some time after the carrier is there, and loses frames until then.
  const endMs = performance.now() + DEADLINE_MS;
  while ((await ip("link", "show", "up")).match(/@(near|far): .* state UP/g)?.length !== 2) {
    assert.ok(performance.now() < endMs, "the cable has no carrier");
  }
  return { [Symbol.asyncDispose]: async () => void await ip("link", "del", "near") };
}
