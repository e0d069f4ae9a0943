import type { Lease } from "../../lib/kube/types.ts";
import type { Node } from "./node.ts";
import type { Action } from "./schedule.ts";
import { WHO_HOLDS } from "./schedule.ts";
import { disturb, isSegmentKind } from "./segment_actions.ts";
import type { World } from "./world.ts";

/** Makes an action happen. */
export function happen(world: World, action: Action): void {
  const { timeline, schedule, server, nodes } = world;
  const { kind, ms, amount } = action;
  const node = nodes[action.node === WHO_HOLDS ? holder(nodes) : action.node]!;
  const { machine, wire } = node;
  const size = Math.abs(amount);
  // Mostly about as long as a request may take, now and then far longer.
  const delayMs = schedule.leaseDurationMs * (size < 0.8 ? 0.1 + size / 6 : 2 * size);
  const note = (text: string) => world.note(node.name, text);
  const lasting = (text: string) => note(`${text} for ${Math.round(ms)} ms`);
  // A process that sleeps with its machine gets no signals.
  if (machine.asleep && (kind === "stall" || kind === "crash" || kind === "terminate")) return;
  const startAgain = () => timeline.after(ms, () => node.start());
  if (isSegmentKind(kind)) {
    lasting(kind);
    return disturb(world.fast!, { ...action, kind }, node);
  }
  switch (kind) {
    case "stall":
      lasting("SIGSTOP");
      return node.stall(ms);
    case "crash":
      lasting("SIGKILL, down");
      node.kill();
      return startAgain();
    case "terminate":
      lasting("SIGTERM, then down");
      node.terminate();
      return startWhenEnded(world, node, timeline.nowMs + ms);
    case "reboot":
      lasting("power off");
      node.powerOff();
      return startAgain();
    case "suspend":
      lasting("suspended");
      return machine.suspend(ms);
    case "set wall clock": {
      const byMs = Math.sign(amount) * 10 ** (8 * size);
      note(`wall clock set by ${Math.round(byMs)} ms`);
      return machine.setWallClock(byMs);
    }
    case "slow requests":
    case "slow answers":
    case "late watch":
      lasting(`${kind}: up to ${Math.round(delayMs)} ms`);
      return wire.trouble(kind, ms, { delayMs });
    case "lost requests":
    case "lost answers":
    case "errors":
    case "repeated requests":
      lasting(`${kind}: ${Math.round(size * 100)} %`);
      return wire.trouble(kind, ms, { chance: size, delayMs: schedule.leaseDurationMs });
    case "cut off":
      lasting(kind);
      wire.trouble("lost requests", ms, { chance: 1 });
      wire.trouble("lost answers", ms, { chance: 1 });
      return wire.trouble("late watch", ms, { delayMs: ms });
    case "break watch":
      note(`watch broken, listed again in ${Math.round(ms)} ms`);
      return node.watch?.restart(ms, Math.floor(size * 4));
    case "stop server":
      world.note("", `API server away for ${Math.round(ms)} ms`);
      server.downUntilMs = Math.max(server.downUntilMs, timeline.nowMs + ms);
      for (const { watch } of nodes) watch?.restart(ms, Math.floor(size * 4));
      return;
    case "delete Lease":
      return server.delete("somebody");
    default:
      return server.edit((lease) => edited(lease, kind, amount, nodes), `somebody: ${kind},`);
  }
}

function holder(nodes: readonly Node[]): number {
  return Math.max(0, nodes.findIndex(({ present }) => present));
}

function startWhenEnded(world: World, node: Node, notBeforeMs: number): void {
  const { process } = node;
  const look = () => {
    if (process?.alive) world.timeline.after(100, look);
    else node.start();
  };
  world.timeline.at(notBeforeMs, look);
}

function edited(lease: Lease, kind: Action["kind"], amount: number, nodes: readonly Node[]): Lease {
  const one = <T>(items: readonly T[]) => items[Math.floor(Math.abs(amount) * items.length)]!;
  const { metadata, spec } = lease;
  switch (kind) {
    case "empty holder":
      return { ...lease, spec: { ...spec, holderIdentity: "" } };
    case "rename holder":
      return { ...lease, spec: { ...spec, holderIdentity: one(nodes).identity } };
    case "edit duration": {
      const leaseDurationSeconds = one([0, 1, LONGEST_EDIT_SECONDS, -3]);
      return { ...lease, spec: { ...spec, leaseDurationSeconds } };
    }
    case "strip annotations":
      return { ...lease, metadata: { ...metadata, annotations: {} } };
    default:
      return { ...lease, metadata: { ...metadata, labels: { by: "hand" } } };
  }
}

/** The longest duration that somebody writes into the Lease. */
export const LONGEST_EDIT_SECONDS = 20;
