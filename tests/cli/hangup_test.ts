import assert from "node:assert/strict";
import { classvipCommand } from "../lab/agent.ts";
import { rest } from "../lab/clock.ts";

/** Takes a second or more to be read and refused. */
const SLOW = Array.from(
  { length: 1000 },
  (_, i) => `- {name: i${i}, loadBalancerClass: c, a: 1}\n`,
);

Deno.test("run survives SIGHUP while it reads its settings for the first time", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, `instances:\n${SLOW.join("")}`);
  const [command, ...args] = await classvipCommand();
  const child = new Deno.Command(command!, {
    args: [...args, "run", `--config=${path}`],
    stderr: "piped",
    stdout: "null",
  }).spawn();
  const ended = child.output();
  while (!await catchesHangup(child.pid)) await rest(1);
  // Deno catches the signal a moment before it knows who listens: far less work than the reading.
  const ticks = await cpuTicks(child.pid);
  while (await cpuTicks(child.pid) < ticks + 3) await rest(1);
  child.kill("SIGHUP");
  const { code, signal, stderr } = await ended;
  assert.deepEqual([code, signal], [2, null], new TextDecoder().decode(stderr).slice(0, 500));
  await Deno.remove(path);
});

/** @throws {Error} when the process has ended */
async function catchesHangup(pid: number): Promise<boolean> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const [, caught] = /^SigCgt:\s+([0-9a-f]+)$/m.exec(status)!;
  return (BigInt(`0x${caught}`) & 1n) === 1n;
}

/** Time on the processor, in ticks of 10 ms (proc_pid_stat(5)). */
async function cpuTicks(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
  return Number(user) + Number(system);
}
