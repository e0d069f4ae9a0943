import assert from "node:assert/strict";
import type { Scenario } from "./scenario.ts";
import { DEADLINE_MS } from "./stage.ts";
import { nowMs } from "../lab/clock.ts";

/** What people do to a Service that is served. */
export const changeScenarios: Scenario[] = [
  {
    name: "type changed: withdrawn and cleared; changed back: served again",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      await stage.startAgent(stage.nodes[0]!);
      const holder = await stage.served(service, vip);
      await stage.kube.patch("Service", service, {
        spec: { type: "ClusterIP", loadBalancerClass: null, allocateLoadBalancerNodePorts: null },
      });
      await stage.gone(vip);
      await stage.status(service, []);
      await stage.event("Service", service, "Withdrawn");
      const sinceMs = nowMs();
      await stage.kube.patch("Service", service, {
        spec: { type: "LoadBalancer", loadBalancerClass: stage.className },
      });
      await stage.served(service, vip, holder);
      await stage.world.sniffer.waitForClaim(vip, DEADLINE_MS, { mac: holder.mac, sinceMs });
    },
  },
  {
    name: "class gone: withdrawn, cleared, pending",
    async run(stage) {
      const [vip, stays] = [stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: vip });
      const other = await stage.createService({ addresses: stays });
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, vip);
      await stage.served(other, stays);
      // The API server lets go of a class only together with the type.
      await stage.kube.patch("Service", service, {
        spec: { type: "ClusterIP", loadBalancerClass: null, allocateLoadBalancerNodePorts: null },
      });
      await stage.kube.patch("Service", service, { spec: { type: "LoadBalancer" } });
      await stage.gone(vip);
      await stage.status(service, []);
      stage.assertStayed(stays);
    },
  },
  {
    name: "Service deleted, and one with a finalizer: withdrawn",
    async run(stage) {
      const [vip, kept] = [stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: vip });
      const finalized = await stage.createService({ addresses: kept });
      await stage.kube.patch("Service", finalized, {
        metadata: { finalizers: ["example.com/kept"] },
      });
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, vip);
      await stage.served(finalized, kept);
      await stage.kube.delete("Service", service);
      await stage.kube.delete("Service", finalized);
      await stage.gone(vip);
      await stage.gone(kept);
      await stage.status(finalized, []);
      await stage.kube.patch("Service", finalized, { metadata: { finalizers: null } });
    },
  },
  {
    name:
      "address changed: classvip.io/addresses, kube-vip.io/loadbalancerIPs, spec.loadBalancerIP",
    async run(stage) {
      const [spec, kubeVip, own, more] = Array.from({ length: 4 }, () => stage.freshVip());
      const service = await stage.createService({ spec: { loadBalancerIP: spec! } });
      const annotate = (annotations: Record<string, string | null>) =>
        stage.kube.patch("Service", service, { metadata: { annotations } });
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, spec!);

      await annotate({ "kube-vip.io/loadbalancerIPs": kubeVip! });
      await stage.served(service, kubeVip!);
      await stage.gone(spec!);

      await annotate({ "classvip.io/addresses": `${own}, ${more}` });
      await stage.status(service, [own!, more!]);
      await stage.world.sniffer.waitForClaim(own!, DEADLINE_MS);
      await stage.world.sniffer.waitForClaim(more!, DEADLINE_MS);
      await stage.gone(kubeVip!);

      await annotate({ "classvip.io/addresses": null, "kube-vip.io/loadbalancerIPs": null });
      await stage.served(service, spec!);
      await stage.gone(own!);
      await stage.gone(more!);
    },
  },
  {
    name: "Events: announced, withdrawn, refused, each about its Service",
    async run(stage) {
      const vip = stage.freshVip();
      const service = await stage.createService({ addresses: vip });
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(service, vip);
      const announced = await stage.event("Service", service, "Announced");
      const { name, namespace, uid } = service.metadata!;
      const { involvedObject, type, message, source } = announced;
      assert.deepEqual(
        [involvedObject.apiVersion, involvedObject.namespace, involvedObject.uid, type],
        ["v1", namespace, uid, "Normal"],
        name,
      );
      assert.match(message!, new RegExp(`^${vip} is announced by node-1`));
      assert.deepEqual(source, { component: "classvip", host: "node-1" });

      await stage.kube.patch("Service", service, {
        metadata: { annotations: { "classvip.io/addresses": "127.0.0.1" } },
      });
      const refused = await stage.event("Service", service, "AddressRefused");
      assert.deepEqual([refused.type, refused.involvedObject.uid], ["Warning", uid]);
      const withdrawn = await stage.event("Service", service, "Withdrawn");
      assert.deepEqual([withdrawn.type, withdrawn.involvedObject.uid], ["Normal", uid]);
      assert.match(withdrawn.message!, new RegExp(`^${vip} `));
    },
  },
];
