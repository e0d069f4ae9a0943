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
        ["ipv6", "fd00::1", /no subnet of eth0 holds it/],
        // However it is written.
        ["nodes-own-ipv6", node.ip6.replace("::", ":0::").toUpperCase(), /of the node itself/],
        ["link-local", "fe80::7", /link-local address/],
        ["anycast", "fd77::", /subnet-router anycast address/],
        ["mapped", `::ffff:${vip}`, /IPv4 address written as IPv6/],
        ["loopback", "127.0.0.2", /loopback/],
        ["multicast", "239.1.2.3", /multicast/],
        ["multicast-ipv6", "ff02::1", /multicast/],
        ["zone", `${node.ip6}%eth0`, /not an IP address/],
        ["mapped-hex", `::FFFF:${hexOf(node.ip)}`, /IPv4 address written as IPv6/],
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
      // However it is asked for.
      const wishes = [
        { spec: { loadBalancerIP: "127.0.0.3" } },
        { annotations: { "kube-vip.io/loadbalancerIPs": "127.0.0.4, ::1" } },
      ];
      for (const [index, wish] of wishes.entries()) {
        const service = await stage.createService({ name: `wish-${index}`, ...wish });
        const { message } = await stage.event("Service", service, "AddressRefused");
        assert.match(message!, /: it is a loopback address/);
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
      const [router, held, kubernetes] = [stage.freshVip(), stage.freshVip(), stage.freshVip()];
      await node.exec(["ip", "route", "add", "198.51.100.0/24", "via", router]);
      stage.defer(async () => void await node.exec(["ip", "route", "del", "198.51.100.0/24"]));
      await lab.client.exec(["ip", "address", "add", `${held}/32`, "dev", lab.client.interface]);
      // As a pod has it.
      await stage.startAgent(node, { env: { KUBERNETES_SERVICE_HOST: kubernetes } });
      const { spec } = await stage.createService({ name: "other" });
      const clusterIp = spec!.clusterIP!;
      const outside = /no subnet of eth0 holds it: it needs a pool that does/;
      const cases: [name: string, address: string, message: RegExp][] = [
        ["gateway", router, /it is a gateway of this node/],
        ["api-server", lab.gatewayIp, /it is the API server's address/],
        ["api-cluster-ip", kubernetes, /it is the cluster IP of the API server/],
        ["cluster-ip", clusterIp, /it is the cluster IP of Service/],
        ["cluster-dns", "10.96.255.254", outside],
        ["world", "198.51.100.7", outside],
        ["node-ipv6", other.ip6, new RegExp(`${other.mac} answers for it`)],
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
    name: "address of the node's pods: refused, though its interface has their subnet",
    async run(stage) {
      const node = stage.nodes[0]!;
      const podCIDRs = ["10.244.1.0/24", "fd00:244:1::/64"];
      const spec = { podCIDR: podCIDRs[0], podCIDRs };
      await stage.kube.request("POST", "/api/v1/nodes", { metadata: { name: node.name }, spec });
      stage.defer(async () =>
        void await stage.kube.request("DELETE", `/api/v1/nodes/${node.name}`)
      );
      await node.exec(["ip", "link", "add", "cni0", "type", "bridge"]);
      stage.defer(async () => void await node.exec(["ip", "link", "del", "cni0"]));
      for (const address of ["10.244.1.1/24", "fd00:244:1::1/64"]) {
        await node.exec(["ip", "address", "add", address, "dev", "cni0", "nodad"]);
      }
      await node.exec(["ip", "link", "set", "cni0", "up"]);
      await stage.startAgent(node, { interface: null });
      for (const addresses of ["10.244.1.77", "fd00:244:1::77"]) {
        const service = await stage.createService({ addresses });
        const { message } = await stage.event("Service", service, "AddressRefused");
        assert.match(message!, /it is for the pods of this node \(\S+\): it needs a pool/);
        await stage.assertUntouched(service);
      }
    },
  },
  {
    name: "Services without an address: pending, and none delays another",
    async run(stage) {
      const vip = stage.freshVip();
      const pending = await Promise.all(
        Array.from({ length: 20 }, (_, i) => stage.createService({ name: `a-pending-${i}` })),
      );
      // Those are for kube-proxy alone.
      const external = stage.freshVip();
      const spec = { externalIPs: [external] };
      pending.push(await stage.createService({ name: "a-external", spec }));
      await stage.startAgent(stage.nodes[0]!);
      await stage.served(await stage.createService({ name: "z-last", addresses: vip }), vip);
      assert.deepEqual(stage.world.claims(external, stage.nodes[0]!), []);
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

/** An IPv4 address as two groups of an IPv6 one. */
function hexOf(ip: string): string {
  const [a, b, c, d] = ip.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
  return `${a}${b}:${c}${d}`;
}
