import assert from "node:assert/strict";
import type { Scenario } from "./scenario.ts";

/** Addresses that are refused, and Services that ask for none. */
export const addressScenarios: Scenario[] = [
  {
    name: "address refused: said on its Service, and the others go on",
    async run(stage) {
      const [vip, last] = [stage.freshVip(), stage.freshVip()];
      const node = stage.nodes[0]!;
      const cases: [name: string, address: string, message: RegExp][] = [
        ["no-ip", "10.77.0.300", /not an IP address/],
        ["nodes-own", node.ip, /address of the node itself/],
        ["taken", vip, /Service \S+\/good of the same class has it already/],
        ["ipv6", "fd00::1", /IPv6/],
        ["loopback", "127.0.0.2", /loopback/],
      ];
      const good = await stage.createService({ name: "good", addresses: vip });
      await stage.startAgent(node);
      await stage.served(good, vip);
      const bad = await Promise.all(
        cases.map(([name, addresses]) => stage.createService({ name, addresses })),
      );
      for (const [index, service] of bad.entries()) {
        const { message, type } = await stage.event("Service", service, "AddressRefused");
        const [name, address, reason] = cases[index]!;
        assert.ok(message!.startsWith(`${address} (classvip.io/addresses): `), message);
        assert.match(message!, reason, name);
        assert.equal(type, "Warning");
        await stage.assertUntouched(service);
      }
      await stage.served(await stage.createService({ name: "z-last", addresses: last }), last);
      const here = (await node.addresses()).map(({ ip }) => ip).filter((ip) => ip.includes("."));
      assert.deepEqual(here.toSorted(), [node.ip, vip, last].toSorted());
      // What was taken is free when its Service goes.
      await stage.kube.delete("Service", good);
      await stage.status(bad[2]!, [vip]);
      stage.assertStayed(vip);
    },
  },
  {
    name: "address of a gateway, the API server, the cluster, another node or a neighbour: refused",
    async run(stage) {
      const { lab } = stage.world;
      const [node, other] = [stage.nodes[0]!, stage.nodes[1]!];
      const [router, held] = [stage.freshVip(), stage.freshVip()];
      await node.exec(["ip", "route", "add", "198.51.100.0/24", "via", router]);
      stage.defer(async () => void await node.exec(["ip", "route", "del", "198.51.100.0/24"]));
      await lab.client.exec(["ip", "address", "add", `${held}/32`, "dev", lab.client.interface]);
      await stage.startAgent(node);
      const { spec } = await stage.createService({ name: "other" });
      const clusterIp = spec!.clusterIP!;
      const outside = /no subnet of eth0 holds it: it needs a pool that does/;
      const cases: [name: string, address: string, message: RegExp][] = [
        ["gateway", router, /it is a gateway of this node/],
        ["api-server", lab.gatewayIp, /it is the API server's address/],
        ["cluster-ip", clusterIp, /it is the cluster IP of Service/],
        ["cluster-dns", "10.96.255.254", outside],
        ["world", "198.51.100.7", outside],
        ["node", other.ip, new RegExp(`${other.mac} answers for it`)],
        ["neighbour", held, new RegExp(`${lab.client.mac} answers for it`)],
      ];
      for (const [name, addresses, reason] of cases) {
        // Also where its author names the interface.
        const annotations = { "classvip.io/interface": "eth0" };
        const service = await stage.createService({ name, addresses, annotations });
        const { message } = await stage.event("Service", service, "AddressRefused");
        assert.match(message!, reason);
        await stage.assertUntouched(service);
        assert.deepEqual(stage.world.claims(addresses, node), [], `${name} was announced`);
      }
      // Once the neighbour has left it, it is free.
      await lab.client.exec(["ip", "address", "del", `${held}/32`, "dev", lab.client.interface]);
      const metadata = { name: "neighbour", namespace: stage.namespace };
      await stage.served({ metadata }, held, node);
    },
  },
  {
    name: "Services without an address: pending, and none delays another",
    async run(stage) {
      const vip = stage.freshVip();
      const pending = await Promise.all(
        Array.from({ length: 20 }, (_, i) => stage.createService({ name: `a-pending-${i}` })),
      );
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(await stage.createService({ name: "z-last", addresses: vip }), vip);
      for (const service of pending) await stage.assertUntouched(service);
      const { type, message } = await stage.event("Service", pending[0]!, "NoAddress");
      assert.equal(type, "Warning");
      assert.match(message!, /classvip\.io\/addresses/);
      await stage.kube.patch("Service", pending[0]!, {
        metadata: { annotations: { "classvip.io/addresses": stage.freshVip() } },
      });
      await stage.event("Service", pending[0]!, "Announced");
    },
  },
];
