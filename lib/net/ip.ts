/** An IP address: its family, its bytes in network order, and its canonical text. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array;
  /** Dotted quad, or RFC 5952 text. Two addresses are the same when their texts are. */
  readonly text: string;
}

/**
 * Reads a strict dotted quad, or an IPv6 address (RFC 4291, section 2.2) without a zone.
 *
 * @returns undefined when the text is neither.
 */
export function parseIp(text: string): IpAddress | undefined {
  if (text.includes(":")) {
    const bytes = parseIpv6(text);
    return bytes && { family: 6, bytes, text: formatIpv6(bytes) };
  }
  const bytes = parseIpv4(text);
  // A strict dotted quad is its own canonical text.
  return bytes && { family: 4, bytes, text };
}

/**
 * @param bytes 4 or 16 bytes in network order; they are copied.
 * @returns undefined for any other length.
 */
export function ipFromBytes(bytes: Uint8Array): IpAddress | undefined {
  if (bytes.length === 4) return { family: 4, bytes: bytes.slice(), text: bytes.join(".") };
  if (bytes.length === 16) return { family: 6, bytes: bytes.slice(), text: formatIpv6(bytes) };
  return undefined;
}

/** `::ffff:0:0/96` (RFC 4291, section 2.5.5.2): an IPv4 address in IPv6 clothes. */
export function isIpv4Mapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes.subarray(0, 10).every((byte) => byte === 0) &&
    bytes[10] === 0xff && bytes[11] === 0xff;
}

const [DOT, ZERO] = [46, 48];

/**
 * Without leading zeros: some readers take them for octal (RFC 6943, section 3.1.1). Digit by digit:
 * a holder of ten thousand VIPs reads all of them every few seconds.
 */
function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  let [octets, digits, value] = [0, 0, 0];
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : DOT;
    if (code === DOT) {
      if (octets === 4 || digits === 0 || value > 255) return undefined;
      bytes[octets++] = value;
      digits = value = 0;
    } else {
      const digit = code - ZERO;
      if (digit < 0 || digit > 9 || digits === 3 || (digits > 0 && value === 0)) return undefined;
      value = 10 * value + digit;
      digits++;
    }
  }
  return octets === 4 ? bytes : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (!text.includes(".")) return parseGroups(text);
  const start = text.lastIndexOf(":") + 1;
  const quad = parseIpv4(text.slice(start));
  // Two groups of zeros hold the place of the embedded IPv4 address.
  const bytes = parseGroups(`${text.slice(0, start)}0:0`);
  if (quad !== undefined) bytes?.set(quad, 12);
  return quad === undefined ? undefined : bytes;
}

function parseGroups(text: string): Uint8Array | undefined {
  const halves = text.split("::").map((half) => half === "" ? [] : half.split(":"));
  const [head = [], tail] = halves;
  if (halves.length > 2) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  // "::" stands for one group of zeros at least.
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<string>(missing).fill("0"), ...(tail ?? [])];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return Uint8Array.from(groups.flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 0xff];
  }));
}

/** RFC 5952, sections 4 and 5: lower case, the longest run of zeros (the first of equals) as "::". */
function formatIpv6(bytes: Uint8Array): string {
  if (isIpv4Mapped(bytes)) return `::ffff:${bytes.subarray(12).join(".")}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2));
  let run = { start: 0, length: 1 }; // a single group of zeros is written out
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > run.length) run = { start, length };
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (run.length === 1) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}
