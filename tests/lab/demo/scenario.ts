import assert from "node:assert/strict";
import type { Agent } from "../agent.ts";
import { nowMs, rest } from "../clock.ts";
import type { LabHost } from "../host.ts";
import { seconds, type Step } from "./view.ts";
import { CLASSES, type ClassName, LEASE_SECONDS, type World } from "./world.ts";

/** All agents started, elected and announcing, on a busy machine too. */
const START_MS = 30_000;
/** A graceful handover: the standby watches the Lease. */
const HANDOVER_MS = 1000;
/** A crash: the Lease runs out, and a standby takes it. */
const CRASH_MS = LEASE_SECONDS * 1000 + 2000;
/** A change of a Service. */
const CHANGE_MS = 2000;
/** The deadline of one connection of the client, and some. */
const ATTEMPT_MS = 600;
/** For eyes: how long traffic flows before the next fault. */
const CALM_MS = 1500;
/** From one look at the API server's store to the next. */
const LOOK_MS = 20;

/**
 * Runs the steps one after another; their outcomes are in `world.steps`.
 *
 * @throws what made a step fail; the steps behind it are not run.
 */
export async function play(world: World, stepEnded: (step: Step) => void): Promise<void> {
  const step = async (title: string, action: () => Promise<string>) => {
    const step: Step = { atMs: nowMs() - world.startedMs, title };
    world.steps.push(step);
    try {
      step.outcome = await action();
      step.ok = true;
    } catch (error) {
      step.outcome = error instanceof Error ? error.message : String(error);
      step.ok = false;
      throw error;
    } finally {
      stepEnded(step);
    }
  };
  const web = world.createService("public-prod", "shop", "web", 100);
  world.createService("public-prod", "shop", "mail", 101);
  world.createService("private-dev", "dev", "wiki", 110);
  world.createService("private-dev", "dev", "builds", 111);
  const legacy = world.createService(undefined, "default", "legacy", 120);

  await step("Two agents on each of three nodes, one for each class", async () => {
    await Promise.all(
      world.lab.nodes.flatMap((node) =>
        CLASSES.map((className) => world.startAgent(className, node))
      ),
    );
    await Promise.all(CLASSES.map((className) => served(world, className, START_MS)));
    return CLASSES.map((name) => `${name} on ${world.holder(name)}`).join(", ");
  });

  await step("A client connects to a VIP, again and again", async () => {
    await world.startTraffic(web.vip);
    const { node } = await world.traffic!.waitForAnswer(CHANGE_MS);
    assert.equal(node, world.holder("public-prod"));
    return `${web.vip} is answered by ${node}`;
  });

  await step("A new Service of class public-prod", async () => {
    const sinceMs = nowMs();
    const { vip } = world.createService("public-prod", "shop", "api", 102);
    const frame = await world.sniffer.waitForClaim(vip, CHANGE_MS, { sinceMs });
    await served(world, "public-prod", CHANGE_MS);
    return `announced after ${seconds(frame.atMs - sinceMs)}`;
  });
  await calm();

  let stopped: LabHost | undefined;
  await step("Graceful handover: SIGTERM to the holder of public-prod", async () => {
    const move = await moved(world, HANDOVER_MS, (agent) => agent.terminate());
    stopped = move.from;
    return move.outcome;
  });
  await calm();

  await step("The stopped agent starts again", async () => {
    const holder = world.holder("public-prod");
    await world.startAgent("public-prod", stopped!);
    await calm();
    assert.equal(world.holder("public-prod"), holder);
    return `no failback: the VIPs stay on ${holder}`;
  });

  await step(
    "Crash: SIGKILL to the holder of public-prod; connections fail until its Lease is over",
    async () => {
      return (await moved(world, CRASH_MS, (agent) => agent.kill())).outcome;
    },
  );
  await calm();

  await step("The Service without a class is left alone", () => {
    assert.deepEqual(world.watch.holdings.of(legacy.vip), [], "its address was on a node");
    assert.equal(world.status(legacy), undefined, "its status was written");
    return Promise.resolve("no address, no status");
  });

  await step("No VIP was ever on two nodes at a time", () => {
    world.watch.assertNoDoubles();
    const pauseMs = Math.ceil(world.watch.holdings.longestPauseMs);
    return Promise.resolve(`each node was looked at every 5 ms, at worst after ${pauseMs} ms`);
  });
}

/**
 * Resolves when every VIP of the class is on the one node that the Lease names, and in the
 * Service's status.
 */
async function served(world: World, className: ClassName, deadlineMs: number): Promise<void> {
  const problem = () => {
    const holder = world.holder(className);
    if (holder === undefined) return `the Lease of ${className} has no holder`;
    for (const service of world.servicesOf(className)) {
      const nodes = world.watch.holdings.holders(service.vip).map(({ host }) => host);
      if (nodes.join() !== holder) {
        return `${service.vip} is on ${nodes.join(" and ") || "no node"}, ${holder} has the Lease`;
      }
      if (world.status(service) !== service.vip) {
        return `the status of ${service.namespace}/${service.name} does not say ${service.vip}`;
      }
    }
    return undefined;
  };
  const endMs = nowMs() + deadlineMs;
  for (let found = problem(); found !== undefined; found = problem()) {
    const lost = world.lostAgent();
    if (lost !== undefined) throw new Error(`The agent "${lost}" ended by itself`);
    if (nowMs() > endMs) throw new Error(`After ${seconds(deadlineMs)}, ${found}`);
    await rest(LOOK_MS);
  }
}

/** Ends the holder of public-prod, waits for the next one, and says how long all that took. */
async function moved(
  world: World,
  limitMs: number,
  end: (agent: Agent) => Promise<unknown>,
): Promise<{ from: LabHost; outcome: string }> {
  const from = world.node(world.holder("public-prod")!);
  const others = world.lab.nodes.filter((node) => node !== from);
  const bystander = world.holder("private-dev");
  const sinceMs = nowMs();
  const ended = end(world.takeAgent("public-prod", from.name));
  const frames = await Promise.all(
    world.servicesOf("public-prod").map(({ vip }) =>
      world.sniffer.waitFor(
        (frame) =>
          frame.gratuitous && frame.senderIp === vip && frame.atMs > sinceMs &&
          others.some(({ mac }) => mac === frame.senderMac),
        limitMs,
      ).catch((cause) => {
        const problem = `No other node announced ${vip} within ${seconds(limitMs)}`;
        throw new Error(problem, { cause });
      })
    ),
  );
  await ended;
  await served(world, "public-prod", limitMs);
  const to = world.holder("public-prod")!;
  await world.traffic!.waitForAnswer(CHANGE_MS, { node: to, sinceMs });
  assert.equal(world.holder("private-dev"), bystander, "private-dev moved too");
  const times = frames.map(({ atMs }) => atMs - sinceMs);
  const gone = world.servicesOf("public-prod").flatMap(({ vip }) => world.watch.holdings.of(vip))
    .filter(({ host, toMs }) => host === from.name && toMs > sinceMs)
    .map(({ toMs }) => toMs - sinceMs);
  // What was begun in the gap must end before it can be counted.
  await rest(ATTEMPT_MS);
  const { longestGapMs, failures } = world.traffic!.summary(sinceMs - 100);
  return {
    from,
    outcome: `${from.name} → ${to}: its VIPs gone after ${seconds(Math.max(0, ...gone))}, ` +
      `first frame after ${seconds(Math.min(...times))}, traffic gap ${
        seconds(longestGapMs)
      }, failed connections ${failures}`,
  };
}

function calm(): Promise<void> {
  return rest(CALM_MS);
}
