import assert from "node:assert/strict";
import {
  accepted,
  balancer,
  type Body,
  type Case,
  lease,
  refused,
  service,
  slice,
} from "../session.ts";

const CHANGED =
  "the object has been modified; please apply your changes to the latest version and try again";

/** Writes of any resource: create, replace, patch, delete, compare-and-swap. */
export const writeCases: Case[] = [
  {
    name: "POST refuses what is there, and what has no namespace",
    async run(api) {
      accepted(await api.post(api.services, service("a")), 201);
      accepted(await api.post(api.leases, lease("a")), 201);
      refused(
        await api.post(api.services, service("a")),
        409,
        "AlreadyExists",
        'services "a" already exists',
        { name: "a", kind: "services" },
      );
      refused(
        await api.post(api.leases, lease("a")),
        409,
        "AlreadyExists",
        'leases.coordination.k8s.io "a" already exists',
        { name: "a", group: "coordination.k8s.io", kind: "leases" },
      );
      refused(
        await api.post("/api/v1/namespaces/nowhere/services", service("a")),
        404,
        "NotFound",
        'namespaces "nowhere" not found',
        { name: "nowhere", kind: "namespaces" },
      );
      refused(
        await api.post(api.services, service("b", {}, { namespace: "default" })),
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
      );
      refused(
        await api.post(api.services, service("b", {}, { resourceVersion: "5" })),
        500,
        undefined,
        "resourceVersion should not be set on objects to be created",
      );
    },
  },
  {
    name: "POST refuses bodies that cannot be read",
    async run(api) {
      const broken = await api.post(api.services, "{bad");
      assert.deepEqual([broken.status, broken.body.reason], [400, "BadRequest"]);
      const other = await api.post(api.services, { ...lease("a"), apiVersion: "v1" });
      refused(
        other,
        400,
        "BadRequest",
        'Lease in version "v1" cannot be handled as a Service: no kind "Lease" is registered for ' +
          'version "v1" in scheme "pkg/runtime/scheme.go:110"',
      );
    },
  },
  {
    name: "GET of what is not there is answered with 404",
    async run(api) {
      refused(await api.get(`${api.services}/x`), 404, "NotFound", 'services "x" not found', {
        name: "x",
        kind: "services",
      });
      const message = 'leases.coordination.k8s.io "x" not found';
      refused(await api.get(`${api.leases}/x`), 404, "NotFound", message);
      refused(await api.delete(`${api.leases}/x`), 404, "NotFound", message);
      refused(await api.patch(`${api.leases}/x`, { spec: {} }), 404, "NotFound", message);
    },
  },
  {
    name: "PUT and PATCH compare and swap on resourceVersion",
    async run(api) {
      const first = accepted(await api.post(api.leases, lease("a", { holderIdentity: "n1" })), 201);
      const path = `${api.leases}/a`;
      const taken = { ...first, spec: { holderIdentity: "n2" } };
      const second = accepted(await api.put(path, taken));
      assert.ok(Number(second.metadata.resourceVersion) > Number(first.metadata.resourceVersion));
      const message = `Operation cannot be fulfilled on leases.coordination.k8s.io "a": ${CHANGED}`;
      const details = { name: "a", group: "coordination.k8s.io", kind: "leases" };
      refused(await api.put(path, taken), 409, "Conflict", message, details);
      const patch = (metadata: object) =>
        api.patch(path, { metadata, spec: { holderIdentity: "n3" } });
      const { resourceVersion } = first.metadata;
      refused(await patch({ resourceVersion }), 409, "Conflict", message, details);
      assert.equal((await api.get(path)).body.spec.holderIdentity, "n2");
      const patched = accepted(
        await patch({ resourceVersion: second.metadata.resourceVersion, uid: second.metadata.uid }),
      );
      assert.equal(patched.spec.holderIdentity, "n3");
      accepted(await patch({ labels: { any: "time" } }));
      refused(
        await patch({ resourceVersion: "abc" }),
        500,
        undefined,
        'strconv.ParseUint: parsing "abc": invalid syntax',
      );
    },
  },
  {
    name: "PUT and PATCH refuse another uid",
    async run(api) {
      const created = accepted(await api.post(api.leases, lease("a")), 201);
      const path = `${api.leases}/a`;
      const { uid } = created.metadata;
      refused(
        await api.put(path, { ...created, metadata: { ...created.metadata, uid: "other" } }),
        409,
        "Conflict",
        'Operation cannot be fulfilled on leases.coordination.k8s.io "a": StorageError: invalid ' +
          `object, Code: 4, Key: /registry/leases/${api.namespace}/a, ResourceVersion: 0, ` +
          "AdditionalErrorMsg: Precondition failed: UID in precondition: other, UID in object " +
          `meta: ${uid}`,
      );
      refused(
        await api.patch(path, { metadata: { uid: "other" } }),
        422,
        "Invalid",
        'Lease.coordination.k8s.io "a" is invalid: metadata.uid: Invalid value: "other": field is ' +
          "immutable",
      );
      accepted(await api.patch(path, { metadata: { uid }, spec: { holderIdentity: "n1" } }));
    },
  },
  {
    name: "PUT without a resourceVersion overwrites a Service, and not a Lease",
    async run(api) {
      const created = accepted(await api.post(api.services, balancer("a")), 201);
      accepted(await api.post(api.leases, lease("a")), 201);
      const put = accepted(await api.put(`${api.services}/a`, balancer("a")));
      assert.equal(put.spec.clusterIP, created.spec.clusterIP);
      assert.equal(put.spec.ports[0].nodePort, created.spec.ports[0].nodePort);
      assert.equal(put.metadata.uid, created.metadata.uid);
      refused(
        await api.put(`${api.leases}/a`, lease("a", { holderIdentity: "n1" })),
        422,
        "Invalid",
        'leases.coordination.k8s.io "a" is invalid: metadata.resourceVersion: Invalid value: 0: ' +
          "must be specified for an update",
      );
    },
  },
  {
    name: "PUT creates Services and Leases that are not there",
    async run(api) {
      accepted(await api.put(`${api.leases}/a`, lease("a", { holderIdentity: "n1" })), 201);
      accepted(await api.put(`${api.services}/a`, service("a")), 201);
      const slices = await api.put(`${api.slices}/a`, slice("a", { addressType: "IPv4" }));
      const message = 'endpointslices.discovery.k8s.io "a" not found';
      refused(slices, 404, "NotFound", message);
    },
  },
  {
    name: "PUT and PATCH refuse another name",
    async run(api) {
      accepted(await api.post(api.services, service("a")), 201);
      const message = "the name of the object (b) does not match the name on the URL (a)";
      refused(await api.put(`${api.services}/a`, service("b")), 400, "BadRequest", message);
      refused(
        await api.patch(`${api.services}/a`, { metadata: { name: "b" } }),
        400,
        "BadRequest",
        message,
      );
    },
  },
  {
    name: "PATCH merges as RFC 7386 says",
    async run(api) {
      const metadata = { annotations: { keep: "1", drop: "1", change: "1" } };
      accepted(await api.post(api.services, balancer("a", "x", metadata)), 201);
      const path = `${api.services}/a`;
      const patched = accepted(
        await api.patch(path, {
          metadata: { annotations: { drop: null, change: "2", absent: null } },
          spec: { ports: [{ name: "web", port: 8080 }] },
        }),
      );
      assert.deepEqual(patched.metadata.annotations, { keep: "1", change: "2" });
      assert.deepEqual(patched.spec.ports.map((port: Body) => [port.name, port.port]), [[
        "web",
        8080,
      ]]);
      const broken = await api.send("PATCH", path, "{bad");
      assert.deepEqual([broken.status, broken.body.reason], [400, "BadRequest"]);
      const type = { "content-type": "application/json" };
      const untyped = await api.send("PATCH", path, {}, type);
      refused(untyped, 415, "UnsupportedMediaType", "415: Unsupported Media Type");
    },
  },
  {
    name: "a write that changes nothing makes no new version",
    async run(api) {
      const created = accepted(
        await api.post(api.leases, lease("a", { holderIdentity: "n1" })),
        201,
      );
      const { resourceVersion } = created.metadata;
      const path = `${api.leases}/a`;
      const put = accepted(await api.put(path, created));
      const patched = accepted(await api.patch(path, { spec: { holderIdentity: "n1" } }));
      assert.equal(put.metadata.resourceVersion, resourceVersion);
      assert.equal(patched.metadata.resourceVersion, resourceVersion);
    },
  },
  {
    name: "DELETE heeds preconditions and says what it deleted",
    async run(api) {
      const created = accepted(await api.post(api.services, service("a")), 201);
      const { uid, resourceVersion } =
        accepted(await api.post(api.leases, lease("a")), 201).metadata;
      const path = `${api.leases}/a`;
      const message = 'Operation cannot be fulfilled on Lease.coordination.k8s.io "a": the ';
      refused(
        await api.delete(path, { preconditions: { uid: "other" } }),
        409,
        "Conflict",
        `${message}UID in the precondition (other) does not match the UID in record (${uid}). The ` +
          "object might have been deleted and then recreated",
      );
      refused(
        await api.delete(path, { preconditions: { resourceVersion: "1" } }),
        409,
        "Conflict",
        `${message}ResourceVersion in the precondition (1) does not match the ResourceVersion in ` +
          `record (${resourceVersion}). The object might have been modified`,
      );
      const deleted = accepted(await api.delete(path, { preconditions: { uid, resourceVersion } }));
      assert.equal(deleted.status, "Success");
      assert.deepEqual(deleted.details, {
        name: "a",
        group: "coordination.k8s.io",
        kind: "leases",
        uid,
      });
      assert.equal((await api.get(path)).status, 404);
      const last = accepted(await api.delete(`${api.services}/a`));
      assert.equal(last.metadata.uid, created.metadata.uid);
      assert.ok(Number(last.metadata.resourceVersion) > Number(created.metadata.resourceVersion));
    },
  },
  {
    name: "DELETE waits for finalizers",
    async run(api) {
      const metadata = { finalizers: ["classvip.io/test"] };
      accepted(await api.post(api.services, service("a", {}, metadata)), 201);
      const path = `${api.services}/a`;
      const { metadata: marked } = accepted(await api.delete(path));
      assert.ok(marked.deletionTimestamp);
      assert.equal(marked.deletionGracePeriodSeconds, 0);
      const again = accepted(await api.delete(path)).metadata;
      assert.equal(again.resourceVersion, marked.resourceVersion);
      const more = await api.patch(path, {
        metadata: { finalizers: ["classvip.io/test", "a.b/c"] },
      });
      refused(
        more,
        422,
        "Invalid",
        'Service "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added ' +
          'if the object is being deleted, found new finalizers []string{"a.b/c"}',
      );
      await using watch = await api.watch(api.services, {
        resourceVersion: marked.resourceVersion,
      });
      accepted(await api.patch(path, { metadata: { finalizers: null } }));
      assert.equal((await watch.next())?.type, "DELETED");
      assert.equal((await api.get(path)).status, 404);
    },
  },
];
