import assert from "node:assert/strict";
import type { Service } from "../../lib/kube/types.ts";
import { viewService } from "../../lib/services/service_view.ts";
import { service, view } from "./views.ts";

Deno.test("viewService() keeps what decides", () => {
  const seen = viewService(service("web", { wish: "192.0.2.1", shows: ["192.0.2.1"] }));
  assert.deepEqual(seen, {
    key: "shop/web",
    namespace: "shop",
    name: "web",
    uid: "uid-web",
    resourceVersion: undefined,
    createdAt: "2026-01-01T00:00:00Z",
    loadBalancer: true,
    loadBalancerClass: "blue",
    deleting: false,
    ignored: false,
    wished: ["192.0.2.1"],
    wishedBy: "classvip.io/addresses",
    wishedInterface: undefined,
    families: [],
    familyPolicy: "SingleStack",
    labels: {},
    wishedPool: undefined,
    sharingKey: undefined,
    ports: [],
    localBackends: undefined,
    unsupported: [],
    clusterIps: [],
    ingress: [{ ip: "192.0.2.1", ipMode: "VIP" }],
  });
});

Deno.test("viewService() reads a Service with nothing in it", () => {
  const seen = viewService({} as Service);
  assert.deepEqual([seen.loadBalancer, seen.wished, seen.ingress], [false, [], []]);
  assert.deepEqual(viewService({ status: { loadBalancer: {} } } as Service).ingress, []);
});

Deno.test("viewService() takes the strongest wish that says something", () => {
  const kubeVip = { "kube-vip.io/loadbalancerIPs": "192.0.2.2" };
  const cases: [Parameters<typeof view>[1], string[], string][] = [
    [
      { wish: "192.0.2.1", annotations: kubeVip, loadBalancerIP: "192.0.2.3" },
      ["192.0.2.1"],
      "classvip.io/addresses",
    ],
    [
      { annotations: kubeVip, loadBalancerIP: "192.0.2.3" },
      ["192.0.2.2"],
      Object.keys(kubeVip)[0]!,
    ],
    [{ wish: "  ", annotations: kubeVip }, ["192.0.2.2"], Object.keys(kubeVip)[0]!],
    [{ wish: "", loadBalancerIP: "192.0.2.3" }, ["192.0.2.3"], "spec.loadBalancerIP"],
    [{}, [], "spec.loadBalancerIP"],
    [
      { wish: " 192.0.2.1 ,,192.0.2.4, 192.0.2.1" },
      ["192.0.2.1", "192.0.2.4"],
      "classvip.io/addresses",
    ],
  ];
  for (const [sketch, wished, wishedBy] of cases) {
    const seen = view("web", sketch);
    assert.deepEqual([seen.wished, seen.wishedBy], [wished, wishedBy]);
  }
});

Deno.test("viewService() reads the other annotations", () => {
  const seen = view("web", {
    annotations: {
      "kube-vip.io/serviceInterface": " eth1 ",
      "kube-vip.io/ignore": "true",
      "kube-vip.io/leaseName": "x",
    },
  });
  assert.equal(seen.wishedInterface, "eth1");
  assert.ok(seen.ignored);
  assert.deepEqual(seen.unsupported, ["Annotation kube-vip.io/leaseName"]);
  const other = view("web", {
    annotations: {
      "classvip.io/interface": "eth2",
      "kube-vip.io/serviceInterface": "eth1",
      "classvip.io/ignore": "false",
    },
  });
  assert.equal(other.wishedInterface, "eth2");
  assert.ok(!other.ignored);
});
