import { type Cidr, contains, parseCidr } from "./cidr.ts";
import { type IpAddress, isIpv4Mapped } from "./ip.ts";

/** Special-purpose addresses (RFC 6890) that no host can serve to its neighbours. */
const UNUSABLE: readonly (readonly [Cidr, string])[] = ([
  ["0.0.0.0/8", "the unspecified address"], // "this network", RFC 791
  ["127.0.0.0/8", "a loopback address"],
  ["169.254.0.0/16", "a link-local address"],
  ["224.0.0.0/4", "a multicast address"],
  ["255.255.255.255/32", "the limited broadcast address"],
  ["::/128", "the unspecified address"],
  ["::1/128", "a loopback address"],
  ["fe80::/10", "a link-local address"],
  ["ff00::/8", "a multicast address"],
] as const).map(([text, what]) => [parseCidr(text)!, what]);

/** @returns why the address cannot be a VIP ("a loopback address"), or undefined when it can. */
export function unusableVipReason(ip: IpAddress): string | undefined {
  if (isIpv4Mapped(ip.bytes)) return "an IPv4 address written as IPv6";
  return UNUSABLE.find(([cidr]) => contains(cidr, ip))?.[1];
}
