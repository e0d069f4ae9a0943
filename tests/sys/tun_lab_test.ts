import assert from "node:assert/strict";
import { BEACON_MAC } from "../../lib/net/beacon.ts";
import { encodeEthernet, ETHERTYPE_BEACON } from "../../lib/net/ethernet.ts";
import { LinuxNetwork } from "../../lib/sys/network.ts";
import { PacketSocket } from "../../lib/sys/packet_socket.ts";
import { arpIgnore, Tun } from "../../lib/sys/tun.ts";
import { inEmptyNetwork, ip, plugVeth } from "./veth.ts";

/** Ordinary users may lack it even in a user namespace of their own; the agent does without it. */
function canOpenTun(): boolean {
  try {
    Deno.openSync("/dev/net/tun", { read: true, write: true }).close();
    return true;
  } catch {
    return false;
  }
}

const test = inEmptyNetwork("Tun is up, and goes away with its addresses");
Deno.test({
  ...test,
  ignore: test.ignore || !canOpenTun(),
  async fn() {
    using network = new LinuxNetwork();
    const tun = Tun.open();
    const link = network.links().find(({ index }) => index === tun.linkIndex)!;
    assert.match(link.name, /^classvip\d+$/);
    assert.deepEqual([link.up, link.mac.length], [true, 0]);
    await ip("address", "add", "192.0.2.1/32", "dev", link.name);
    assert.match(await ip("route", "get", "192.0.2.1"), /^local 192\.0\.2\.1/);
    tun[Symbol.dispose]();
    tun[Symbol.dispose]();
    assert.ok(!network.links().some(({ name }) => name === link.name));
    assert.ok(!network.addresses().some((address) => address.ip.text === "192.0.2.1"));
  },
});

Deno.test({
  ...inEmptyNetwork("PacketSocket.open() joins the group of the beacons"),
  async fn() {
    await using _veth = await plugVeth();
    using network = new LinuxNetwork();
    const indexOf = (name: string) => network.links().find((link) => link.name === name)!.index;
    const far = indexOf("far");
    {
      using socket = PacketSocket.open({
        etherType: ETHERTYPE_BEACON,
        linkIndex: far,
        group: BEACON_MAC,
      });
      assert.match(await ip("maddress", "show", "dev", "far"), /03:63:6c:76:69:70/);
      const payload = new Uint8Array(46);
      const source = Uint8Array.of(2, 0, 0, 0, 0, 1);
      const frame = { destination: BEACON_MAC, source, etherType: ETHERTYPE_BEACON, payload };
      network.send(indexOf("near"), encodeEthernet(frame));
      assert.equal((await socket.receive(5000))?.linkIndex, far);
    }
    assert.doesNotMatch(await ip("maddress", "show", "dev", "far"), /03:63:6c:76:69:70/);
  },
});

Deno.test({
  ...inEmptyNetwork("arpIgnore() is that of the interface or of all, whichever is stricter"),
  async fn() {
    await using _veth = await plugVeth();
    assert.equal(arpIgnore("near"), 0);
    const file = "/proc/sys/net/ipv4/conf/near/arp_ignore";
    try {
      await Deno.writeTextFile(file, "1");
    } catch {
      return; // /proc is mounted read-only in some containers
    }
    assert.equal(arpIgnore("near"), 1);
    assert.equal(arpIgnore("far"), 0);
    assert.equal(arpIgnore("no-such-interface"), 0);
  },
});
