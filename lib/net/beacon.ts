import { createHmac, timingSafeEqual } from "node:crypto";
import { equal } from "./bytes.ts";
import { decodeEthernet, encodeEthernet, ETHERTYPE_BEACON } from "./ethernet.ts";
import { type IpAddress, ipFromBytes } from "./ip.ts";
import { MAC_LENGTH } from "./mac.ts";

/** Where beacons go: a locally administered group address, so a NIC can filter for it. */
export const BEACON_MAC: Uint8Array = Uint8Array.of(0x03, 0x63, 0x6c, 0x76, 0x69, 0x70);

/** What an agent says of itself, now and then, on the segment of its VIPs. */
export interface Beacon {
  /** A holder says that it holds in this term; a standby that it would take over. */
  readonly kind: "holder" | "standby";
  readonly node: string;
  /** `leaseTransitions` of the Lease as the sender has seen it. */
  readonly term: number;
  /** Grows with every beacon of a node: microseconds of its boot clock. */
  readonly sequence: number;
  /** Of the interface that it was sent from; the same as the frame's source. */
  readonly mac: Uint8Array;
  /** 0 to 100. */
  readonly priority: number;
  /** An address that the holder has and answers for; undefined: it has none. */
  readonly vip: IpAddress | undefined;
}

/** Why a frame is no beacon for this instance. */
export type BeaconRefusal = "malformed" | "foreign" | "forged";

const MAGIC = new TextEncoder().encode("CVIP");
const VERSION = 1;
const KINDS = ["holder", "standby"] as const;
/** magic 4, version 1, kind 1, term 8, sequence 8, MAC 6, priority 1, VIP length 1 and VIP 16. */
const AT = { kind: 5, term: 6, sequence: 14, mac: 22, priority: 28, vipLength: 29, vip: 30 };
const INSTANCE_LENGTH_AT = 46;
const NODE_LENGTH_AT = 48;
const TEXT_AT = 50;
const HMAC_LENGTH = 32;

/** The beacons of one instance, authenticated with HMAC-SHA256 over all that is before it. */
export class BeaconCodec {
  readonly #key: Uint8Array;
  readonly #instance: Uint8Array;

  /** @param instance the Lease: `namespace/name` */
  constructor(key: Uint8Array, instance: string) {
    this.#key = key;
    this.#instance = new TextEncoder().encode(instance);
  }

  /** @returns a whole Ethernet frame. */
  encode(beacon: Beacon): Uint8Array {
    const node = new TextEncoder().encode(beacon.node);
    const endAt = TEXT_AT + this.#instance.length + node.length;
    const bytes = new Uint8Array(endAt + HMAC_LENGTH);
    const view = new DataView(bytes.buffer);
    bytes.set(MAGIC);
    bytes[MAGIC.length] = VERSION;
    bytes[AT.kind] = KINDS.indexOf(beacon.kind);
    view.setBigUint64(AT.term, BigInt(beacon.term));
    view.setBigUint64(AT.sequence, BigInt(beacon.sequence));
    bytes.set(beacon.mac, AT.mac);
    bytes[AT.priority] = beacon.priority;
    bytes[AT.vipLength] = beacon.vip?.bytes.length ?? 0;
    bytes.set(beacon.vip?.bytes ?? [], AT.vip);
    view.setUint16(INSTANCE_LENGTH_AT, this.#instance.length);
    view.setUint16(NODE_LENGTH_AT, node.length);
    bytes.set(this.#instance, TEXT_AT);
    bytes.set(node, TEXT_AT + this.#instance.length);
    bytes.set(this.#hmac(bytes.subarray(0, endAt)), endAt);
    return encodeEthernet({
      destination: BEACON_MAC,
      source: beacon.mac,
      etherType: ETHERTYPE_BEACON,
      payload: bytes,
    });
  }

  /** Reads a whole Ethernet frame. Nothing of it counts before its HMAC was found right. */
  decode(frame: Uint8Array): Beacon | BeaconRefusal {
    const ethernet = decodeEthernet(frame);
    if (ethernet?.etherType !== ETHERTYPE_BEACON) return "malformed";
    const bytes = ethernet.payload;
    if (bytes.length < TEXT_AT + HMAC_LENGTH) return "malformed";
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const nodeAt = TEXT_AT + view.getUint16(INSTANCE_LENGTH_AT);
    const endAt = nodeAt + view.getUint16(NODE_LENGTH_AT);
    if (!equal(bytes.subarray(0, MAGIC.length), MAGIC) || bytes[MAGIC.length] !== VERSION) {
      return "malformed";
    }
    // Every frame is longer than the 46 bytes that Ethernet pads to: its length is exact.
    if (bytes.length !== endAt + HMAC_LENGTH) return "malformed";
    if (!equal(bytes.subarray(TEXT_AT, nodeAt), this.#instance)) return "foreign";
    if (!timingSafeEqual(this.#hmac(bytes.subarray(0, endAt)), bytes.subarray(endAt))) {
      return "forged";
    }
    const mac = bytes.slice(AT.mac, AT.mac + MAC_LENGTH);
    if (!equal(mac, ethernet.source)) return "forged";
    const kind = KINDS[bytes[AT.kind]!];
    const term = Number(view.getBigUint64(AT.term));
    const sequence = Number(view.getBigUint64(AT.sequence));
    const vipLength = bytes[AT.vipLength]!;
    const vip = ipFromBytes(bytes.subarray(AT.vip, AT.vip + Math.min(vipLength, 16)));
    if (kind === undefined || (vip === undefined && vipLength !== 0)) return "malformed";
    if (!Number.isSafeInteger(term) || !Number.isSafeInteger(sequence)) return "malformed";
    const node = new TextDecoder().decode(bytes.subarray(nodeAt, endAt));
    return { kind, node, term, sequence, mac, priority: bytes[AT.priority]!, vip };
  }

  #hmac(bytes: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#key).update(bytes).digest();
  }
}

/** Takes each beacon once: those that were heard before, or are older, count for nothing. */
export class ReplayFilter {
  readonly #last = new Map<string, { term: number; sequence: number }>();

  /** @returns whether the beacon is newer than all of its node before. */
  accepts({ node, term, sequence }: Pick<Beacon, "node" | "term" | "sequence">): boolean {
    const last = this.#last.get(node);
    // A boot sets the clock back; what a node says afterwards, it says in a new term.
    if (last !== undefined && sequence <= last.sequence && term <= last.term) return false;
    this.#last.set(node, { term, sequence });
    return true;
  }
}
