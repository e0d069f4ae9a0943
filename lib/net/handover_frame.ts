import { createHmac, timingSafeEqual } from "node:crypto";
import { concat, equal, setUint16 } from "./bytes.ts";
import { decodeEthernet, encodeEthernet, ETHERTYPE_HANDOVER } from "./ethernet.ts";

/** A holder that is about to leave asks the segment who takes over. */
export interface HandoverCall {
  readonly kind: "call";
  readonly node: string;
  /** Tells this call from all others. */
  readonly id: string;
  /** `resourceVersion` of the Lease as the holder has it. */
  readonly version: string;
}

/** A standby's answer. */
export interface HandoverOffer {
  readonly kind: "offer";
  readonly node: string;
  /** Of the call that it answers. */
  readonly id: string;
  /** Boot and network namespace, as on a Lease. */
  readonly incarnation: string;
  /** 0 to 100. */
  readonly priority: number;
  /** What the Lease names it by: proof that it was handed over after this offer was made. */
  readonly token: string;
}

export type HandoverMessage = HandoverCall | HandoverOffer;

/** Why a frame is no message for this instance. */
export type HandoverRefusal = "malformed" | "foreign" | "forged";

const MAGIC = new TextEncoder().encode("CVHO");
const VERSION = 1;
const KINDS = ["call", "offer"] as const;
/** magic 4, version 1, kind 1, priority 1, then texts: a length of 16 bits and so many bytes of UTF-8. */
const AT = { version: 4, kind: 5, priority: 6, texts: 7 };
/** instance, node, id, and version or incarnation, and token: all of them always there. */
type Texts = readonly [string, string, string, string, string];
const TEXTS = 5;
const NO_HMAC = new Uint8Array();

/** The messages of one instance: authenticated with HMAC-SHA256 over all that is before it, where there is a key. */
export class HandoverCodec {
  readonly #instance: string;
  readonly #key: Uint8Array | undefined;

  /** @param instance the Lease: `namespace/name` */
  constructor(instance: string, key?: Uint8Array) {
    this.#instance = instance;
    this.#key = key;
  }

  /**
   * @param source hardware address of the interface that it goes out on
   * @returns a whole Ethernet frame
   */
  encode(message: HandoverMessage, source: Uint8Array, destination: Uint8Array): Uint8Array {
    const [priority, more] = message.kind === "offer"
      ? [message.priority, [message.incarnation, message.token]]
      : [0, [message.version, ""]];
    const texts = [this.#instance, message.node, message.id, ...more].map(lengthAndText);
    const head = Uint8Array.of(...MAGIC, VERSION, KINDS.indexOf(message.kind), priority);
    const body = concat([head, ...texts]);
    return encodeEthernet({
      destination,
      source,
      etherType: ETHERTYPE_HANDOVER,
      payload: concat([body, this.#hmac(body)]),
    });
  }

  /**
   * Reads a whole Ethernet frame.
   *
   * @returns the message and the hardware address that it came from
   */
  decode(frame: Uint8Array): HandoverMessage & { readonly mac: Uint8Array } | HandoverRefusal {
    const ethernet = decodeEthernet(frame);
    if (ethernet?.etherType !== ETHERTYPE_HANDOVER) return "malformed";
    const { payload, source: mac } = ethernet;
    const isOurs = equal(payload.subarray(0, MAGIC.length), MAGIC) &&
      payload[AT.version] === VERSION;
    const read = isOurs ? readTexts(payload) : undefined;
    if (read === undefined) return "malformed";
    const [instance, node, id, first, second] = read.texts;
    if (instance !== this.#instance) return "foreign";
    // Ethernet pads short frames with zeros.
    const hmac = this.#hmac(payload.subarray(0, read.endAt));
    const end = payload.subarray(read.endAt, read.endAt + hmac.length);
    if (end.length !== hmac.length || !timingSafeEqual(end, hmac)) return "forged";
    if (payload.subarray(read.endAt + hmac.length).some((byte) => byte !== 0)) return "malformed";
    if (node === "" || id === "") return "malformed";
    const priority = payload[AT.priority]!;
    const kind = KINDS[payload[AT.kind]!];
    if (kind === "call") return { kind, node, id, version: first, mac };
    if (kind === undefined || first === "" || second === "" || priority > 100) return "malformed";
    return { kind, node, id, incarnation: first, priority, token: second, mac };
  }

  #hmac(bytes: Uint8Array): Uint8Array {
    if (this.#key === undefined) return NO_HMAC;
    return createHmac("sha256", this.#key).update(bytes).digest();
  }
}

function lengthAndText(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const whole = new Uint8Array(2 + bytes.length);
  setUint16(whole, 0, bytes.length);
  whole.set(bytes, 2);
  return whole;
}

/** @returns the texts and where they end; undefined when they are cut, or no UTF-8 */
function readTexts(bytes: Uint8Array): { texts: Texts; endAt: number } | undefined {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const texts: string[] = [];
  let at = AT.texts;
  while (texts.length < TEXTS) {
    const [high, low] = [bytes[at], bytes[at + 1]];
    if (high === undefined || low === undefined) return undefined;
    const endAt = at + 2 + (high << 8 | low);
    if (endAt > bytes.length) return undefined;
    try {
      texts.push(decoder.decode(bytes.subarray(at + 2, endAt)));
    } catch {
      return undefined;
    }
    at = endAt;
  }
  return { texts: texts as unknown as Texts, endAt: at };
}
