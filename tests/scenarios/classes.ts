import assert from "node:assert/strict";
import type { Scenario } from "./scenario.ts";
import { logged } from "./stage.ts";

/** Which Services an instance serves. */
export const classScenarios: Scenario[] = [
  {
    name: "two classes on the same nodes: each holder serves exactly its own",
    async run(stage) {
      const [first, second] = [stage.nodes[0]!, stage.nodes[1]!];
      const other = { class: `${stage.namespace}.example/public`, lease: "public-vip" };
      await stage.layLease(other.lease);
      const [mine, theirs] = [stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: mine });
      const foreign = await stage.createService({ addresses: theirs, class: other.class });
      const agent = await stage.startAgent(first);
      await stage.startAgent(first, other);
      await stage.served(service, mine, first);
      await stage.served(foreign, theirs, first);
      // Standbys, and then the holder of one class alone goes.
      for (const options of [{}, other]) {
        await stage.startStandby(second, options);
      }
      await agent.terminate();
      await stage.served(service, mine, second);
      assert.equal((await stage.readLease()).spec?.holderIdentity, second.name);
      assert.equal((await stage.readLease(other.lease)).spec?.holderIdentity, first.name);
      stage.assertStayed(theirs, first);
    },
  },
  {
    name: "class changed again and again, holders on two nodes: never on both",
    async run(stage) {
      const vip = stage.freshVip();
      const other = { class: `${stage.namespace}.example/public`, lease: "public-vip" };
      await stage.layLease(other.lease);
      const [here, there] = [stage.nodes[0]!, stage.nodes[1]!];
      await stage.startAgent(here);
      await logged(await stage.startAgent(there, other), "holds the Lease");
      const service = await stage.createService({ addresses: vip });
      await stage.served(service, vip, here);
      for (let turn = 0; turn < 6; turn++) {
        const [className, node] = turn % 2 === 0 ? [other.class, there] : [stage.className, here];
        // The API server lets go of a class only together with the type.
        await stage.kube.patch("Service", service, {
          spec: { type: "ClusterIP", loadBalancerClass: null, allocateLoadBalancerNodePorts: null },
        });
        await stage.kube.patch("Service", service, {
          spec: { type: "LoadBalancer", loadBalancerClass: className },
        });
        await stage.served(service, vip, node);
      }
      stage.world.assertInvariants();
    },
  },
  {
    name: "a class that nobody serves, and no class: pending, untouched",
    async run(stage) {
      const [mine, third, none] = [stage.freshVip(), stage.freshVip(), stage.freshVip()];
      const nobodys = await stage.createService({ addresses: third, class: "nobody.example/x" });
      const classless = await stage.createService({ addresses: none, class: null });
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(await stage.createService({ addresses: mine }), mine);
      await stage.assertUntouched(nobodys, third);
      await stage.assertUntouched(classless, none);
    },
  },
  {
    name: "no class set: exactly the Services without one",
    async run(stage) {
      const [mine, none] = [stage.freshVip(), stage.freshVip()];
      const classy = await stage.createService({ addresses: mine });
      await stage.startAgent(stage.nodes[0]!, { class: null });
      await stage.served(await stage.createService({ addresses: none, class: null }), none);
      await stage.assertUntouched(classy, mine);
    },
  },
  {
    name: "--alsoClassless: the class and the Services without one",
    async run(stage) {
      const [mine, none, third] = [stage.freshVip(), stage.freshVip(), stage.freshVip()];
      const nobodys = await stage.createService({ addresses: third, class: "nobody.example/x" });
      await stage.startAgent(stage.nodes[0]!, { flags: ["--alsoClassless"] });
      await stage.served(await stage.createService({ addresses: mine }), mine);
      await stage.served(await stage.createService({ addresses: none, class: null }), none);
      await stage.assertUntouched(nobodys, third);
    },
  },
  {
    name: "--namespaces: one class, an instance for each namespace",
    async run(stage) {
      const other = `${stage.namespace}-other`;
      await stage.kube.createNamespace(other);
      await stage.layLease("other-vip");
      const [mine, theirs] = [stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: mine });
      const foreign = await stage.createService({ addresses: theirs, namespace: other });
      await stage.startAgent(stage.nodes[0]!, { flags: [`--namespaces=${stage.namespace}`] });
      await stage.served(service, mine, stage.nodes[0]);
      await stage.assertUntouched(foreign, theirs);
      await stage.startAgent(stage.nodes[1]!, {
        lease: "other-vip",
        flags: [`--namespaces=${other}`],
      });
      await stage.served(foreign, theirs, stage.nodes[1]);
      await stage.served(service, mine, stage.nodes[0]);
    },
  },
  {
    name: "many instances in one process: each has its class, namespaces and Lease",
    async run(stage) {
      const other = `${stage.namespace}-other`;
      await stage.kube.createNamespace(other);
      await stage.layLease("other-vip");
      const [mine, elsewhere, none] = [stage.freshVip(), stage.freshVip(), stage.freshVip()];
      const service = await stage.createService({ addresses: mine });
      const foreign = await stage.createService({ addresses: elsewhere, namespace: other });
      const classless = await stage.createService({ addresses: none, class: null });
      const config = `${stage.world.dir}/instances.yaml`;
      const instances = [
        {
          loadBalancerClass: stage.className,
          namespaces: [stage.namespace],
          leaseName: stage.lease,
        },
        { leaseName: "other-vip" },
      ];
      await Deno.writeTextFile(
        config,
        JSON.stringify({ leaseNamespace: stage.namespace, instances }),
      );
      const node = stage.nodes[0]!;
      const { kubeconfig } = stage.world;
      await stage.run(node, { kubeconfig, interface: null, flags: [`--config=${config}`] });
      await stage.served(service, mine, node);
      await stage.served(classless, none, node);
      await stage.assertUntouched(foreign, elsewhere);
      for (const lease of [stage.lease, "other-vip"]) {
        assert.equal((await stage.readLease(lease)).spec?.holderIdentity, node.name);
      }
    },
  },
];
