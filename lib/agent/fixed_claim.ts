import type { IpAddress } from "../net/ip.ts";
import type { Network } from "../net/link.ts";
import type { Logger } from "../observe/logger.ts";
import type { InstanceMetrics } from "../observe/metrics.ts";
import { type ServiceView, viewService } from "../services/service_view.ts";
import { placer } from "../vip/placement.ts";
import type { Vips } from "../vip/vips.ts";
import type { Wishes } from "./wishes.ts";

/** Mends what no event tells of: an interface that came, a claim that failed. */
const AGAIN_MS = 1000;

/** Whose VIP it is: the Service of the API server itself, whose endpoints it leads to. */
const OWNER = viewService({ metadata: { namespace: "default", name: "kubernetes" } });

export interface FixedClaimParts {
  readonly ip: IpAddress;
  readonly network: Network;
  /** Name of an interface, or "auto". */
  readonly interface: string;
  readonly mark: number;
  readonly vips: Vips<ServiceView>;
  readonly metrics: InstanceMetrics;
  readonly logger: Logger;
}

/** Wishes one address, always the same. */
export class FixedClaim implements Wishes {
  readonly #parts: FixedClaimParts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refusal: string | undefined;

  constructor(parts: FixedClaimParts) {
    this.#parts = parts;
  }

  expect(): void {}

  begin(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.begin(), AGAIN_MS);
    const { metrics, logger, vips } = this.#parts;
    try {
      this.putUp();
      metrics.reconciled(true);
    } catch (error) {
      metrics.reconciled(false);
      logger.error("could not reconcile, trying again", { error });
    }
    metrics.setVipsHeld(vips.size);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Nothing of it changes without a new start. */
  soon(): void {}

  refresh(): void {}

  relist(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.dispose](): void {
    this.end();
  }

  /** @returns where the address belongs; undefined, and a line in the log: nowhere on this node */
  place(): { linkIndex: number; interface: string } | undefined {
    const { ip, network, mark, logger } = this.#parts;
    const snapshot = { links: network.links(), addresses: network.addresses() };
    const place = placer(this.#parts.interface, mark, snapshot)(ip);
    const refusal = "refused" in place ? place.refused : undefined;
    if (refusal !== this.#refusal && refusal !== undefined) {
      logger.error("cannot have its address", { vip: ip.text, reason: refusal });
    }
    this.#refusal = refusal;
    return "refused" in place ? undefined : place;
  }

  /** Once, while there is a right to hold. */
  putUp(): void {
    const { ip, vips } = this.#parts;
    // Of an earlier run with another address.
    const others = vips.addresses.filter((vip) => vip !== ip.text);
    vips.drop(others.map((vip) => ({ vip, reason: "it is not this instance's any more" })));
    const place = this.place();
    if (place !== undefined) vips.claim([{ ip, ...place, owner: OWNER }]);
  }
}
