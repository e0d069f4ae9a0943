import assert from "node:assert/strict";
import type { Action, Election, ElectionSettings } from "../../lib/election/election.ts";
import type { Purpose } from "../../lib/election/lease_writer.ts";
import type { Lease } from "../../lib/kube/types.ts";
import { lease, newElection, OWN } from "./parts.ts";

/** An action as one line. */
function show(action: Action): string {
  switch (action.kind) {
    case "read":
      return "read";
    case "write":
      return action.purpose;
    case "withdraw":
      return `withdraw: ${action.reason}`;
    case "wait":
      return `wait ${action.untilMs}`;
  }
}

/** The next action as one line. */
export const next = (election: Election, nowMs: number) => show(election.next(nowMs));

/** The write that is due. */
export function written(election: Election, nowMs: number): { purpose: Purpose; lease: Lease } {
  const action = election.next(nowMs);
  assert.equal(action.kind, "write");
  return action as Action & { kind: "write" };
}

/** Has read the Lease and has withdrawn what an earlier run left. */
export function standby(
  seen: Lease | undefined,
  nowMs: number,
  settings: Partial<ElectionSettings> = {},
): Election {
  const election = newElection(settings);
  election.seen(seen, "server", nowMs);
  if (election.next(nowMs).kind === "withdraw") election.withdrawn();
  return election;
}

/** Adopted its own Lease with a write that was sent at `sentAtMs`. */
export function holder(sentAtMs: number, settings: Partial<ElectionSettings> = {}): Election {
  const election = newElection(settings);
  election.seen(lease(OWN), "server", sentAtMs);
  const { purpose, lease: sent } = written(election, sentAtMs);
  election.succeeded(purpose, stored(sent, "11"), sentAtMs, sentAtMs);
  return election;
}

/** What the server answers to a write. */
export function stored(sent: Lease, resourceVersion: string): Lease {
  return { ...sent, metadata: { ...sent.metadata, uid: "uid-1", resourceVersion } };
}
