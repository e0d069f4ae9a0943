import assert from "node:assert/strict";
import { supervise } from "../../lib/agent/supervise.ts";
import type { Task } from "../../lib/agent/task.ts";
import { settled } from "../doubles/fake_clock.ts";

/** A Task that ends some turns after it was told to. */
function lasting(name: string, log: string[]): Task {
  return {
    name,
    async run(signal) {
      if (!signal.aborted) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      }
      await settled();
      log.push(name);
    },
  };
}

Deno.test("supervise() runs until the signal aborts, and waits for all to end", async () => {
  const log: string[] = [];
  const stop = new AbortController();
  const done = supervise([lasting("a", log), lasting("b", log)], stop.signal);
  await settled();
  assert.deepEqual(log, []);
  stop.abort();
  await done;
  assert.deepEqual(log, ["a", "b"]);
});

Deno.test("supervise() stops the others when one fails, then throws its error", async () => {
  const log: string[] = [];
  const failing: Task = { name: "bad", run: () => Promise.reject(new Error("broken")) };
  const { signal } = new AbortController();
  await assert.rejects(supervise([lasting("a", log), failing], signal), /broken/);
  assert.deepEqual(log, ["a"]);
});

Deno.test("supervise() takes an end that nobody asked for as a failure", async () => {
  const log: string[] = [];
  const short: Task = { name: "short", run: () => Promise.resolve() };
  const { signal } = new AbortController();
  await assert.rejects(
    supervise([short, lasting("a", log)], signal),
    /Task "short" ended by itself/,
  );
  assert.deepEqual(log, ["a"]);
});

Deno.test("supervise() survives a Task that throws at once", async () => {
  const throwing: Task = {
    name: "throwing",
    run: () => {
      throw new TypeError("at once");
    },
  };
  await assert.rejects(supervise([throwing], new AbortController().signal), /at once/);
});
