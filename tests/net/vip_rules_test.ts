import assert from "node:assert/strict";
import { parseIp } from "../../lib/net/ip.ts";
import { unusableVipReason } from "../../lib/net/vip_rules.ts";

Deno.test("unusableVipReason() names what cannot be a VIP", () => {
  const cases: [ip: string, reason: RegExp | undefined][] = [
    ["0.0.0.0", /unspecified/],
    ["127.0.0.1", /loopback/],
    ["169.254.1.1", /link-local/],
    ["224.0.0.1", /multicast/],
    ["239.255.255.255", /multicast/],
    ["255.255.255.255", /limited broadcast/],
    ["::", /unspecified/],
    ["::1", /loopback/],
    ["fe80::1", /link-local/],
    ["febf::1", /link-local/],
    ["ff02::1", /multicast/],
    ["::ffff:192.0.2.1", /IPv4 address written as IPv6/],
    ["192.0.2.1", undefined],
    ["10.0.0.0", undefined],
    ["223.255.255.255", undefined],
    ["2001:db8::1", undefined],
    ["fd00::1", undefined],
    ["fec0::1", undefined],
  ];
  for (const [ip, reason] of cases) {
    const found = unusableVipReason(parseIp(ip)!);
    if (reason === undefined) assert.equal(found, undefined, ip);
    else assert.match(found ?? "", reason, ip);
  }
});
