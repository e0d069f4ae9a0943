import assert from "node:assert/strict";
import { parseCidr } from "../../lib/net/cidr.ts";
import { parseIp } from "../../lib/net/ip.ts";
import { isSameNetwork, isUsable, type NetworkSnapshot, placer } from "../../lib/vip/placement.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { ethernet, FakeNetwork } from "../doubles/fake_network.ts";

const MARK = 7;

function network() {
  const network = new FakeNetwork(new FakeClock(), [
    ethernet(1, "lo", { loopback: true }),
    ethernet(2, "eth0"),
    ethernet(3, "eth1"),
    ethernet(4, "tun0", { mac: new Uint8Array() }),
  ]);
  network.add(1, "127.0.0.1/8");
  network.add(2, "10.0.0.5/8");
  network.add(3, "10.1.0.5/16");
  network.add(4, "10.1.2.5/24");
  network.add(2, "192.0.2.9/32", { mark: MARK, preferredSeconds: 0, validSeconds: 10 });
  network.add(3, "192.0.2.10/32", { mark: 8, preferredSeconds: 0, validSeconds: 10 });
  return network;
}

function place(setting: string, ip: string, wished?: string, pool: string[] = []): string {
  const network_ = network();
  const snapshot = { links: network_.links(), addresses: network_.addresses() };
  const sanctioned = ({ text }: { text: string }) => pool.includes(text);
  const found = placer(setting, MARK, snapshot, new Map(), sanctioned)(parseIp(ip)!, wished);
  return "refused" in found ? found.refused : `${found.linkIndex} ${found.interface}`;
}

Deno.test("placer() finds the usable interface with the most specific subnet", () => {
  assert.equal(place("auto", "10.2.0.1"), "2 eth0");
  assert.equal(place("auto", "10.1.0.1"), "3 eth1");
  assert.equal(place("auto", "10.1.2.1"), "3 eth1", "tun0 has a narrower one, but no ARP");
});

Deno.test("placer() refuses an address that is in no subnet, and names the interfaces", () => {
  assert.equal(
    place("auto", "203.0.113.1"),
    "no interface of this node has a subnet with it (eth0, eth1): set --interface",
  );
  assert.match(place("auto", "127.0.0.2"), /no interface/);
  assert.match(place("auto", "2001:db8::1"), /no interface/);
});

Deno.test("placer() takes a VIP for no subnet", () => {
  assert.match(place("auto", "192.0.2.9"), /no interface/);
});

Deno.test("placer() takes the interface that is set, within its subnets or by a pool", () => {
  const why = "no subnet of eth1 holds it: it needs a pool that does";
  assert.equal(place("eth1", "203.0.113.1"), why);
  assert.equal(place("eth1", "10.2.0.1"), why, "only eth0 has one");
  assert.equal(place("auto", "10.2.0.1", "eth1"), why, "wished for by a Service");
  assert.equal(place("eth1", "203.0.113.1", undefined, ["203.0.113.1"]), "3 eth1");
  assert.equal(
    place("eth9", "203.0.113.1"),
    "there is no interface eth9 on this node (there are: eth0, eth1)",
  );
});

Deno.test("placer() takes an interface without subnets where the settings name it", () => {
  const bare = new FakeNetwork(new FakeClock(), [ethernet(2, "eth0"), ethernet(3, "vips0")]);
  bare.add(2, "10.0.0.5/8");
  bare.add(3, "fe80::1/64");
  const snapshot = { links: bare.links(), addresses: bare.addresses() };
  const ip = parseIp("203.0.113.1")!;
  assert.deepEqual(placer("vips0", MARK, snapshot)(ip), { linkIndex: 3, interface: "vips0" });
  assert.ok("refused" in placer("auto", MARK, snapshot)(ip, "vips0"), "only a Service names it");
});

Deno.test("placer() prefers the interface that the Service wishes for", () => {
  assert.equal(place("eth1", "10.1.0.1", "eth0"), "2 eth0");
  assert.equal(place("eth1", "10.2.0.1", "auto"), "2 eth0");
  assert.match(place("eth1", "10.1.0.1", "eth9"), /no interface eth9/);
});

