import { ETHERTYPE_BEACON } from "../../lib/net/ethernet.ts";
import type { Beacon, BeaconCodec, BeaconRefusal } from "../../lib/net/beacon.ts";

const HEADER_LENGTH = 14;
const ETHERTYPE_AT = 12;

/**
 * Stands for the codec of lib/net/beacon.ts, whose HMAC would take most of the time: what a frame
 * says is known of frames that it made itself, and all others are forged.
 */
export class BeaconFrames implements Pick<BeaconCodec, "encode" | "decode"> {
  readonly #said = new WeakMap<Uint8Array, Beacon>();

  encode(beacon: Beacon): Uint8Array {
    const frame = blankBeacon();
    this.#said.set(frame, beacon);
    return frame;
  }

  decode(frame: Uint8Array): Beacon | BeaconRefusal {
    return this.#said.get(frame) ?? "forged";
  }
}

/** A beacon's frame that nobody with the key made. */
export function blankBeacon(): Uint8Array {
  const frame = new Uint8Array(HEADER_LENGTH);
  frame[ETHERTYPE_AT] = ETHERTYPE_BEACON >> 8;
  frame[ETHERTYPE_AT + 1] = ETHERTYPE_BEACON & 0xff;
  return frame;
}

export function isBeacon(frame: Uint8Array): boolean {
  return frame[ETHERTYPE_AT] === ETHERTYPE_BEACON >> 8 &&
    frame[ETHERTYPE_AT + 1] === (ETHERTYPE_BEACON & 0xff);
}
