import assert from "node:assert/strict";
import { accessOf } from "../../lib/kube/refusal.ts";
import type { RequestOptions } from "../../lib/kube/types.ts";

Deno.test("accessOf() names a request in the words of a role's rules", () => {
  const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
  const watch = { query: { watch: "true" } };
  const cases: [RequestOptions, string][] = [
    [{ method: "GET", path: "/api/v1/services" }, "list services"],
    [{ method: "GET", path: "/api/v1/services", ...watch }, "watch services"],
    [{ method: "GET", path: "/api/v1/namespaces/a" }, "get namespaces"],
    [
      { method: "PATCH", path: "/api/v1/namespaces/a/services/b/status" },
      "patch services/status a",
    ],
    [{ method: "POST", path: leases }, "create coordination.k8s.io leases kube-system"],
    [{ method: "PUT", path: `${leases}/x` }, "update coordination.k8s.io leases kube-system"],
    [{ method: "DELETE", path: `${leases}/x` }, "delete coordination.k8s.io leases kube-system"],
    [{ method: "GET", path: "/version" }, ""],
  ];
  for (const [options, expected] of cases) {
    const { verb, group, resource, namespace } = accessOf(options) ?? {};
    assert.equal([verb, group, resource, namespace].filter(Boolean).join(" "), expected);
  }
});
