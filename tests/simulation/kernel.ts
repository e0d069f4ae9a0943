import { parseIp } from "../../lib/net/ip.ts";
import type { AddressChange, InterfaceAddress, Link, Network } from "../../lib/net/link.ts";
import type { Machine } from "./machine.ts";
import type { Random } from "./random.ts";

/** Lifetime of an address that stays until somebody removes it. */
export const FOREVER_SECONDS = 0xffffffff;
/**
 * How late the kernel removes an address at most: it looks once a second (measured on Linux 6.18,
 * with addresses whose lifetimes end at different times).
 */
export const KERNEL_LATENESS_MS = 1000;
/** Of the device that goes with the agent's process. */
export const DEVICE_INDEX = 2;
/** Jiffies are counted from the raw clock, boot time is slewed by NTP: 500 ppm at most. */
const SLEW = 0.0005;

interface Entry {
  readonly change: AddressChange & { kind: "set" };
  /** The machine was suspended since the lifetime was set, which therefore ends late. */
  slept: boolean;
}

/** What the world outside sees of a kernel. */
export interface KernelWitness {
  set(seconds: number, appeared: boolean): void;
  /** @param slept a suspend had prolonged its lifetime */
  vanished(how: string, slept: boolean): void;
  frameSent(frame: Uint8Array): void;
}

/** A node's network: it outlives the processes, and ends lifetimes whatever they do. */
export class Kernel implements Network {
  readonly #machine: Machine;
  readonly #random: Random;
  readonly #witness: KernelWitness;
  readonly #links: readonly Link[];
  readonly #own: readonly InterfaceAddress[];
  #entry: Entry | undefined;

  /**
   * @param index of the node, from 1
   * @param fast a device and an own address are there too
   */
  constructor(
    machine: Machine,
    random: Random,
    index: number,
    witness: KernelWitness,
    fast = false,
  ) {
    this.#machine = machine;
    this.#random = random;
    this.#witness = witness;
    const mac = Uint8Array.of(2, 0, 0, 0, 0, index);
    const eth0 = {
      index: 1,
      name: "eth0",
      mac,
      up: true,
      carrier: true,
      loopback: false,
      ipv6: true,
    };
    const device = { ...eth0, index: DEVICE_INDEX, name: "classvip0", mac: new Uint8Array() };
    this.#links = fast ? [eth0, device] : [eth0];
    const ip = parseIp(`192.0.2.${100 + index}`)!;
    const own = { linkIndex: 1, ip, prefixLength: 24, mark: 0 };
    this.#own = fast
      ? [{ ...own, preferredSeconds: FOREVER_SECONDS, validSeconds: FOREVER_SECONDS }]
      : [];
    machine.onWake(() => {
      if (this.#entry) this.#entry.slept = true;
    });
  }

  /** Whether the VIP is on the interface. All simulations have one VIP only. */
  get present(): boolean {
    return this.#entry !== undefined;
  }

  /** Whether its lifetime was prolonged by a suspend. */
  get slept(): boolean {
    return this.#entry?.slept ?? false;
  }

  links(): Link[] {
    return [...this.#links];
  }

  addresses(): InterfaceAddress[] {
    if (this.#entry === undefined) return [...this.#own];
    const { ip, linkIndex, mark, validSeconds } = this.#entry.change;
    return [...this.#own, {
      linkIndex,
      ip,
      prefixLength: 32,
      mark,
      preferredSeconds: 0,
      validSeconds,
    }];
  }

  gateways(): never[] {
    return [];
  }

  apply(changes: readonly AddressChange[]): undefined[] {
    return changes.map((change) => {
      if (change.kind === "remove") this.#vanish("removed");
      else this.#set(change);
      return undefined;
    });
  }

  send(_linkIndex: number, frame: Uint8Array): void {
    this.#witness.frameSent(frame);
  }

  /** The process that opened the device ended. */
  closeDevice(): void {
    if (this.#entry?.change.linkIndex === DEVICE_INDEX) this.#vanish("gone with the process");
  }

  /** The machine boots anew. */
  reset(): void {
    this.#vanish("gone with the reboot");
  }

  [Symbol.dispose](): void {}

  #set(change: AddressChange & { kind: "set" }): void {
    const entry = { change, slept: false };
    const appeared = this.#entry === undefined;
    this.#entry = entry;
    this.#witness.set(change.validSeconds, appeared);
    // Often as late as ever: what is rare in the kernel must not be rare here.
    const lateMs = Math.min(1, 2 * this.#random()) * KERNEL_LATENESS_MS;
    const slew = 1 + (2 * this.#random() - 1) * SLEW;
    if (change.validSeconds === FOREVER_SECONDS) return;
    this.#machine.afterAwake(change.validSeconds * 1000 * slew + lateMs, () => {
      if (this.#entry === entry) this.#vanish("lifetime ended");
    });
  }

  #vanish(how: string): void {
    if (this.#entry === undefined) return;
    const { slept } = this;
    this.#entry = undefined;
    this.#witness.vanished(how, slept);
  }
}
