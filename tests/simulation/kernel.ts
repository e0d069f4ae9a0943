import type { AddressChange, InterfaceAddress, Link, Network } from "../../lib/net/link.ts";
import type { Machine } from "./machine.ts";
import type { Random } from "./random.ts";

/** Lifetime of an address that stays until somebody removes it. */
export const FOREVER_SECONDS = 0xffffffff;
/** How late the kernel removes an address at most (measured on Linux 6.18). */
export const KERNEL_LATENESS_MS = 310;
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
  vanished(how: string): void;
  frameSent(): void;
}

/** A node's network: it outlives the processes, and ends lifetimes whatever they do. */
export class Kernel implements Network {
  readonly #machine: Machine;
  readonly #random: Random;
  readonly #witness: KernelWitness;
  readonly #links: Link[];
  #entry: Entry | undefined;

  constructor(machine: Machine, random: Random, index: number, witness: KernelWitness) {
    this.#machine = machine;
    this.#random = random;
    this.#witness = witness;
    const mac = Uint8Array.of(2, 0, 0, 0, 0, index);
    this.#links = [{ index: 1, name: "eth0", mac, up: true, carrier: true, loopback: false }];
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
    return this.#links;
  }

  addresses(): InterfaceAddress[] {
    if (this.#entry === undefined) return [];
    const { ip, linkIndex, mark, validSeconds } = this.#entry.change;
    return [{ linkIndex, ip, prefixLength: 32, mark, preferredSeconds: 0, validSeconds }];
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

  send(): void {
    this.#witness.frameSent();
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
    this.#entry = undefined;
    this.#witness.vanished(how);
  }
}
