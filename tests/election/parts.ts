import { Election, type ElectionSettings } from "../../lib/election/election.ts";
import {
  ACCEPTED_ANNOTATION,
  HANDOVER_ANNOTATION,
  INCARNATION_ANNOTATION,
  PRIORITY_ANNOTATION,
  RELEASED_ANNOTATION,
  SCOPE_ANNOTATION,
} from "../../lib/election/lease_record.ts";
import { LeaseWriter } from "../../lib/election/lease_writer.ts";
import type { Lease } from "../../lib/kube/types.ts";

/** The times of the tests; a standby waits 10.1 s without jitter. */
export const SETTINGS: ElectionSettings = {
  identity: "node-a",
  incarnation: "boot-1",
  scope: "class blue",
  leaseDurationMs: 10_000,
  renewIntervalMs: 3000,
  fenceMarginMs: 500,
  clockDrift: 0.01,
  lifetimeRoomMs: 0,
  retryMs: 200,
  jitterMs: 0,
};
export const WAIT_MS = 10_100;
export const RIGHT_MS = 9500;

export const AT = { namespace: "kube-system", name: "classvip-blue" };

export function leaseWriter(settings: ElectionSettings = SETTINGS, wallClockMs = () => 0) {
  const { priority = 100 } = settings.preferences ?? {};
  return new LeaseWriter({ ...AT, ...settings, priority, annotations: {} }, wallClockMs);
}

export function newElection(more: Partial<ElectionSettings> = {}): Election {
  const settings = { ...SETTINGS, ...more };
  let wallClockMs = 1_700_000_000_000;
  return new Election(settings, leaseWriter(settings, () => wallClockMs += 1000), () => 0.5);
}

/** A Lease as some holder wrote it. */
export interface Sketch {
  holder?: string;
  incarnation?: string;
  scope?: string;
  term?: number;
  releasedTerm?: string;
  priority?: string;
  handoverTo?: string | undefined;
  acceptedBy?: string | undefined;
  seconds?: number;
  renewTime?: string;
  version?: string;
  uid?: string;
}

export function lease(sketch: Sketch = {}): Lease {
  const { scope = SETTINGS.scope } = sketch;
  const annotations = {
    [INCARNATION_ANNOTATION]: sketch.incarnation,
    [SCOPE_ANNOTATION]: scope === "" ? undefined : scope,
    [RELEASED_ANNOTATION]: sketch.releasedTerm,
    [PRIORITY_ANNOTATION]: sketch.priority,
    [HANDOVER_ANNOTATION]: sketch.handoverTo,
    [ACCEPTED_ANNOTATION]: sketch.acceptedBy,
  };
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      ...AT,
      uid: sketch.uid ?? "uid-1",
      resourceVersion: sketch.version ?? "10",
      annotations: Object.fromEntries(
        Object.entries(annotations).filter((entry): entry is [string, string] =>
          entry[1] !== undefined
        ),
      ),
    },
    spec: {
      holderIdentity: sketch.holder ?? "",
      leaseDurationSeconds: sketch.seconds ?? 10,
      leaseTransitions: sketch.term ?? 5,
      renewTime: sketch.renewTime ?? "2026-01-01T00:00:00.000000Z",
    },
  };
}

export const OWN = { holder: "node-a", incarnation: "boot-1" };
export const OTHER = { holder: "node-b", incarnation: "boot-2" };
