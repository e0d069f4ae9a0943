/** An IP address: its family, its bytes in network order, and its canonical text. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array;
  /** Dotted quad, or RFC 5952 text. Two addresses are the same when their texts are. */
  readonly text: string;
}
