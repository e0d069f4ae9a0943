import assert from "node:assert/strict";
import {
  ACCEPTED_ANNOTATION,
  HANDOVER_ANNOTATION,
  INCARNATION_ANNOTATION,
  PRIORITY_ANNOTATION,
  readLease,
  RELEASED_ANNOTATION,
  sameRecord,
  SCOPE_ANNOTATION,
} from "../../lib/election/lease_record.ts";
import { LeaseWriter } from "../../lib/election/lease_writer.ts";
import { AT, lease, leaseWriter, OTHER, OWN, SETTINGS } from "./parts.ts";

const NOW = "2023-11-14T22:13:20.123000Z";
const writer = leaseWriter(SETTINGS, () => 1_700_000_000_123);

Deno.test("compose() makes a Lease without a holder: a create proves no right", () => {
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

Deno.test("compose() writes client-go's record when it takes a Lease", () => {
  const { metadata, spec } = writer.compose("acquire", lease({ term: 7, releasedTerm: "7" }));
  assert.deepEqual(metadata?.annotations, {
    [SCOPE_ANNOTATION]: "class blue",
    [INCARNATION_ANNOTATION]: "boot-1",
    [PRIORITY_ANNOTATION]: "100",
  });
  assert.deepEqual(spec, {
    holderIdentity: "node-a",
    leaseDurationSeconds: 10,
    acquireTime: NOW,
    renewTime: NOW,
    leaseTransitions: 8,
  });
});

Deno.test("compose() writes the priority of the holder, and leaves another's behind", () => {
  const who = { ...AT, ...SETTINGS, annotations: {}, priority: 30 };
  const taken = new LeaseWriter(who, () => 0).compose("acquire", lease({ priority: "80" }));
  assert.equal(readLease(taken).priority, 30);
});

Deno.test("compose() accepts a handover without touching the record", () => {
  const base = lease({ ...OTHER, term: 5, handoverTo: "node-a", priority: "80" });
  base.metadata!.managedFields = [{ manager: "kubectl" }];
  const copy = structuredClone(base);
  const accepted = writer.compose("accept", base);
  assert.deepEqual(base, copy, "the base is left alone");
  assert.ok(sameRecord(base, accepted));
  assert.deepEqual(accepted.spec, base.spec);
  assert.equal(accepted.metadata?.resourceVersion, "10");
  assert.ok(!("managedFields" in accepted.metadata!));
  assert.deepEqual(readLease(accepted), { ...readLease(base), handoverAccepted: true });
});

Deno.test("compose() asks for a handover in this node's own name where nobody was named", () => {
  const { handoverTo, handoverAccepted } = readLease(writer.compose("accept", lease(OTHER)));
  assert.deepEqual([handoverTo, handoverAccepted], ["node-a", true]);
});

Deno.test("compose() keeps a handover through renewal and release, and ends it when it acquires", () => {
  const asked = { handoverTo: "node-b", acceptedBy: "node-b" };
  for (const purpose of ["renew", "release"] as const) {
    const { handoverTo, handoverAccepted } = readLease(
      writer.compose(purpose, lease({ ...OWN, ...asked })),
    );
    assert.deepEqual([handoverTo, handoverAccepted], ["node-b", true], purpose);
  }
  for (const before of [OTHER, { releasedTerm: "5" }, { ...OWN, incarnation: "boot-0" }]) {
    const { metadata } = writer.compose("acquire", lease({ ...before, ...asked }));
    assert.equal(metadata?.annotations?.[HANDOVER_ANNOTATION], undefined);
    assert.equal(metadata?.annotations?.[ACCEPTED_ANNOTATION], undefined);
  }
});

Deno.test("compose() strikes a handover to the holder itself out", () => {
  const asked = lease({ ...OWN, handoverTo: "node-a", acceptedBy: "node-b" });
  const { metadata } = writer.compose("renew", asked);
  assert.equal(metadata?.annotations?.[HANDOVER_ANNOTATION], undefined);
  assert.equal(metadata?.annotations?.[ACCEPTED_ANNOTATION], undefined);
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
  const writer = new LeaseWriter(who, () => 0);
  assert.deepEqual(writer.compose("create", undefined).metadata?.annotations, {
    owner: "me",
    [SCOPE_ANNOTATION]: "class blue",
  });
  assert.deepEqual(writer.compose("acquire", lease()).metadata?.annotations, {
    owner: "me",
    [SCOPE_ANNOTATION]: "class blue",
    [INCARNATION_ANNOTATION]: "boot-1",
    [PRIORITY_ANNOTATION]: "100",
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

Deno.test("compose() carries what the holder has to say, and leaves it to the next one", () => {
  let carried: Record<string, string | undefined> = { "classvip.io/x": "1" };
  const who = { ...AT, ...SETTINGS, annotations: {} };
  const carrying = new LeaseWriter(who, () => 0, () => carried);
  const held = carrying.compose("renew", lease(OWN));
  assert.equal(held.metadata?.annotations?.["classvip.io/x"], "1");
  const said = (written: typeof held) => written.metadata?.annotations?.["classvip.io/x"];
  carried = {};
  assert.equal(said(carrying.compose("release", held)), "1");
  assert.equal(said(carrying.compose("acquire", held)), "1");
  carried = { "classvip.io/x": undefined };
  assert.equal(said(carrying.compose("renew", held)), undefined);
  assert.equal(said(carrying.compose("release", held)), "1", "only what it writes as the holder");
});

Deno.test("compose() names the heir, and leaves what a holder carries to it", () => {
  const carried = { "classvip.io/allocating": "the former holder's" };
  const writer = new LeaseWriter(
    { ...AT, ...SETTINGS, priority: 40, annotations: {} },
    () => 0,
    () => carried,
  );
  const heir = { node: "node-b", incarnation: "boot-2", priority: 80, token: "token-b" };
  const asked = { handoverTo: "node-c", acceptedBy: "node-c", releasedTerm: "4" };
  const { spec, metadata } = writer.compose("handOver", lease({ ...OWN, ...asked }), 0, heir);
  assert.deepEqual(metadata?.annotations, {
    "classvip.io/incarnation": "boot-2",
    "classvip.io/scope": "class blue",
    "classvip.io/priority": "80",
    "classvip.io/handed-over-for": "token-b",
  });
  assert.deepEqual([spec?.holderIdentity, spec?.leaseTransitions], ["node-b", 6]);
  assert.equal(spec?.acquireTime, spec?.renewTime);
});
