import type { IpAddress } from "../net/ip.ts";
import type { Pool } from "./pool.ts";
import { addressAt, type AddressRange } from "./range.ts";

/** In a pool that no interface of this node has a subnet for, the rest will not do either. */
const MOST_UNUSABLE = 256;

interface Cursor {
  readonly values: Generator<bigint>;
  /** Looked at and free, as long as nobody took it meanwhile. */
  vip: string | undefined;
  unusable: number;
  /** Why the first that is free cannot be used. */
  why: string | undefined;
}

/** Of ten thousand that are taken, most of the time goes here. */
function dottedQuad(value: number): string {
  return `${value >>> 24}.${value >>> 16 & 255}.${value >>> 8 & 255}.${value & 255}`;
}

/** The next free address of each pool: what was passed over once is not looked at again. */
export class Cursors {
  readonly #taken: (vip: string) => boolean;
  readonly #unusable: (ip: IpAddress, wishedInterface: string | undefined) => string | undefined;
  readonly #holes: readonly AddressRange[];
  readonly #cursors = new Map<string, Cursor>();

  /**
   * @param taken stays true once it is true: a cursor never goes back
   * @param holes are passed over
   */
  constructor(
    taken: (vip: string) => boolean,
    unusable: (ip: IpAddress, wishedInterface: string | undefined) => string | undefined,
    holes: readonly AddressRange[] = [],
  ) {
    this.#holes = holes;
    this.#taken = taken;
    this.#unusable = unusable;
  }

  /** @returns a free address, the same one until it is taken; else why there is none, if known */
  next(
    pool: Pool,
    family: 4 | 6,
    wishedInterface: string | undefined,
  ): { vip: string } | { refused: string | undefined } {
    const key = `${pool.name}\n${family}\n${wishedInterface ?? ""}`;
    let cursor = this.#cursors.get(key);
    if (cursor === undefined) {
      cursor = {
        values: pool.values(family, this.#holes),
        vip: undefined,
        unusable: 0,
        why: undefined,
      };
      this.#cursors.set(key, cursor);
    }
    if (cursor.vip !== undefined && !this.#taken(cursor.vip)) return { vip: cursor.vip };
    cursor.vip = undefined;
    while (cursor.unusable < MOST_UNUSABLE) {
      const { value, done } = cursor.values.next();
      if (done) break;
      if (family === 4 && this.#taken(dottedQuad(Number(value)))) continue;
      const ip = addressAt(family, value);
      if (this.#taken(ip.text)) continue;
      const why = this.#unusable(ip, wishedInterface);
      if (why === undefined) {
        cursor.vip = ip.text;
        return { vip: ip.text };
      }
      cursor.unusable++;
      cursor.why ??= `${ip.text}: ${why}`;
    }
    return { refused: cursor.why };
  }
}
