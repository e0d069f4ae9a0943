import { Election, type ElectionSettings } from "../../lib/election/election.ts";
import {
  INCARNATION_ANNOTATION,
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
  retryMs: 200,
  jitterMs: 0,
};
export const WAIT_MS = 10_100;
export const RIGHT_MS = 9500;

export const AT = { namespace: "kube-system", name: "classvip-blue" };

export function leaseWriter(settings: ElectionSettings = SETTINGS, wallClockMs = () => 0) {
  return new LeaseWriter({ ...AT, ...settings, annotations: {} }, wallClockMs);
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
  seconds?: number;
  renewTime?: string;
  version?: string;
  uid?: string;
}

export function lease(sketch: Sketch = {}): Lease {
  const { incarnation, scope = SETTINGS.scope, releasedTerm } = sketch;
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      ...AT,
      uid: sketch.uid ?? "uid-1",
      resourceVersion: sketch.version ?? "10",
      annotations: {
        ...(incarnation !== undefined && { [INCARNATION_ANNOTATION]: incarnation }),
        ...(scope !== "" && { [SCOPE_ANNOTATION]: scope }),
        ...(releasedTerm !== undefined && { [RELEASED_ANNOTATION]: releasedTerm }),
      },
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