Deno.test("placer() refuses a dead interface that a Service alone names", () => {
  for (const [dead, why] of [[{ up: false }, "is down"], [{ carrier: false }, "has no carrier"]]) {
    const links = [ethernet(2, "eth0", dead as object), ethernet(3, "eth1", dead as object)];
    const addresses = network().addresses();
    const ip = parseIp("10.1.0.1")!;
    const where = placer("eth1", MARK, { links, addresses });
    assert.deepEqual(where(ip, "eth0"), { refused: `interface eth0 ${why}` });
    assert.deepEqual(where(ip), { linkIndex: 3, interface: "eth1" }, "the instance's own");
    assert.deepEqual(where(ip, "eth1"), { linkIndex: 3, interface: "eth1" });
  }
});

Deno.test("placer() refuses interfaces that are not Ethernet", () => {
  for (const name of ["lo", "tun0"]) {
    assert.equal(
      place(name, "203.0.113.1"),
      `interface ${name} is not an Ethernet interface, ARP and NDP need one`,
    );
  }
});

Deno.test("placer() refuses the node's own addresses and those of another instance", () => {
  assert.equal(place("auto", "10.0.0.5"), "it is an address of the node itself (eth0)");
  assert.equal(place("eth0", "192.0.2.10"), "another instance on this node has it (eth1)");
  const own = ["192.0.2.9"];
  assert.equal(place("eth1", own[0]!, undefined, own), "3 eth1", "its own, on another interface");
});

Deno.test("isUsable() asks for Ethernet that is not loopback", () => {
  assert.ok(isUsable(ethernet(1, "eth0", { up: false, carrier: false })));
  assert.ok(!isUsable(ethernet(1, "lo", { loopback: true })));
  assert.ok(!isUsable(undefined));
});

Deno.test("placer() refuses what a subnet or the API server needs", () => {
  const network_ = network();
  const snapshot = { links: network_.links(), addresses: network_.addresses() };
  const reserved = new Map([["10.1.0.9", "the API server's address"]]);
  const where = placer("auto", MARK, snapshot, reserved);
  for (
    const [ip, why] of [
      ["10.1.0.9", "it is the API server's address"],
      ["10.1.255.255", "it is the broadcast address of its network (/16)"],
      ["10.1.0.0", "it is the address of the network itself (/16)"],
    ] as const
  ) {
    assert.deepEqual(where(parseIp(ip)!), { refused: why });
  }
  assert.deepEqual(where(parseIp("10.1.1.255")!), { linkIndex: 3, interface: "eth1" });
});

Deno.test("placer() leaves the node's pods their addresses, unless a pool has them", () => {
  const node = new FakeNetwork(new FakeClock(), [ethernet(2, "eth0"), ethernet(3, "cni0")]);
  node.add(2, "10.0.0.5/24");
  node.add(3, "10.244.1.1/24");
  node.add(3, "fd00:244:1::1/64");
  const podNetworks = ["10.244.1.0/24", "fd00:244:1::/64"].map((text) => parseCidr(text)!);
  const snapshot = { links: node.links(), addresses: node.addresses(), podNetworks };
  const where = (setting: string, ip: string, pool = false) =>
    placer(setting, MARK, snapshot, new Map(), () => pool)(parseIp(ip)!);
  for (const setting of ["auto", "cni0"]) {
    for (
      const [ip, network] of [["10.244.1.77", "10.244.1.0/24"], [
        "fd00:244:1::77",
        "fd00:244:1::/64",
      ]] as const
    ) {
      const refused = `it is for the pods of this node (${network}): it needs a pool that has it`;
      assert.deepEqual(where(setting, ip), { refused });
    }
  }
  assert.deepEqual(where("auto", "10.244.1.77", true), { linkIndex: 3, interface: "cni0" });
  assert.deepEqual(where("auto", "10.0.0.7"), { linkIndex: 2, interface: "eth0" });
});

