import { type IpAddress, parseIp } from "./ip.ts";

/** A prefix (RFC 4632); the bits behind it don't matter. An `InterfaceAddress` is one too. */
export interface Cidr {
  readonly ip: IpAddress;
  /** 0 to 32, or 0 to 128. */
  readonly prefixLength: number;
}

/** Reads "10.0.0.0/8" or "2001:db8::/32". @returns undefined when the text is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const [, address = "", length = ""] = /^(.+)\/(0|[1-9][0-9]{0,2})$/.exec(text) ?? [];
  const ip = parseIp(address);
  if (ip === undefined || Number(length) > ip.bytes.length * 8) return undefined;
  return { ip, prefixLength: Number(length) };
}

/** Says whether the prefix covers the address; never across families. */
export function contains(cidr: Cidr, ip: IpAddress): boolean {
  if (cidr.ip.family !== ip.family) return false;
  return cidr.ip.bytes.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, cidr.prefixLength - index * 8));
    const mask = 0xff00 >> bits & 0xff;
    return (byte & mask) === ((ip.bytes[index] ?? 0) & mask);
  });
}
