import assert from "node:assert/strict";
import { AddressProbe } from "../../lib/agent/address_probe.ts";
import type { ClaimListener } from "../../lib/agent/claim_watch.ts";
import { parseIp } from "../../lib/net/ip.ts";
import type { Claim } from "../../lib/services/decide.ts";
import { viewService } from "../../lib/services/service_view.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { FakeNetwork } from "../doubles/fake_network.ts";

const VIP = "192.0.2.7";
const NOBODY = () => false;

function claim(shown?: string, vip = VIP): Claim {
  const service = viewService({
    metadata: { namespace: "a", name: "b", uid: "1" },
    spec: { type: "LoadBalancer" },
    status: { loadBalancer: { ingress: shown ? [{ ip: shown }] : [] } },
  });
  return { ip: parseIp(vip)!, linkIndex: 1, interface: "eth0", service };
}

function setUp() {
  const clock = new FakeClock();
  const network = new FakeNetwork(clock);
  const listeners = new Set<ClaimListener>();
  const seen = { changes: 0, services: [] as string[], vips: [] as string[], look: () => true };
  const probe = new AddressProbe({
    network,
    clock,
    claims: {
      subscribe: (one) => (listeners.add(one), () => listeners.delete(one)),
      look: () => seen.look(),
    },
    changed: ({ keys, vips }) => {
      seen.changes++;
      seen.services.push(...keys);
      seen.vips.push(...vips);
    },
  });
  const [listener] = [...listeners];
  return { clock, network, listeners, listener: listener!, probe, seen };
}

Deno.test("AddressProbe lets an address pass when nobody answers, and asks once", async () => {
  const { clock, network, probe, seen } = setUp();
  assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), []);
  assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), []);
  assert.deepEqual([network.probed, network.frames], [[VIP], []]);
  await clock.advance(9);
  assert.equal(seen.changes, 0);
  await clock.advance(1);
  assert.deepEqual([seen.changes, seen.services, seen.vips], [1, ["a/b"], [VIP]]);
  assert.equal(probe.passed([claim()], NOBODY, NOBODY).length, 1);
  assert.equal(probe.userOf(parseIp(VIP)!), undefined);
  probe[Symbol.dispose]();
});

Deno.test("AddressProbe asks for an IPv6 address by a Neighbor Solicitation, and waits as long", async () => {
  const { clock, network, listener, probe } = setUp();
  const six = claim(undefined, "2001:db8::7");
  assert.deepEqual(probe.passed([six], NOBODY, NOBODY), []);
  assert.deepEqual([network.probed, network.frames], [["2001:db8::7"], []]);
  await clock.advance(10);
  assert.equal(probe.passed([six], NOBODY, NOBODY).length, 1);
  const taken = claim(undefined, "2001:db8::8");
  probe.passed([taken], NOBODY, NOBODY);
  listener.claimed({ vip: "2001:db8::8", mac: "02:00:00:00:00:09" });
  await clock.advance(10);
  assert.deepEqual(probe.passed([taken], NOBODY, NOBODY), []);
  assert.equal(probe.userOf(taken.ip), "02:00:00:00:00:09");
  probe[Symbol.dispose]();
});

Deno.test("AddressProbe names who answers, and asks again after a while", async () => {
  const { clock, network, listener, probe, seen } = setUp();
  probe.passed([claim()], NOBODY, NOBODY);
  assert.ok(listener.holds(VIP) && !listener.holds("192.0.2.8"));
  listener.claimed({ vip: VIP, mac: "02:00:00:00:00:09" });
  assert.ok(!listener.holds(VIP), "it is known by now");
  await clock.advance(100);
  assert.equal(seen.changes, 1);
  assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), []);
  assert.equal(probe.userOf(parseIp(VIP)!), "02:00:00:00:00:09");
  await clock.advance(5000);
  assert.equal(probe.userOf(parseIp(VIP)!), undefined);
  probe.passed([claim()], NOBODY, NOBODY);
  assert.equal(network.probed.length, 2);
  probe[Symbol.dispose]();
});

Deno.test("AddressProbe reads what has come in before it says that nobody answered", async () => {
  const { clock, listener, probe, seen } = setUp();
  probe.passed([claim()], NOBODY, NOBODY);
  seen.look = () => {
    listener.claimed({ vip: VIP, mac: "02:00:00:00:00:09" });
    return true;
  };
  await clock.advance(10);
  assert.equal(seen.changes, 1);
  assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), []);
  assert.equal(probe.userOf(parseIp(VIP)!), "02:00:00:00:00:09");
  probe[Symbol.dispose]();
});

Deno.test("AddressProbe asks for nothing that was announced before", () => {
  const { network, probe } = setUp();
  assert.equal(probe.passed([claim(VIP)], NOBODY, NOBODY).length, 1, "its status shows it");
  assert.equal(probe.passed([claim()], (vip) => vip === VIP, NOBODY).length, 1, "it is held");
  assert.deepEqual(network.probed, []);
  probe[Symbol.dispose]();
});

