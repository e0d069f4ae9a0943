import { parseCidr } from "../net/cidr.ts";
import { type IpAddress, ipFromBytes, parseIp } from "../net/ip.ts";
import { unusableVipReason } from "../net/vip_rules.ts";

/** Addresses from `first` to `last`, both included, as numbers in network order. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** A range, or what is wrong with its text and what would be right. */
export type ParsedRange =
  | { readonly ok: true; readonly range: AddressRange }
  | { readonly ok: false; readonly problem: string; readonly right: string };

const SHAPES = "a CIDR such as 10.0.0.0/24, a range such as 10.0.0.10-10.0.0.20, or one address";

/**
 * Reads a CIDR, a range or a single address, of either family.
 *
 * @param options.avoidEnds leaves out the first and the last address of an IPv4 CIDR: those of the
 * network and of its broadcasts (RFC 1122, 3.2.1.3). A /31 and a /32 have none (RFC 3021).
 * @param options.hostBits takes a CIDR with host bits for the network it is in
 */
export function parseRange(
  text: string,
  options: { avoidEnds?: boolean; hostBits?: boolean } = {},
): ParsedRange {
  const refuse = (problem: string, right: string): ParsedRange => ({ ok: false, problem, right });
  const [from = "", to, ...rest] = text.split("-").map((part) => part.trim());
  if (rest.length > 0) return refuse("not addresses", SHAPES);
  let range: AddressRange;
  if (to !== undefined) {
    const [first, last] = [parseIp(from), parseIp(to)];
    if (first === undefined || last === undefined) return refuse("not addresses", SHAPES);
    if (first.family !== last.family) {
      return refuse("it goes from one family to the other", "two ranges, one for each family");
    }
    range = { family: first.family, first: valueOf(first), last: valueOf(last) };
    if (range.first > range.last) {
      return refuse("the range is backwards", `${last.text}-${first.text}`);
    }
  } else if (from.includes("/")) {
    const cidr = parseCidr(from);
    if (cidr === undefined) return refuse("not a CIDR", SHAPES);
    const { ip, prefixLength } = cidr;
    const hostBits = (1n << BigInt(ip.bytes.length * 8 - prefixLength)) - 1n;
    const value = valueOf(ip);
    const first = value & ~hostBits;
    if (first !== value && !options.hostBits) {
      const network = `${addressAt(ip.family, first).text}/${prefixLength}`;
      return refuse(
        "it has host bits",
        `${network} for the network, or ${ip.text} for the address`,
      );
    }
    const cut = options.avoidEnds && ip.family === 4 && prefixLength < 31 ? 1n : 0n;
    range = { family: ip.family, first: first + cut, last: (first | hostBits) - cut };
  } else {
    const ip = parseIp(from);
    if (ip === undefined) return refuse("not an address", SHAPES);
    range = { family: ip.family, first: valueOf(ip), last: valueOf(ip) };
  }
  for (const end of [range.first, range.last]) {
    const ip = addressAt(range.family, end);
    const unusable = unusableVipReason(ip);
    if (unusable !== undefined) {
      return refuse(`${ip.text} is ${unusable}`, "addresses that a host can serve");
    }
  }
  return { ok: true, range };
}

/** The address as a number. */
export function valueOf(ip: IpAddress): bigint {
  const view = new DataView(ip.bytes.buffer, ip.bytes.byteOffset, ip.bytes.length);
  return ip.family === 4
    ? BigInt(view.getUint32(0))
    : view.getBigUint64(0) << 64n | view.getBigUint64(8);
}

/** The address that a number stands for. */
export function addressAt(family: 4 | 6, value: bigint): IpAddress {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  const view = new DataView(bytes.buffer);
  if (family === 4) view.setUint32(0, Number(value));
  else {
    view.setBigUint64(0, value >> 64n);
    view.setBigUint64(8, value & 0xffff_ffff_ffff_ffffn);
  }
  return ipFromBytes(bytes)!;
}

export function overlaps(a: AddressRange, b: AddressRange): boolean {
  return overlap(a, b) !== undefined;
}

/** The addresses that are in both. */
export function overlap(a: AddressRange, b: AddressRange): AddressRange | undefined {
  if (a.family !== b.family) return undefined;
  const first = a.first > b.first ? a.first : b.first;
  const last = a.last < b.last ? a.last : b.last;
  return first <= last ? { family: a.family, first, last } : undefined;
}

/** What is left of sorted ranges without the holes, sorted. */
export function without(
  ranges: readonly AddressRange[],
  holes: readonly AddressRange[],
): AddressRange[] {
  return merged(holes).reduce(
    (left, hole) =>
      left.flatMap((range) => {
        const common = overlap(range, hole);
        if (common === undefined) return [range];
        return [
          { ...range, last: common.first - 1n },
          { ...range, first: common.last + 1n },
        ].filter(({ first, last }) => first <= last);
      }),
    [...ranges],
  );
}

/** As one writes it: `10.0.0.1`, or `10.0.0.1-10.0.0.9`. */
export function describeRange({ family, first, last }: AddressRange): string {
  const [from, to] = [first, last].map((value) => addressAt(family, value).text);
  return from === to ? from! : `${from}-${to}`;
}

/** Sorted by family and address, with ranges that meet or overlap as one. */
export function merged(ranges: Iterable<AddressRange>): AddressRange[] {
  const sorted = [...ranges].sort((a, b) =>
    a.family - b.family || (a.first < b.first ? -1 : a.first > b.first ? 1 : 0)
  );
  const result: AddressRange[] = [];
  for (const range of sorted) {
    const before = result.at(-1);
    if (before?.family === range.family && range.first <= before.last + 1n) {
      const last = range.last > before.last ? range.last : before.last;
      result[result.length - 1] = { ...before, last };
    } else result.push(range);
  }
  return result;
}

/** Whether one of the ranges has the address. */
export function includesAddress(ranges: readonly AddressRange[], ip: IpAddress): boolean {
  const value = valueOf(ip);
  return ranges.some(({ family, first, last }) =>
    family === ip.family && first <= value && value <= last
  );
}
