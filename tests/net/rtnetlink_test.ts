import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIp } from "../../lib/net/ip.ts";
import type { AddressChange } from "../../lib/net/link.ts";
import {
  decodeNetlinkMessages,
  encodeAttributes,
  encodeU32,
  type NetlinkAttribute,
} from "../../lib/net/netlink_message.ts";
import {
  decodeAddress,
  decodeGateways,
  decodeLink,
  encodeDump,
  LONGEST_ADDRESS_CHANGE,
  RTM_GETADDR,
  RTM_GETLINK,
  writeAddressChange,
} from "../../lib/net/rtnetlink.ts";

const text = (value: string) => new TextEncoder().encode(value);

function link(flags: number, attributes: NetlinkAttribute[]): Uint8Array {
  // struct ifinfomsg: ifi_family, padding, ifi_type, ifi_index, ifi_flags, ifi_change
  return Uint8Array.from([...encodeU32(0, 7, flags, 0), ...encodeAttributes(attributes)]);
}

/** What is written, in the middle of an array that was used before. */
function written(change: AddressChange, sequence: number, acknowledged: boolean): Uint8Array {
  const [start, end] = [8, 8 + LONGEST_ADDRESS_CHANGE];
  const into = new Uint8Array(end + 8).fill(0xff);
  const view = new DataView(into.buffer);
  const length = writeAddressChange(view, start, change, sequence, acknowledged);
  const others = [...into.subarray(0, start), ...into.subarray(start + length)];
  assert.ok(others.every((byte) => byte === 0xff), "nothing else is written");
  return into.slice(start, start + length);
}

Deno.test("writeAddressChange() sets a VIP as a deprecated host address that ends by itself", () => {
  const bytes = written(
    {
      kind: "set",
      linkIndex: 3,
      ip: parseIp("192.0.2.1")!,
      mark: 0xdeadbeef,
      validSeconds: 15,
    },
    9,
    true,
  );
  // deno-fmt-ignore
  assert.deepEqual(bytes, Uint8Array.of(
    76, 0, 0, 0, // nlmsg_len
    20, 0, // nlmsg_type: RTM_NEWADDR
    0x05, 0x05, // nlmsg_flags: REQUEST | ACK, REPLACE | CREATE
    9, 0, 0, 0, // nlmsg_seq
    0, 0, 0, 0, // nlmsg_pid
    2, 32, 0, 254, // ifa_family: AF_INET, ifa_prefixlen, ifa_flags, ifa_scope: RT_SCOPE_HOST
    3, 0, 0, 0, // ifa_index
    8, 0, 2, 0, 192, 0, 2, 1, // IFA_LOCAL
    8, 0, 1, 0, 192, 0, 2, 1, // IFA_ADDRESS
    20, 0, 6, 0, // IFA_CACHEINFO
    0, 0, 0, 0, // ifa_prefered
    15, 0, 0, 0, // ifa_valid
    0, 0, 0, 0, 0, 0, 0, 0, // cstamp, tstamp
    8, 0, 8, 0, 0x00, 0x02, 0, 0, // IFA_FLAGS: NOPREFIXROUTE
    8, 0, 9, 0, 0xef, 0xbe, 0xad, 0xde, // IFA_RT_PRIORITY: the mark
  ));
});

Deno.test("writeAddressChange() sets IPv6 without duplicate address detection", () => {
  const ip = parseIp("2001:db8::1")!;
  const change = { kind: "set", linkIndex: 3, ip, mark: 1, validSeconds: 15 } as const;
  const [message] = decodeNetlinkMessages(written(change, 1, true)) ?? [];
  assert.deepEqual([...message?.payload.subarray(0, 4) ?? []], [10, 128, 0, 0]);
  // The last but one attribute is IFA_FLAGS: NODAD | NOPREFIXROUTE
  assert.deepEqual([...message?.payload.subarray(-16, -8) ?? []], [8, 0, 8, 0, 0x02, 0x02, 0, 0]);
});

Deno.test("writeAddressChange() removes exactly one address", () => {
  const ip = parseIp("192.0.2.1")!;
  const bytes = written({ kind: "remove", linkIndex: 3, ip, mark: 1 }, 9, false);
  // deno-fmt-ignore
  assert.deepEqual(bytes.subarray(0, 24), Uint8Array.of(
    40, 0, 0, 0,
    21, 0, // nlmsg_type: RTM_DELADDR
    0x01, 0x00, // nlmsg_flags: REQUEST
    9, 0, 0, 0,
    0, 0, 0, 0,
    2, 32, 0, 254, // struct ifaddrmsg
    3, 0, 0, 0,
  ));
});

Deno.test("encodeDump() asks for everything", () => {
  for (const [type, length] of [[RTM_GETLINK, 16], [RTM_GETADDR, 8]] as const) {
    const payload = new Uint8Array(length);
    assert.deepEqual(decodeNetlinkMessages(encodeDump(type, 4)), [
      { type, flags: 0x301, sequence: 4, payload },
    ]);
  }
});

