import assert from "node:assert/strict";
import {
  INCARNATION_ANNOTATION,
  readLease,
  RELEASED_ANNOTATION,
  SCOPE_ANNOTATION,
} from "../../lib/election/lease_record.ts";
import { LeaseWriter } from "../../lib/election/lease_writer.ts";
import { AT, lease, leaseWriter, OTHER, OWN, SETTINGS } from "./parts.ts";

const NOW = "2023-11-14T22:13:20.123000Z";
const writer = leaseWriter(SETTINGS, () => 1_700_000_000_123);

Deno.test("compose() writes client-go's record for a new Lease, without a holder", () => {
  assert.deepEqual(writer.compose("create", undefined, 7), {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      ...AT,
      labels: { "app.kubernetes.io/managed-by": "classvip" },
      annotations: { [SCOPE_ANNOTATION]: "class blue" },
    },
    spec: {
      holderIdentity: "",
      leaseDurationSeconds: 10,
      acquireTime: NOW,
      renewTime: NOW,
      leaseTransitions: 7,
    },
  });
});

Deno.test("compose() keeps what others put on the Lease, but for managedFields", () => {
  const base = lease(OTHER);
  base.metadata = {
    ...base.metadata,
    labels: { team: "net" },
    annotations: { ...base.metadata?.annotations, note: "kept" },
    ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "n", uid: "u" }],
    managedFields: [{ manager: "kubectl" }],
  };
  base.spec = { ...base.spec, preferredHolder: "node-c", strategy: "OldestEmulationVersion" };
  const copy = structuredClone(base);
  const sent = writer.compose("acquire", base);
  assert.deepEqual(base, copy, "the base is left alone");
  assert.deepEqual(sent.metadata?.labels, {
    team: "net",
    "app.kubernetes.io/managed-by": "classvip",
  });
  assert.equal(sent.metadata?.annotations?.note, "kept");
  assert.equal(sent.metadata?.ownerReferences?.length, 1);
  assert.ok(!("managedFields" in sent.metadata!));
  assert.equal(sent.metadata?.resourceVersion, "10");
  assert.equal(sent.metadata?.uid, "uid-1");
  assert.equal(sent.spec?.preferredHolder, "node-c");
  assert.equal(sent.spec?.strategy, "OldestEmulationVersion");
});

Deno.test("compose() puts the configured annotations on the Lease, never over its own", () => {
  const who = {
    ...AT,
    ...SETTINGS,
    annotations: { owner: "me", [SCOPE_ANNOTATION]: "x", [INCARNATION_ANNOTATION]: "x" },
  };
  const annotations = new LeaseWriter(who, () => 0).compose("acquire", lease())
    .metadata?.annotations;
  assert.deepEqual(annotations, {
    owner: "me",
    [SCOPE_ANNOTATION]: "class blue",
    [INCARNATION_ANNOTATION]: "boot-1",
  });
});

Deno.test("compose() counts a new term only when the holder changes", () => {
  const base = lease({ ...OWN, term: 5 });
  base.spec!.acquireTime = "before";
  const renewed = writer.compose("renew", base);
  assert.equal(renewed.spec?.leaseTransitions, 5);
  assert.equal(renewed.spec?.acquireTime, "before");
  assert.equal(renewed.spec?.renewTime, NOW);
  for (const foreign of [OTHER, { holder: "node-a", incarnation: "boot-0" }, {}]) {
    const acquired = writer.compose("acquire", lease({ ...foreign, term: 5 }));
    assert.equal(acquired.spec?.leaseTransitions, 6);
    assert.equal(acquired.spec?.acquireTime, NOW);
  }
});

Deno.test("compose() leaves a proof of the withdrawal only when it releases", () => {
  const base = lease({ ...OWN, term: 5, releasedTerm: "3" });
  assert.equal(
    writer.compose("renew", base).metadata?.annotations?.[RELEASED_ANNOTATION],
    undefined,
  );
  const released = readLease(writer.compose("release", base));
  assert.equal(released.holder, undefined);
  assert.equal(released.incarnation, undefined);
  assert.equal(released.releasedTerm, 5);
  assert.equal(released.term, 5);
  assert.equal(released.scope, "class blue");
});
