import type { LabHost } from "../tests/lab/host.ts";
import type { AddressWatch } from "../tests/lab/invariants.ts";
import { nowMs } from "../tests/lab/clock.ts";
import { type Ground, rest } from "./ground.ts";
import type { Prober } from "./prober.ts";
import type { Ending, Team } from "./team.ts";

/** After an agent came: it has listed everything, and uses the processor no more. */
const SETTLE_MS = 1500;
/** After a take-over: what the old holder still sends would be heard by now. */
const AFTERMATH_MS = 300;
const BEFORE_MS = 50;
const HANDOVER_DEADLINE_MS = 60_000;

/** How one VIP went from one node to another. */
export interface Move {
  /** Signal sent → first frame in which the next owner announces the address. */
  readonly firstMs: number;
  /** Last frame or ARP answer of the old owner → the same. */
  readonly gapMs: number;
  /** Signal sent → the address is not on the old owner's interface; undefined: it stays there. */
  readonly goneMs: number | undefined;
  /** Both answered, or both had the address on their interface, at the same time. */
  readonly twoOwners: boolean;
  /** Resolves when the node stands by again: meanwhile another team may be measured. */
  readonly joined: Promise<void>;
}

/** What a round needs besides its team. */
export interface Observers {
  readonly ground: Ground;
  readonly prober: Prober;
  readonly watch: AddressWatch;
}

/**
 * Ends the holder's agent and watches the VIP go; then the node begins to join again.
 *
 * @param ending "node": its cable is cut, and all that runs there is killed, at the same instant
 * @param settleMs how long nothing happens before
 */
export async function move(
  { ground, prober, watch }: Observers,
  team: Team,
  ending: Ending,
  settleMs = SETTLE_MS,
): Promise<Move> {
  const { vip } = team;
  const { host } = await watch.waitForHolder(vip, HANDOVER_DEADLINE_MS);
  const old = ground.lab.nodes.find(({ name }) => name === host)!;
  await rest(settleMs);
  prober.wake();
  await rest(BEFORE_MS);
  const sentMs = nowMs();
  if (ending === "node") await old.linkDown();
  const ended = team.end(old, ending === "SIGTERM" ? ending : "SIGKILL");
  const deadlineMs = ending === "SIGTERM" ? HANDOVER_DEADLINE_MS : team.patienceMs;
  const first = await ground.sniffer.waitFor(
    ({ gratuitous, senderIp, senderMac, atMs }) =>
      gratuitous && senderIp === vip && senderMac !== old.mac && atMs > sentMs,
    deadlineMs,
    ground.sniffer.frames.length,
  );
  await rest(AFTERMATH_MS);
  prober.sleep();
  await watch.caughtUp(HANDOVER_DEADLINE_MS);
  const frames = ground.claims(vip, sentMs - BEFORE_MS);
  const last = frames.findLast(({ senderMac, atMs }) =>
    // An owner that stays on answers for ever: what counts is when the next one was heard.
    senderMac === old.mac && (team.cleansUp || atMs < first.atMs)
  );
  const next = frames.find(({ senderMac, atMs }) => senderMac !== old.mac && atMs > sentMs)!;
  const holding = watch.holdings.of(vip).findLast(({ host }) => host === old.name)!;
  const result = {
    firstMs: first.atMs - sentMs,
    gapMs: first.atMs - (last?.atMs ?? sentMs),
    goneMs: holding.open ? undefined : Math.max(0, holding.toMs - sentMs),
    twoOwners: frames.some(({ senderMac, atMs }) => senderMac === old.mac && atMs > next.atMs) ||
      watch.holdings.doubles().some((double) => double.ip === vip && double.toMs > sentMs),
  };
  await ended;
  if (holding.open) await removeLeftover(old, vip);
  if (ending === "node") await old.linkUp();
  const joined = team.join(old);
  // Whoever awaits it hears of a failure.
  joined.catch(() => {});
  return { ...result, joined };
}

/** Moves of one team, one after another. */
export async function moves(
  observers: Observers,
  team: Team,
  ending: Ending,
  rounds: number,
  settleMs?: number,
): Promise<Move[]> {
  const made: Move[] = [];
  for (let i = 0; i < rounds; i++) {
    made.push(await move(observers, team, ending, settleMs));
    await made.at(-1)!.joined;
  }
  return made;
}

/** Takes away what a dead owner left, so that the next round begins like the first. */
async function removeLeftover(node: LabHost, vip: string): Promise<void> {
  for (const { ip, interface: name, prefixLength } of await node.addresses()) {
    if (ip === vip) await node.exec(["ip", "address", "del", `${ip}/${prefixLength}`, "dev", name]);
  }
}
