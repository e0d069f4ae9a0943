import assert from "node:assert/strict";
import { accepted, type Case, lease, refused, service, slice } from "../session.ts";

/** What is particular to Leases, Events, EndpointSlices, Nodes and Namespaces. */
export const resourceCases: Case[] = [
  {
    name: "a Lease's numbers and times are checked",
    async run(api) {
      const post = (spec: object) => api.post(api.leases, lease("a", spec));
      refused(
        await post({ leaseDurationSeconds: 0 }),
        422,
        "Invalid",
        'Lease.coordination.k8s.io "a" is invalid: spec.leaseDurationSeconds: Invalid value: 0: ' +
          "must be greater than 0",
      );
      refused(
        await post({ leaseDurationSeconds: -1, leaseTransitions: -1 }),
        422,
        "Invalid",
        'Lease.coordination.k8s.io "a" is invalid: [spec.leaseDurationSeconds: Invalid value: -1: ' +
          "must be greater than 0, spec.leaseTransitions: Invalid value: -1: must be greater than " +
          "or equal to 0]",
      );
      const undecodable = 'Lease in version "v1" cannot be handled as a Lease: ';
      const layout = '"2006-01-02T15:04:05.000000Z07:00"';
      refused(
        await post({ renewTime: "2024-01-01T00:00:00Z" }),
        400,
        "BadRequest",
        `${undecodable}parsing time "2024-01-01T00:00:00Z" as ${layout}: cannot parse "Z" as ` +
          '".000000"',
      );
      refused(
        await post({ renewTime: "2024-01-01T00:00:00.123Z" }),
        400,
        "BadRequest",
        `${undecodable}parsing time "2024-01-01T00:00:00.123Z" as ${layout}: cannot parse ` +
          '".123Z" as ".000000"',
      );
      refused(
        await post({ renewTime: "soon" }),
        400,
        "BadRequest",
        `${undecodable}parsing time "soon" as ${layout}: cannot parse "soon" as "2006"`,
      );
      refused(
        await post({ leaseDurationSeconds: "5" }),
        400,
        "BadRequest",
        `${undecodable}json: cannot unmarshal string into Go struct field ` +
          "LeaseSpec.spec.leaseDurationSeconds of type int32",
      );
      refused(
        await post({ leaseDurationSeconds: 5.5 }),
        400,
        "BadRequest",
        `${undecodable}json: cannot unmarshal number 5.5 into Go struct field ` +
          "LeaseSpec.spec.leaseDurationSeconds of type int32",
      );
      const times = {
        acquireTime: "2024-01-01T00:00:00.000001Z",
        renewTime: "2024-01-01T02:00:00.123456+02:00",
      };
      const created = accepted(await post({ holderIdentity: null, ...times }), 201);
      assert.deepEqual(created.spec, {
        acquireTime: "2024-01-01T00:00:00.000001Z",
        renewTime: "2024-01-01T00:00:00.123456Z",
      });
      const patch = await api.patch(`${api.leases}/a`, {
        spec: { renewTime: "2024-01-01T00:00:00Z" },
      });
      assert.deepEqual([patch.status, patch.body.reason], [422, "Invalid"]);
      assert.match(patch.body.message, /^ "" is invalid: patch: Invalid value: .* as ".000000"$/);
      assert.equal(patch.body.details.causes[0].field, "patch");
    },
  },
  {
    name: "Events are named by the server and belong to their object's namespace",
    async run(api) {
      const event = (involvedObject: object) => ({
        metadata: { generateName: "a." },
        involvedObject: { kind: "Service", name: "a", ...involvedObject },
        reason: "Announced",
        message: "m",
        type: "Normal",
        source: { component: "classvip" },
        firstTimestamp: "2024-01-01T00:00:00Z",
        lastTimestamp: "2024-01-01T00:00:00Z",
        count: 1,
      });
      const created = accepted(
        await api.post(api.events, event({ namespace: api.namespace })),
        201,
      );
      assert.match(created.metadata.name, /^a\.[a-z0-9]{5}$/);
      assert.equal(
        accepted(await api.get(`${api.events}?fieldSelector=reason%3DAnnounced`)).items.length,
        1,
      );
      const counted = { count: 2, lastTimestamp: "2024-01-01T00:01:00Z" };
      const patched = accepted(await api.patch(`${api.events}/${created.metadata.name}`, counted));
      assert.equal(patched.count, 2);
      const astray = await api.post(api.events, event({ namespace: "kube-system" }));
      assert.equal(astray.status, 422);
      assert.deepEqual(astray.body.details.causes, [{
        reason: "FieldValueInvalid",
        message: 'Invalid value: "kube-system": does not match event.namespace',
        field: "involvedObject.namespace",
      }]);
      const node = await api.post("/api/v1/namespaces/default/events", event({ kind: "Node" }));
      accepted(node, 201);
      accepted(await api.delete(`/api/v1/namespaces/default/events/${node.body.metadata.name}`));
    },
  },
  {
    name: "EndpointSlices have an address type for good, and a generation",
    async run(api) {
      const path = `${api.slices}/a`;
      const invalid = 'EndpointSlice.discovery.k8s.io "a" is invalid: addressType: ';
      refused(await api.post(api.slices, slice("a")), 422, "Invalid", `${invalid}Required value`);
      const endpoints = [{ addresses: ["192.0.2.1"], conditions: { ready: true }, nodeName: "n1" }];
      const fields = { addressType: "IPv4", endpoints };
      const created = accepted(await api.post(api.slices, slice("a", fields)), 201);
      assert.equal(created.metadata.generation, 1);
      assert.deepEqual(created.endpoints, endpoints);
      const labelled = accepted(await api.patch(path, { metadata: { annotations: { a: "b" } } }));
      assert.equal(labelled.metadata.generation, created.metadata.generation);
      assert.equal(accepted(await api.patch(path, { endpoints: [] })).metadata.generation, 2);
      const other = await api.patch(path, { addressType: "FQDN" });
      refused(other, 422, "Invalid", `${invalid}Invalid value: "FQDN": field is immutable`);
    },
  },
  {
    name: "Nodes have no namespace and a status of their own",
    async run(api) {
      const name = `node-${api.namespace}`;
      const node = { apiVersion: "v1", kind: "Node", metadata: { name } };
      const created = accepted(await api.post("/api/v1/nodes", node), 201);
      assert.equal(created.metadata.namespace, undefined);
      const path = `/api/v1/nodes/${name}`;
      const ready = { status: { conditions: [{ type: "Ready", status: "True" }] } };
      assert.equal(accepted(await api.patch(path, ready)).status.conditions, undefined);
      const patched = accepted(await api.patch(`${path}/status`, ready));
      assert.equal(patched.status.conditions[0].type, "Ready");
      const { details, status } = accepted(await api.delete(path));
      assert.equal(status, "Success");
      assert.deepEqual(details, { name, kind: "nodes", uid: created.metadata.uid });
    },
  },
  {
    name: "a namespace that is deleted takes nothing new",
    async run(api) {
      const path = `/api/v1/namespaces/${api.namespace}`;
      const { metadata, status } = accepted(await api.delete(path));
      assert.equal(status.phase, "Terminating");
      assert.ok(metadata.deletionTimestamp);
      refused(
        await api.post(api.services, service("a")),
        403,
        "Forbidden",
        `services "a" is forbidden: unable to create new content in namespace ${api.namespace} ` +
          "because it is being terminated",
      );
    },
  },
];