Deno.test("placer() finds places for IPv6 as for IPv4, and needs IPv6 on the interface", () => {
  const both = new FakeNetwork(new FakeClock(), [
    ethernet(2, "eth0"),
    ethernet(3, "off0", { ipv6: false }),
    ethernet(4, "vips0"),
    ethernet(5, "four0"),
  ]);
  both.add(2, "10.0.0.5/8");
  both.add(2, "2001:db8:1::5/64");
  both.add(2, "2001:db8:7::/127");
  both.add(2, "fe80::5/64");
  both.add(3, "10.1.0.5/16");
  both.add(4, "fe80::6/64");
  both.add(5, "10.2.0.5/16");
  both.add(5, "fe80::7/64");
  both.add(2, "2001:db8:1::a/128", { mark: 8, preferredSeconds: 0, validSeconds: 10 });
  const snapshot = { links: both.links(), addresses: both.addresses() };
  const where = (setting: string, ip: string, pool = false) => {
    const found = placer(setting, MARK, snapshot, new Map(), () => pool)(parseIp(ip)!);
    return "refused" in found ? found.refused : found.interface;
  };
  const none =
    "no interface of this node has a subnet with it (eth0, off0, vips0, four0): set --interface";
  const needsPool = "no subnet of eth0 holds it: it needs a pool that does";
  for (
    const [setting, ip, expected] of [
      ["auto", "2001:db8:1::7", "eth0"],
      ["auto", "2001:db8:2::7", none],
      ["eth0", "2001:db8:2::7", needsPool],
      ["vips0", "2001:db8:2::7", "vips0"],
      ["four0", "2001:db8:2::7", "no subnet of four0 holds it: it needs a pool that does"],
      ["auto", "2001:db8:1::5", "it is an address of the node itself (eth0)"],
      ["auto", "2001:db8:1::a", "another instance on this node has it (eth0)"],
      ["auto", "2001:db8:1::", "it is the subnet-router anycast address of its network (/64)"],
      ["auto", "2001:db8:7::1", "eth0"],
    ] as const
  ) {
    assert.equal(where(setting, ip), expected, `${setting} ${ip}`);
  }
  assert.equal(where("eth0", "2001:db8:2::7", true), "eth0", "a pool says so");
  assert.equal(
    where("off0", "2001:db8:2::7", true),
    "IPv6 is off on interface off0: sysctl disable_ipv6, or the kernel",
  );
  assert.equal(where("off0", "10.1.0.7"), "off0", "IPv4 goes on");
});

Deno.test("isSameNetwork() tells all that places an address, and no lifetimes", () => {
  const snapshot = (change: (on: FakeNetwork) => void = () => {}): NetworkSnapshot => {
    const on = network();
    change(on);
    return { links: on.links(), addresses: on.addresses() };
  };
  const is = snapshot();
  assert.ok(isSameNetwork(is, snapshot()));
  const later = is.addresses.map((address) => ({ ...address, validSeconds: 3 }));
  assert.ok(isSameNetwork(is, { ...is, addresses: later }));
  const others: NetworkSnapshot[] = [
    snapshot((on) => on.add(2, "10.0.0.6/8")),
    snapshot((on) => on.linkList.push(ethernet(5, "eth2"))),
    { ...is, podNetworks: [parseCidr("10.244.0.0/24")!] },
  ];
  const link = {
    index: 9,
    name: "eth9",
    mac: Uint8Array.of(2, 0, 0, 0, 0, 9),
    up: false,
    carrier: false,
    loopback: true,
    ipv6: false,
  };
  for (const [key, value] of Object.entries(link)) {
    others.push({ ...is, links: is.links.with(1, { ...is.links[1]!, [key]: value }) });
  }
  const address = {
    linkIndex: 9,
    ip: parseIp("10.9.9.9")!,
    prefixLength: 9,
    mark: 9,
    preferredSeconds: 0xffffffff,
  };
  for (const [key, value] of Object.entries(address)) {
    // A subnet, and another instance's VIP: that it is one is told by its lifetime.
    for (const i of key === "preferredSeconds" ? [-1] : [1, -1]) {
      const changed = { ...is.addresses.at(i)!, [key]: value };
      others.push({ ...is, addresses: is.addresses.with(i, changed) });
    }
  }
  for (const [i, other] of others.entries()) assert.ok(!isSameNetwork(is, other), `${i}`);
});
