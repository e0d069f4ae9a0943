import assert from "node:assert/strict";
import {
  accepted,
  type Body,
  type Case,
  lease,
  refused,
  service,
  type WatchLine,
} from "../session.ts";

/** Watches. */
export const watchCases: Case[] = [
  {
    name: "a watch gives what happened since a version, in order",
    async run(api) {
      const { metadata: { resourceVersion } } = accepted(await api.get(api.leases));
      const created = accepted(
        await api.post(api.leases, lease("a", { holderIdentity: "n1" })),
        201,
      );
      await using watch = await api.watch(api.leases, { resourceVersion });
      assert.deepEqual(await watch.next(), { type: "ADDED", object: created });
      const renewed = accepted(await api.put(`${api.leases}/a`, { ...created, spec: {} }));
      assert.deepEqual(await watch.next(), { type: "MODIFIED", object: renewed });
      accepted(await api.delete(`${api.leases}/a`));
      const last = await watch.next();
      assert.equal(last?.type, "DELETED");
      assert.deepEqual(last.object.spec, renewed.spec);
      const version = (object: Body) => Number(object.metadata.resourceVersion);
      assert.ok(version(last.object) > version(renewed));
    },
  },
  {
    name: "a watch without a version starts with what is there",
    async run(api) {
      const a = accepted(await api.post(api.leases, lease("a")), 201);
      for (const query of [{}, { resourceVersion: "0" }] as Record<string, string>[]) {
        await using watch = await api.watch(api.leases, query);
        assert.deepEqual(await watch.next(), { type: "ADDED", object: a });
      }
    },
  },
  {
    name: "an object comes and goes for a watch as it starts and stops to match",
    async run(api) {
      const { metadata: { resourceVersion } } = accepted(await api.get(api.services));
      await using watch = await api.watch("/api/v1/services", {
        resourceVersion,
        fieldSelector: `spec.type=LoadBalancer,metadata.namespace=${api.namespace}`,
      });
      accepted(await api.post(api.services, service("plain")), 201);
      const path = `${api.services}/a`;
      accepted(await api.post(api.services, service("a")), 201);
      const type = (value: string) => api.patch(path, { spec: { type: value } });
      const balanced = accepted(await type("LoadBalancer"));
      assert.deepEqual(await watch.next(), { type: "ADDED", object: balanced });
      const away = accepted(await type("ClusterIP"));
      const { resourceVersion: gone } = away.metadata;
      const deleted = await watch.next();
      assert.equal(deleted?.type, "DELETED");
      assert.equal(deleted.object.spec.type, "LoadBalancer");
      assert.deepEqual(deleted.object.spec.ports, balanced.spec.ports);
      assert.equal(deleted.object.metadata.resourceVersion, gone);
      const back = accepted(await type("LoadBalancer"));
      assert.deepEqual(await watch.next(), { type: "ADDED", object: back });
    },
  },
  {
    name: "a watch can be for one name",
    async run(api) {
      const { metadata: { resourceVersion } } = accepted(await api.get(api.leases));
      const fieldSelector = "metadata.name=b";
      await using watch = await api.watch(api.leases, { resourceVersion, fieldSelector });
      accepted(await api.post(api.leases, lease("a")), 201);
      const b = accepted(await api.post(api.leases, lease("b")), 201);
      assert.deepEqual(await watch.next(), { type: "ADDED", object: b });
    },
  },
  {
    name: "a watch ends by itself after timeoutSeconds, with a bookmark before",
    async run(api) {
      const { metadata: { resourceVersion } } = accepted(await api.get(api.leases));
      await using watch = await api.watch(api.leases, {
        resourceVersion,
        timeoutSeconds: "4",
        allowWatchBookmarks: "true",
        fieldSelector: "metadata.name=b",
      });
      // Without progress the real one sends none.
      const other = accepted(await api.post(api.leases, lease("a")), 201).metadata;
      const bookmark = await watch.next();
      assert.equal(bookmark?.type, "BOOKMARK");
      assert.equal(bookmark.object.kind, "Lease");
      const version = Number(bookmark.object.metadata.resourceVersion);
      assert.ok(version >= Number(other.resourceVersion));
      let line: WatchLine | undefined;
      while ((line = await watch.next())) assert.equal(line.type, "BOOKMARK");
    },
  },
  {
    name: "a watch refuses versions and selectors that it cannot read",
    async run(api) {
      const message = 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": ' +
        "invalid syntax";
      refused(
        await api.get(`${api.leases}?watch=true&resourceVersion=abc`),
        500,
        undefined,
        message,
      );
      const fields = `${api.services}?watch=true&fieldSelector=foo%3Dbar`;
      refused(await api.get(fields), 400, "BadRequest", "field label not supported: foo");
    },
  },
];
