import assert from "node:assert/strict";
import { auditedRequests, classify, countByKind, isWrite } from "../../bench/requests.ts";

const lines = (events: object[]) => events.map((event) => JSON.stringify(event) + "\n").join("");

Deno.test("auditedRequests() counts a request once, however many events it has", () => {
  const watch = {
    auditID: "1",
    stage: "ResponseStarted",
    verb: "watch",
    sourceIPs: ["10.77.0.11"],
    objectRef: { resource: "leases" },
  };
  const patch = {
    auditID: "2",
    stage: "ResponseComplete",
    verb: "patch",
    sourceIPs: ["10.77.0.12", "proxy"],
    objectRef: { resource: "services", subresource: "status" },
  };
  assert.deepEqual(auditedRequests(lines([watch, patch, watch]) + '{"auditID":"3","ve'), [
    { verb: "watch", resource: "leases", sourceIp: "10.77.0.11", open: true },
    { verb: "patch", resource: "services/status", sourceIp: "10.77.0.12", open: false },
  ]);
  const ended = { ...watch, stage: "ResponseComplete" };
  assert.deepEqual(auditedRequests(lines([watch, patch, ended])).map(({ open }) => open), [
    false,
    false,
  ]);
  assert.deepEqual(auditedRequests(lines([{ auditID: "4", verb: "get" }])), [
    { verb: "get", resource: "", sourceIp: "", open: false },
  ]);
});

Deno.test("classify() says what the audit log would", () => {
  const leases = "/apis/coordination.k8s.io/v1/namespaces/a/leases";
  const kind = (method: string, path: string, query = {}) => {
    const { verb, resource } = classify(method, path, query);
    return `${verb} ${resource}`;
  };
  assert.equal(kind("GET", leases), "list leases");
  assert.equal(kind("GET", leases, { watch: "1" }), "watch leases");
  assert.equal(kind("GET", `${leases}/vip`), "get leases");
  assert.equal(kind("PUT", `${leases}/vip`), "update leases");
  assert.equal(kind("GET", "/api/v1/services", { watch: "true" }), "watch services");
  assert.equal(
    kind("PATCH", "/api/v1/namespaces/a/services/b/status"),
    "patch services/status",
  );
  assert.equal(kind("POST", "/api/v1/namespaces"), "create namespaces");
  assert.equal(kind("GET", "/version"), "list ");
});

Deno.test("isWrite() leaves out what only reads", () => {
  const verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
  const writes = verbs.filter((verb) =>
    isWrite({ verb, resource: "leases", sourceIp: "", open: false })
  );
  assert.deepEqual(writes, ["create", "update", "patch", "delete"]);
});

Deno.test("countByKind() has the most frequent first", () => {
  const request = (verb: string) => ({ verb, resource: "leases", sourceIp: "", open: false });
  assert.deepEqual(countByKind([request("get"), request("update"), request("update")]), [
    ["update leases", 2],
    ["get leases", 1],
  ]);
});
