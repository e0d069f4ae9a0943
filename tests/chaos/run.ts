import { nowMs, rest } from "../lab/clock.ts";
import { Actions, type Begun } from "./actions.ts";
import { AHEAD_MS } from "./clocks.ts";
import { Ground } from "./ground.ts";
import type { Claim, Fault, Recording, Saying } from "./recording.ts";
import { KINDS, occupied, schedule, type Step } from "./schedule.ts";

export interface RunOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly durationMs: number;
  /** Folder with etcd and kube-apiserver; without it the lab's own API server is used. */
  readonly assets: string | undefined;
  /** Agents with fast failover. */
  readonly fast: boolean;
}

/** The kernel gives each interface one of these. */
const LINK_LOCAL = "fe80:";
const START_DEADLINE_MS = 20_000;
/** The last addresses are looked at this long after the end. */
const AFTER_MS = 500;

/** Plays a schedule in the lab, and writes down what can be seen from outside. */
export async function play(options: RunOptions): Promise<Recording> {
  await using ground = await Ground.create(options);
  const { lab, watch, vips } = ground;
  await Promise.all(lab.nodes.map((node) => ground.start(node)));
  for (const vip of vips) await watch.waitForHolder(vip, START_DEADLINE_MS);
  const startMs = nowMs();
  const faults = await carryOut(ground, options, startMs);
  const stopMs = nowMs();
  const leftovers = await endAll(ground);
  const endedMs = nowMs();
  await rest(AFTER_MS);
  const wallMs = Date.now() - nowMs();
  return {
    seed: options.seed,
    fast: options.fast,
    nodes: lab.nodes.map(({ name }) => name),
    vips,
    startMs,
    stopMs,
    endedMs,
    holdings: watch.holdings.all.filter(({ ip }) =>
      !ip.startsWith(LINK_LOCAL) && lab.nodes.every((node) => ![node.ip, node.ip6].includes(ip))
    ),
    claims: claimsOf(ground),
    faults,
    sayings: sayingsOf(ground, wallMs),
    longestPauseMs: watch.holdings.longestPauseMs,
    leftovers,
  };
}

async function carryOut(ground: Ground, options: RunOptions, startMs: number): Promise<Fault[]> {
  const { assets, nodes, durationMs } = options;
  const clock = ground.clocks !== undefined;
  if (!clock) console.log("Wall clocks can't be set: libfaketime is not there");
  const steps = schedule({ ...options, embedded: !assets, clock });
  const actions = new Actions(ground);
  const faults: Fault[] = [];
  const busy = new Set<string>();
  const played: Promise<void>[] = [];
  for (const planned of steps) {
    await rest(startMs + planned.atMs - nowMs());
    const held = holderOf(ground) ?? planned.nodes;
    // On purpose the Lease is moved to another node than the holder.
    const other = planned.calm && planned.kind === "Lease moved"
      ? [(held[0]! + 1) % nodes]
      : planned.nodes;
    const step = { ...planned, nodes: planned.holder ? held : other };
    const keys = occupied(step.kind, step.nodes);
    // The holder's is taken, or the former one took longer than planned: an agent that can't release
    // waits before it ends.
    if (keys.some((key) => busy.has(key))) continue;
    for (const key of keys) busy.add(key);
    const one = carryOutOne(actions, ground, step, faults).finally(() => {
      for (const key of keys) busy.delete(key);
    });
    // Whatever fails ends the run below, and not before the lab can be taken down.
    one.catch(() => {});
    played.push(one);
  }
  await Promise.all(played);
  await rest(startMs + durationMs - nowMs());
  return faults;
}

/** Its index. @returns undefined when nobody has a VIP */
function holderOf({ lab, watch, vips }: Ground): number[] | undefined {
  const host = vips.flatMap((vip) => watch.holdings.holders(vip))[0]?.host;
  const index = lab.nodes.findIndex(({ name }) => name === host);
  return index === -1 ? undefined : [index];
}

async function carryOutOne(
  actions: Actions,
  { lab }: Ground,
  step: Step,
  faults: Fault[],
): Promise<void> {
  const fromMs = nowMs();
  const begun = await actions.begin(step);
  if (begun === undefined) return;
  await rest(fromMs + step.forMs - nowMs());
  await begun.end();
  const nodes = step.nodes.map((index) => lab.nodes[index]!.name);
  const over = step.forMs === 0 ? fromMs : nowMs();
  faults.push(faultOf(step, begun, nodes, fromMs, over));
}

/** Scopes of faults after which an agent may learn late of a new holder. */
const DELAYING: readonly string[] = ["process", "api", "cable", "server"];

function faultOf(
  { kind, calm }: Step,
  { note, flushed }: Begun,
  nodes: string[],
  fromMs: number,
  toMs: number,
): Fault {
  const traits = KINDS[kind];
  return {
    label: note === undefined ? kind : `${kind} ${note}`,
    nodes,
    fromMs,
    toMs,
    disables: "disables" in traits,
    setback: "setback" in traits,
    separates: "separates" in traits,
    delays: DELAYING.includes(traits.scope),
    calm: calm ?? false,
    ...flushed !== undefined && { flushed },
  };
}

/** Ends all agents. @returns what they left that is no address */
async function endAll(ground: Ground): Promise<string[]> {
  const left: string[] = [];
  await Promise.all(ground.lab.nodes.map(async (node) => {
    const { code } = await ground.agent(node).terminate();
    if (code !== 0) left.push(`the agent of ${node.name} ended with code ${code}`);
  }));
  const { spec } = await ground.readLease();
  if (spec?.holderIdentity) left.push(`the Lease names ${spec.holderIdentity} as its holder`);
  return left;
}

function claimsOf({ lab, bridges, vips }: Ground): Claim[] {
  const names = new Map(lab.nodes.map(({ mac, name }) => [mac, name]));
  return bridges.flatMap(({ reports }) =>
    reports.items.flatMap(({ atMs, gratuitous, senderMac, senderIp }): Claim[] => {
      const node = names.get(senderMac);
      if (!gratuitous || node === undefined || !vips.includes(senderIp)) return [];
      return [{ atMs, node, ip: senderIp }];
    })
  ).sort((a, b) => a.atMs - b.atMs);
}

/** @param wallMs how far the wall clock is ahead of the lab's */
function sayingsOf({ allAgents }: Ground, wallMs: number): Saying[] {
  return allAgents.flatMap(({ node, agent }) =>
    agent.logs.map(({ time, message, reason, error, holder, vip }) => {
      const details = [holder, vip, reason, error].filter((detail) => detail !== undefined);
      const saidMs = Date.parse(String(time)) - wallMs;
      // Said by a clock that was wrong at that time.
      const atMs = saidMs > nowMs() + AHEAD_MS / 2 ? saidMs - AHEAD_MS : saidMs;
      return { atMs, node, text: [message, ...details].join(" · ") };
    })
  );
}
