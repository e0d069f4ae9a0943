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
  for (let index = 0; index * 8 < cidr.prefixLength; index++) {
    const mask = 0xff00 >> Math.min(8, cidr.prefixLength - index * 8) & 0xff;
    if (((cidr.ip.bytes[index]! ^ ip.bytes[index]!) & mask) !== 0) return false;
  }
  return true;
}
