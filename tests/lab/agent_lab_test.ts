import assert from "node:assert/strict";
import { Agent } from "./agent.ts";
import { Lab } from "./lab.ts";

/** Says what it was given, and ends with code 0 at SIGTERM. */
const STAND_IN = [
  "sh",
  "-c",
  `trap 'echo "{\\"msg\\":\\"bye\\"}"; exit 0' TERM
   echo "{\\"msg\\":\\"$*\\",\\"class\\":\\"$loadBalancerClass\\"}" >&2
   while :; do sleep 0.05; done`,
  "classvip",
];

function start(lab: Lab): Promise<Agent> {
  return Agent.start(lab.nodes[0]!, {
    kubeconfig: "/k",
    flags: ["--leaseDuration=3s"],
    env: { loadBalancerClass: "internal" },
    command: STAND_IN,
  });
}

Deno.test("Agent.start() passes flags and env, and reads the log", async () => {
  await using lab = await Lab.create({ nodes: 1 });
  const agent = await start(lab);
  const line = await agent.waitForLog(() => true, 30_000);
  assert.deepEqual(line, {
    msg: "run --kubeconfig=/k --nodeName=node-1 --interface=eth0 --logFormat=json " +
      "--leaseDuration=3s",
    class: "internal",
  });
  assert.equal((await agent.terminate()).code, 0);
  assert.deepEqual(agent.logs.at(-1), { msg: "bye" });
  await assert.rejects(agent.waitForLog(() => false, 30_000), /The process ended/);
});

Deno.test("Agent.kill() crashes a process that hangs", async () => {
  await using lab = await Lab.create({ nodes: 1 });
  await using agent = await start(lab);
  await agent.waitForLog(() => true, 30_000);
  agent.stop();
  assert.equal((await agent.kill()).signal, "SIGKILL");
});

Deno.test("Lab ends the agents that are left", async () => {
  let agent: Agent;
  {
    await using lab = await Lab.create({ nodes: 1 });
    agent = await start(lab);
    await agent.waitForLog(() => true, 30_000);
  }
  assert.equal((await agent.status).signal, "SIGKILL");
});