Deno.test("decodeAddress() reads back what writeAddressChange() wrote", () => {
  const change = fc.record({
    kind: fc.constant("set" as const),
    linkIndex: fc.nat(0x7fffffff),
    ip: fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => parseIp(text)!),
    mark: fc.nat(0xffffffff),
    validSeconds: fc.nat(0xffffffff),
  });
  fc.assert(fc.property(change, fc.nat(), (change, cut) => {
    const [message] = decodeNetlinkMessages(written(change, 1, true)) ?? [];
    const payload = message?.payload ?? new Uint8Array();
    assert.deepEqual(decodeAddress(payload), {
      linkIndex: change.linkIndex,
      ip: change.ip,
      prefixLength: change.ip.family === 4 ? 32 : 128,
      mark: change.mark,
      preferredSeconds: 0,
      validSeconds: change.validSeconds,
    });
    assert.equal(decodeAddress(payload, change.mark), undefined);
    assert.ok(decodeAddress(payload, change.mark ^ 1));
    decodeAddress(payload.subarray(0, cut % payload.length), 1); // does not throw
  }));
});

Deno.test("decodeAddress() takes the local end of a point-to-point address, and lasting lifetimes", () => {
  const payload = Uint8Array.from([
    ...[2, 32, 0x80, 0],
    ...encodeU32(5),
    ...encodeAttributes([[1, Uint8Array.of(10, 0, 0, 2)], [2, Uint8Array.of(10, 0, 0, 1)]]),
  ]);
  assert.deepEqual(decodeAddress(payload), {
    linkIndex: 5,
    ip: parseIp("10.0.0.1"),
    prefixLength: 32,
    mark: 0,
    preferredSeconds: 0xffffffff,
    validSeconds: 0xffffffff,
  });
});

Deno.test("decodeLink() reads name, hardware address and state", () => {
  const mac = Uint8Array.of(2, 0, 0x5e, 0x10, 0, 1);
  const up = link(0x10041, [[3, text("eth0\0")], [1, mac]]); // UP | RUNNING | LOWER_UP
  assert.deepEqual(decodeLink(up), {
    index: 7,
    name: "eth0",
    mac,
    up: true,
    carrier: true,
    ipv6: false,
    loopback: false,
  });
  const tunnel = decodeLink(link(0x8, [[3, text("tunl0\0")], [1, new Uint8Array(4)]]));
  assert.deepEqual(tunnel?.mac, new Uint8Array(), "4 bytes are no Ethernet address");
  assert.deepEqual([tunnel?.up, tunnel?.carrier, tunnel?.loopback], [false, false, true]);
  assert.equal(decodeLink(link(0, [])), undefined, "no name");
});

Deno.test("decodeGateways() reads one next hop, several, and none", () => {
  const [a, b] = [Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 0, 2)];
  const route = (attributes: NetlinkAttribute[]) =>
    decodeGateways(Uint8Array.of(...new Uint8Array(12), ...encodeAttributes(attributes)))
      ?.map(({ text }) => text);
  assert.deepEqual(route([[5, a]]), ["10.0.0.1"]); // RTA_GATEWAY
  assert.deepEqual(route([[4, encodeU32(2)]]), []); // RTA_OIF
  const hop = (
    gateway: Uint8Array,
  ) => [16, 0, 0, 0, ...encodeU32(2), ...encodeAttributes([[5, gateway]])];
  assert.deepEqual(route([[9, Uint8Array.from([...hop(a), ...hop(b)])]]), ["10.0.0.1", "10.0.0.2"]);
  // A hop that counts less than its own head would go on for ever.
  assert.equal(route([[9, new Uint8Array(16)]]), undefined);
  assert.equal(decodeGateways(new Uint8Array(11)), undefined);
});

Deno.test("decodeLink(), decodeAddress() and decodeGateways() never throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
    decodeLink(bytes);
    decodeAddress(bytes);
    decodeGateways(bytes);
  }));
});

Deno.test("decodeLink() tells whether the interface can have IPv6 addresses", () => {
  const name: NetlinkAttribute = [3, text("eth0\0")];
  const settings = (disabled: number) => encodeU32(...new Array(26).fill(9), disabled, 9);
  const families = (...attributes: NetlinkAttribute[]) => encodeAttributes(attributes);
  // IFLA_AF_SPEC, AF_INET6, IFLA_INET6_CONF
  const can = (conf: Uint8Array) =>
    decodeLink(link(1, [name, [26, families([2, new Uint8Array()], [10, families([2, conf])])]]))
      ?.ipv6;
  assert.equal(can(settings(0)), true);
  assert.equal(can(settings(1)), false, "disable_ipv6");
  assert.equal(can(encodeU32(0, 0)), false, "cut");
  assert.equal(decodeLink(link(1, [name, [26, families([2, new Uint8Array()])]]))?.ipv6, false);
  assert.equal(decodeLink(link(1, [name]))?.ipv6, false, "a kernel without IPv6");
});
