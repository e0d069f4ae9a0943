/** Length of an Ethernet hardware address (EUI-48) in bytes. */
export const MAC_LENGTH = 6;

/** ff:ff:ff:ff:ff:ff: every station on the link. */
export const BROADCAST_MAC: Uint8Array = new Uint8Array(MAC_LENGTH).fill(0xff);

/** 00:00:00:00:00:00: not known. */
export const ZERO_MAC: Uint8Array = new Uint8Array(MAC_LENGTH);

/** Lower-case hexadecimal pairs: "02:00:5e:10:00:01". Empty for no address. */
export function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Reads six pairs with colons or dashes, in either case. @returns undefined for any other text. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/), (pair) => parseInt(pair, 16));
}