Deno.test("AddressProbe forgets at the end of the right to hold", async () => {
  const { clock, listeners, probe, seen } = setUp();
  probe.passed([claim()], NOBODY, NOBODY);
  probe.end();
  await clock.advance(100);
  assert.equal(seen.changes, 0);
  assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), []);
  probe[Symbol.dispose]();
  assert.equal(listeners.size, 0);
  assert.equal(clock.waiting, 0);
});

Deno.test("AddressProbe asks for what a Service brings from another class until it is let go", async () => {
  const { clock, network, listener, probe, seen } = setUp();
  const came = () => true;
  assert.deepEqual(probe.passed([claim(VIP)], NOBODY, came), []);
  for (const asked of [1, 2, 3]) {
    assert.equal(network.probed.length, asked);
    listener.claimed({ vip: VIP, mac: "02:00:00:00:00:09" });
    assert.equal(probe.userOf(parseIp(VIP)!), undefined, "it is expected to go: no refusal");
    await clock.advance(100);
    assert.equal(seen.changes, asked);
    // By now it is among the instance's own.
    assert.deepEqual(probe.passed([claim(VIP)], NOBODY, NOBODY), []);
  }
  await clock.advance(10);
  assert.equal(probe.passed([claim(VIP)], NOBODY, NOBODY).length, 1);
  probe[Symbol.dispose]();
});

Deno.test("AddressProbe names who keeps an address that a Service brings from another class", async () => {
  const { clock, listener, probe } = setUp();
  probe.passed([claim(VIP)], NOBODY, () => true);
  for (let ms = 0; ms <= 5000; ms += 100) {
    if (listener.holds(VIP)) listener.claimed({ vip: VIP, mac: "02:00:00:00:00:09" });
    await clock.advance(100);
    assert.deepEqual(probe.passed([claim(VIP)], NOBODY, NOBODY), []);
  }
  assert.equal(probe.userOf(parseIp(VIP)!), "02:00:00:00:00:09");
  probe[Symbol.dispose]();
});

Deno.test("AddressProbe asks again when another machine asks at the same time, or just after", async () => {
  const { clock, network, listener, probe, seen } = setUp();
  const probed = () => listener.probed!({ vip: VIP, mac: "02:00:00:00:00:09" });
  probe.passed([claim()], NOBODY, NOBODY);
  assert.ok(listener.probes!(VIP) && !listener.probes!("192.0.2.8"));
  probed();
  await clock.advance(100);
  assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), []);
  assert.equal(network.probed.length, 2);
  await clock.advance(10);
  // It came in when the answer was complete, and is read before the address is put up.
  seen.look = () => {
    probed();
    return true;
  };
  assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), []);
  seen.look = () => true;
  await clock.advance(100);
  probe.passed([claim()], NOBODY, NOBODY);
  await clock.advance(10);
  assert.equal(probe.passed([claim()], NOBODY, NOBODY).length, 1);
  assert.equal(network.probed.length, 3);
  await clock.advance(5000);
  assert.ok(!listener.probes!(VIP), "not for ever");
  probe[Symbol.dispose]();
});

Deno.test("AddressProbe forgets an answer once the address is there, or changed hands", async () => {
  const { clock, network, listener, probe } = setUp();
  probe.passed([claim()], NOBODY, NOBODY);
  await clock.advance(10);
  // However late the address is put up: no time makes the answer untrue.
  await clock.advance(4000);
  assert.equal(probe.passed([claim()], NOBODY, NOBODY).length, 1);
  probe.passed([claim()], (vip) => vip === VIP, NOBODY);
  assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), [], "it was there, and went");
  assert.equal(network.probed.length, 2);
  await clock.advance(5);
  probe.forget(new Set([VIP]));
  assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), []);
  assert.equal(network.probed.length, 3);
  await clock.advance(5);
  assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), [], "the time of the former question");
  listener.claimed({ vip: VIP, mac: "02:00:00:00:00:09" });
  await clock.advance(5);
  assert.equal(probe.userOf(parseIp(VIP)!), "02:00:00:00:00:09");
  probe[Symbol.dispose]();
});

Deno.test("AddressProbe waits for an answer that is behind other frames, and not for ever", async () => {
  for (const answers of [true, false]) {
    const { clock, listener, probe, seen } = setUp();
    seen.look = () => false;
    assert.deepEqual(probe.passed([claim()], NOBODY, NOBODY), []);
    await clock.advance(100);
    assert.equal(seen.changes, 0);
    if (answers) listener.claimed({ vip: VIP, mac: "02:00:00:00:00:09" });
    await clock.advance(300);
    assert.equal(seen.changes, 1);
    assert.equal(probe.passed([claim()], NOBODY, NOBODY).length, answers ? 0 : 1);
    probe[Symbol.dispose]();
  }
});
