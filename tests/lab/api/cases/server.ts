import assert from "node:assert/strict";
import { accepted, type Case, refused, service, Session } from "../session.ts";

/** What holds for every path, and who may do what. */
export const serverCases: Case[] = [
  {
    name: "the server names its version and says that it is ready",
    async run(api) {
      const version = accepted(await api.get("/version"));
      assert.match(version.gitVersion, /^v1\.\d+\.\d+/);
      assert.equal(version.major, "1");
      assert.deepEqual((await api.get("/livez")).body, "ok");
      assert.deepEqual((await api.get("/readyz")).body, "ok");
    },
  },
  {
    name: "paths that do not exist are answered with 404",
    async run(api) {
      const message = "the server could not find the requested resource";
      refused(await api.get("/api/v1/nonsense"), 404, "NotFound", message);
      refused(await api.get(`${api.leases}/x/status`), 404, "NotFound", message);
      assert.deepEqual(await api.get("/nonsense").then(({ status, body }) => [status, body]), [
        404,
        "404 page not found\n",
      ]);
    },
  },
  {
    name: "methods that do not exist are answered with 405",
    async run(api) {
      const message = "the server does not allow this method on the requested resource";
      const named = await api.post(`${api.services}/x`, service("x"));
      refused(named, 405, "MethodNotAllowed", message);
      refused(await api.delete(`${api.services}/x/status`), 405, "MethodNotAllowed", message);
      refused(await api.post("/api/v1/services", service("x")), 405, "MethodNotAllowed", message);
    },
  },
  {
    name: "an unknown token is answered with 401, a lacking right with 403",
    async run(api) {
      if (!api.target.enforcesRights) return;
      const authorization = "Bearer of-nobody";
      refused(
        await api.send("GET", api.services, undefined, { authorization }),
        401,
        "Unauthorized",
        "Unauthorized",
      );
      const stranger = new Session({ ...api.target, headers: {} }, api.namespace);
      const user = 'is forbidden: User "system:anonymous" cannot';
      const where = `in the namespace "${api.namespace}"`;
      refused(
        await stranger.get(api.services),
        403,
        "Forbidden",
        `services ${user} list resource "services" in API group "" ${where}`,
        { kind: "services" },
      );
      refused(
        await stranger.patch(`${api.services}/a/status`, {}),
        403,
        "Forbidden",
        `services "a" ${user} patch resource "services/status" in API group "" ${where}`,
        { name: "a", kind: "services" },
      );
      refused(
        await stranger.get(`${api.leases}?watch=1&fieldSelector=metadata.name%3Da`),
        403,
        "Forbidden",
        `leases.coordination.k8s.io "a" ${user} watch resource "leases" in API group ` +
          `"coordination.k8s.io" ${where}`,
        { name: "a", group: "coordination.k8s.io", kind: "leases" },
      );
      refused(
        await stranger.get("/api/v1/services"),
        403,
        "Forbidden",
        `services ${user} list resource "services" in API group "" at the cluster scope`,
      );
      accepted(await stranger.get("/version"));
    },
  },
];
