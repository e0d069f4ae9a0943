import assert from "node:assert/strict";
import { parseIp } from "../../lib/net/ip.ts";
import type { AddressChange, InterfaceAddress } from "../../lib/net/link.ts";
import { formatMac } from "../../lib/net/mac.ts";
import { SyscallError } from "../../lib/sys/errors.ts";
import { LinuxNetwork } from "../../lib/sys/network.ts";
import { inEmptyNetwork, ip, plugVeth } from "./veth.ts";

const MARK = 0xdeadbeef;

function linkOf(network: LinuxNetwork, name: string) {
  const link = network.links().find((link) => link.name === name);
  assert.ok(link, name);
  return link;
}

/** The VIPs on all interfaces: what carries a mark. */
function vips(network: LinuxNetwork): InterfaceAddress[] {
  return network.addresses().filter(({ mark }) => mark !== 0);
}

function set(linkIndex: number, text: string, validSeconds = 60, mark = MARK): AddressChange {
  return { kind: "set", linkIndex, ip: parseIp(text)!, mark, validSeconds };
}

function remove(linkIndex: number, text: string): AddressChange {
  return { kind: "remove", linkIndex, ip: parseIp(text)!, mark: MARK };
}

Deno.test({
  ...inEmptyNetwork("LinuxNetwork.links() tells names, hardware addresses and state"),
  async fn() {
    await using _veth = await plugVeth();
    using network = new LinuxNetwork();
    const [lo, near] = [linkOf(network, "lo"), linkOf(network, "near")];
    assert.equal(lo.loopback, true);
    assert.match(
      await ip("link", "show", "near"),
      new RegExp(`link/ether ${formatMac(near.mac)} `),
    );
    assert.deepEqual([near.up, near.carrier, near.loopback], [true, true, false]);
    await ip("link", "set", "far", "down");
    const unplugged = linkOf(network, "near");
    assert.deepEqual([unplugged.up, unplugged.carrier], [true, false]);
  },
});

Deno.test({
  ...inEmptyNetwork("LinuxNetwork.links() tells where IPv6 is off, and apply() that it is"),
  async fn() {
    await using _veth = await plugVeth();
    using network = new LinuxNetwork();
    assert.equal(linkOf(network, "near").ipv6, true);
    await new Deno.Command("sysctl", { args: ["-qw", "net.ipv6.conf.near.disable_ipv6=1"] })
      .output();
    const { index, ipv6 } = linkOf(network, "near");
    assert.equal(ipv6, false);
    assert.match(network.apply([set(index, "2001:db8::1")])[0]!.message, /IPv6 may be disabled/);
    assert.deepEqual(network.apply([set(index, "192.0.2.1")]), [undefined]);
  },
});

Deno.test({
  ...inEmptyNetwork("LinuxNetwork.apply() sets, marks, refreshes and removes both families"),
  async fn() {
    await using _veth = await plugVeth();
    using network = new LinuxNetwork();
    const { index } = linkOf(network, "near");
    for (const [text, prefixLength] of [["192.0.2.1", 32], ["2001:db8::1", 128]] as const) {
      const vip = { linkIndex: index, ip: parseIp(text)!, prefixLength, preferredSeconds: 0 };
      assert.deepEqual(network.apply([set(index, text, 60)]), [undefined]);
      assert.deepEqual(vips(network), [{ ...vip, mark: MARK, validSeconds: 60 }]);
      assert.deepEqual(network.apply([set(index, text, 90, 7)]), [undefined]);
      assert.deepEqual(vips(network), [{ ...vip, mark: 7, validSeconds: 90 }]);
      assert.deepEqual(network.apply([remove(index, text)]), [undefined]);
      assert.deepEqual(vips(network), []);
    }
  },
});

Deno.test({
  ...inEmptyNetwork("LinuxNetwork.apply() answers for each change of a batch by itself"),
  async fn() {
    await using _veth = await plugVeth();
    using network = new LinuxNetwork();
    const { index } = linkOf(network, "near");
    const names = network.apply([
      set(index, "192.0.2.1"),
      set(4711, "192.0.2.2"),
      remove(index, "192.0.2.3"),
      remove(index, "2001:db8::3"),
      remove(4711, "192.0.2.1"),
      set(index, "192.0.2.4", 0),
      set(index, "192.0.2.5"),
    ]).map((error) => error instanceof SyscallError ? error.name : error);
    const nothing = undefined;
    assert.deepEqual(names, [nothing, "ENODEV", nothing, nothing, nothing, "EINVAL", nothing]);
    assert.deepEqual(vips(network).map(({ ip }) => ip.text), ["192.0.2.1", "192.0.2.5"]);
  },
});

Deno.test({
  ...inEmptyNetwork("LinuxNetwork.apply() puts a thousand VIPs on an interface and takes them off"),
  async fn() {
    await using _veth = await plugVeth();
    using network = new LinuxNetwork();
    const { index } = linkOf(network, "near");
    const texts = Array.from({ length: 1000 }, (_, n) => `10.1.${n >> 8}.${n & 255}`);
    const done = texts.map(() => undefined);
    assert.deepEqual(network.apply(texts.map((text) => set(index, text))), done);
    assert.deepEqual(new Set(vips(network).map(({ ip }) => ip.text)), new Set(texts));
    assert.deepEqual(network.apply(texts.map((text) => remove(index, text))), done);
    assert.deepEqual(vips(network), []);
  },
});

Deno.test({
  ...inEmptyNetwork("LinuxNetwork.apply() leaves the addresses of others and the routes alone"),
  async fn() {
    await using _veth = await plugVeth();
    using network = new LinuxNetwork();
    const { index } = linkOf(network, "near");
    await ip("addr", "add", "192.0.2.9/24", "dev", "near");
    const routes = await ip("route", "show");
    network.apply([set(index, "192.0.2.1")]);
    assert.equal(await ip("route", "show"), routes);
    network.apply([remove(index, "192.0.2.9"), remove(index, "192.0.2.1")]);
    assert.equal(await ip("route", "show"), routes);
    assert.match(await ip("addr", "show", "near"), /192\.0\.2\.9\/24/);
  },
});

Deno.test({
  ...inEmptyNetwork(
    "LinuxNetwork.apply() sets a VIP that is no source address, though it was first",
  ),
  async fn() {
    await using _veth = await plugVeth();
    using network = new LinuxNetwork();
    const { index } = linkOf(network, "near");
    network.apply([set(index, "198.51.100.1")]);
    await ip("addr", "add", "192.0.2.9/24", "dev", "near");
    await ip("route", "add", "default", "dev", "near");
    assert.match(await ip("route", "get", "203.0.113.1"), / src 192\.0\.2\.9 /);
  },
});

Deno.test({
  ...inEmptyNetwork("LinuxNetwork.apply() sets an address that the kernel takes away in time"),
  async fn() {
    await using _veth = await plugVeth();
    using network = new LinuxNetwork();
    const { index } = linkOf(network, "near");
    const start = performance.now();
    network.apply([set(index, "192.0.2.1", 1), set(index, "2001:db8::1", 1)]);
    assert.equal(vips(network).length, 2);
    while (vips(network).length > 0) {
      assert.ok(performance.now() - start < 30_000, "still there after 30 s");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(performance.now() - start > 900, "gone too early");
  },
});
