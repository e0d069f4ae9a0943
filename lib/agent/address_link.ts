import type { Logger } from "../observe/logger.ts";

/** A network device that goes with the process. */
export interface AddressDevice extends Disposable {
  readonly linkIndex: number;
}

/**
 * Decides where the addresses of fast failover live. On an ordinary interface the kernel would go on
 * answering for those of a crashed agent until their lifetime ends; a device that goes with the
 * process takes them along. Where that can't be, it says so once.
 */
export class AddressLink implements Disposable {
  readonly #device: AddressDevice | undefined;
  readonly #arpIgnore: (interfaceName: string) => number;
  readonly #logger: Logger;
  readonly #ignoring = new Map<string, boolean>();

  constructor(
    openDevice: () => AddressDevice,
    arpIgnore: (interfaceName: string) => number,
    logger: Logger,
  ) {
    this.#arpIgnore = arpIgnore;
    this.#logger = logger;
    try {
      this.#device = openDevice();
    } catch (error) {
      logger.warn(`${CONSEQUENCE}: a TUN device cannot be made`, { error });
    }
  }

  /** @returns the device's index; undefined where addresses belong on the interface itself. */
  homeOf(interfaceName: string): number | undefined {
    if (this.#device === undefined) return undefined;
    const ignoring = this.#arpIgnore(interfaceName) > 0;
    if (ignoring && !this.#ignoring.get(interfaceName)) {
      this.#logger.warn(
        `${CONSEQUENCE}: net.ipv4.conf.${interfaceName}.arp_ignore, or that of all, is not 0`,
        { interface: interfaceName },
      );
    }
    this.#ignoring.set(interfaceName, ignoring);
    return ignoring ? undefined : this.#device.linkIndex;
  }

  [Symbol.dispose](): void {
    this.#device?.[Symbol.dispose]();
  }
}

const CONSEQUENCE =
  "after a crash of this agent alone, its VIPs are free only when their kernel lifetime ends";
