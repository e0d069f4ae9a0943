import assert from "node:assert/strict";
import type { Service } from "../../lib/kube/types.ts";
import type { Scenario } from "./scenario.ts";
import { LEASE_SECONDS, logged, type Stage, until } from "./stage.ts";

/** Addresses from pools. */
export const poolScenarios: Scenario[] = [
  {
    name: "pool: given out once, kept over a handover, the next one waits until one is free",
    async run(stage) {
      const vips = [stage.freshVip(), stage.freshVip()];
      const flags = [`--pool=${vips.join("-")}`];
      const first = await stage.startAgent(stage.nodes[0]!, { flags });
      const a = await stage.createService();
      await stage.served(a, vips[0]!, stage.nodes[0]);
      const b = await stage.createService();
      await stage.served(b, vips[1]!, stage.nodes[0]);
      const c = await stage.createService();
      const { message } = await stage.event("Service", c, "AllocationFailed");
      assert.match(message!, /^No free IPv4 address in pool default: it waits for one/);
      assert.equal(await stage.serviceWrites(), 2, "each Service is written once");

      await stage.startAgent(stage.nodes[1]!, { flags });
      await first.terminate();
      await stage.served(a, vips[0]!, stage.nodes[1]);
      await stage.served(b, vips[1]!, stage.nodes[1]);
      await stage.assertUntouched(c);
      assert.equal(await stage.serviceWrites(), 2, "a handover writes nothing");

      await stage.kube.delete("Service", a);
      await stage.served(c, vips[0]!, stage.nodes[1]);
    },
  },
  {
    name: "pool handed over while addresses are being given: none is given twice",
    async run(stage) {
      const vips = Array.from({ length: 8 }, () => stage.freshVip());
      const flags = [`--pool=${vips[0]}-${vips.at(-1)}`];
      let agent = await stage.startAgent(stage.nodes[0]!, { flags });
      await logged(agent, "holds the Lease");
      const services: Service[] = [];
      for (const turn of [1, 2, 0]) {
        const next = await stage.startAgent(stage.nodes[turn]!, { flags });
        await logged(next, "stands for the Lease");
        const created = Array.from({ length: turn === 0 ? 2 : 3 }, () => stage.createService());
        services.push(...await Promise.all(created));
        await agent.terminate();
        agent = next;
      }
      const shown = await until("each Service shows an address", async () => {
        const all = await Promise.all(services.map((service) => shownBy(stage, service)));
        return all.every((vip) => vip !== "") ? all : undefined;
      });
      assert.deepEqual(shown.toSorted(), vips.toSorted());
    },
  },
  {
    name: "pool that shrinks: what is in use stays, and is said",
    async run(stage) {
      const [out, wished, still] = [stage.freshVip(), stage.freshVip(), stage.freshVip()];
      const first = await stage.startAgent(stage.nodes[0]!, { flags: [`--pool=${out}-${still}`] });
      const old = await stage.createService();
      await stage.served(old, out);
      const asked = await stage.createService({ addresses: wished });
      await stage.served(asked, wished);
      await first.terminate();
      const second = await stage.startAgent(stage.nodes[0]!, { flags: [`--pool=${still}`] });
      const young = await stage.createService();
      await stage.served(young, still);
      for (const [service, vip] of [[old, out], [asked, wished]] as const) {
        await stage.served(service, vip);
        const { message } = await stage.event("Service", service, "OutsidePools");
        assert.match(message!, new RegExp(`^${vip} is in no pool of this instance`));
      }
      await logged(second, "refused", /is in no pool of this instance/);
      // Nobody else gets it once it is free.
      await stage.kube.delete("Service", old);
      await stage.gone(out);
      await stage.kube.delete("Service", asked);
      await stage.gone(wished);
      const late = await stage.createService({ addresses: wished });
      await stage.event("Service", late, "AddressRefused");
    },
  },
  {
    name: "pool: what a Service of a class that nobody serves asks for is given out all the same",
    async run(stage) {
      const vip = stage.freshVip();
      const squatter = await stage.createService({
        addresses: vip,
        class: `${stage.className}-nobody`,
      });
      await stage.startAgent(stage.nodes[0]!, { flags: [`--pool=${vip}`] });
      const service = await stage.createService();
      await stage.served(service, vip);
      await stage.assertUntouched(squatter);
    },
  },
  {
    name: "sharing key: one address for two Services, which stays when one of them goes",
    async run(stage) {
      const [vip, other] = [stage.freshVip(), stage.freshVip()];
      await stage.startAgent(stage.nodes[0]!, { flags: [`--pool=${vip}-${other}`] });
      const annotations = { "classvip.io/sharing-key": "dns" };
      const port = (protocol: string, port: number) => ({
        annotations,
        spec: { ports: [{ name: `p${port}`, port, protocol }] },
      });
      const tcp = await stage.createService(port("TCP", 53));
      await stage.served(tcp, vip);
      const udp = await stage.createService(port("UDP", 53));
      await stage.status(udp, [vip]);
      const again = await stage.createService(port("UDP", 53));
      await stage.served(again, other);
      await stage.kube.delete("Service", tcp);
      const wished = await stage.createService({ ...port("TCP", 53), addresses: vip });
      await stage.status(wished, [vip]);
      const foreign = await stage.createService({ addresses: vip });
      const { message } = await stage.event("Service", foreign, "AddressRefused");
      assert.match(message!, /has it already/);
      stage.assertStayed(vip);
    },
  },
  {
    name: "wished address outside the pools: refused, in another instance's pool too",
    async run(stage) {
      const [vip, foreign] = [stage.freshVip(), stage.freshVip()];
      const file = `${stage.world.dir}/${stage.namespace}-pools.yaml`;
      await Deno.writeTextFile(
        file,
        `leaseNamespace: ${stage.namespace}
leaseDuration: ${LEASE_SECONDS}s
interface: ${stage.nodes[0]!.interface}
instances:
- name: mine
  loadBalancerClass: ${stage.className}
  leaseName: ${stage.lease}
  pools: [{addresses: [${vip}]}]
- name: theirs
  loadBalancerClass: ${stage.className}-2
  leaseName: ${stage.lease}-2
  pools: [{addresses: [${foreign}]}]
`,
      );
      await stage.run(stage.nodes[0]!, {
        kubeconfig: stage.world.kubeconfig,
        interface: null,
        flags: [`--config=${file}`],
      });
      const outside = await stage.createService({ addresses: "192.0.2.77" });
      const { message } = await stage.event("Service", outside, "AddressRefused");
      assert.match(message!, new RegExp(`it is in no pool of this instance \\(${vip}\\)`));
      const inside = await stage.createService({ addresses: foreign });
      const second = await stage.event("Service", inside, "AddressRefused");
      assert.match(second.message!, new RegExp(`it is in pool ${foreign} of instance theirs`));
      const right = await stage.createService({ addresses: vip });
      await stage.served(right, vip);
    },
  },
  {
    name: "wished address in a pool of another process's instance: refused, and given out there",
    async run(stage) {
      const [vip, wished] = [stage.freshVip(), stage.freshVip()];
      const [here, there] = [stage.nodes[0]!, stage.nodes[1]!];
      const other = { class: `${stage.namespace}.example/private-dev`, lease: "private-vip" };
      await stage.layLease(other.lease);
      const owner = await stage.startAgent(here, { flags: [`--pool=${vip}-${wished}`] });
      await logged(owner, "holds the Lease");
      await stage.startAgent(there, other);
      const free = stage.freshVip();
      const allowed = await stage.createService({ addresses: free, class: other.class });
      await stage.served(allowed, free, there);
      const squatter = await stage.createService({
        addresses: `${vip},${wished}`,
        class: other.class,
      });
      const { message } = await stage.event("Service", squatter, "AddressRefused");
      assert.match(message!, /it is in the pools of instance \S+ \(Lease \S+\)/);
      const service = await stage.createService();
      await stage.served(service, vip, here);
      // Younger than the one that asks in vain.
      const younger = await stage.createService({ addresses: wished });
      await stage.served(younger, wished, here);
      await stage.assertUntouched(squatter);
    },
  },
  {
    name: "PreferDualStack where a pool has only IPv4: served with IPv4",
    async run(stage) {
      const vip = stage.freshVip();
      await stage.startAgent(stage.nodes[0]!, { flags: [`--pool=${vip}`] });
      const service = await stage.createService({ spec: { ipFamilyPolicy: "PreferDualStack" } });
      await stage.served(service, vip);
    },
  },
];

async function shownBy(stage: Stage, service: Service): Promise<string> {
  const { status } = await stage.kube.get("Service", service);
  return (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip).join();
}
