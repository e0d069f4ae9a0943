import {
  type Action,
  Election,
  type ElectionSettings,
  type Leaving,
} from "../../lib/election/election.ts";
import { readLease } from "../../lib/election/lease_record.ts";
import type { LeaseWriter, Purpose } from "../../lib/election/lease_writer.ts";
import type { Lease } from "../../lib/kube/types.ts";

/** Counts its right from the answer instead of from the request. */
export class LateFence extends Election {
  override succeeded(purpose: Purpose, lease: Lease, _sentAtMs: number, nowMs: number): void {
    super.succeeded(purpose, lease, nowMs, nowMs);
  }
}

/** Knows what it saw last. */
abstract class Remembering extends Election {
  readonly #writer: LeaseWriter;
  protected readonly settings: ElectionSettings;
  protected lastSeen: Lease | undefined;

  constructor(settings: ElectionSettings, writer: LeaseWriter, random: () => number) {
    super(settings, writer, random);
    this.settings = settings;
    this.#writer = writer;
  }

  override seen(lease: Lease | undefined, source: "watch" | "server", nowMs: number): void {
    super.seen(lease, source, nowMs);
    this.lastSeen = lease;
  }

  protected write(purpose: Purpose): Action & { kind: "write" } {
    return { kind: "write", purpose, lease: this.#writer.compose(purpose, this.lastSeen) };
  }
}

/** Compares another machine's renewTime with its own wall clock. */
export class RenewTimeBeliever extends Remembering {
  override next(nowMs: number): Action {
    const action = super.next(nowMs);
    const standsBy = action.kind === "wait" && action.untilMs > nowMs + this.settings.retryMs &&
      this.holdUntilMs === -Infinity;
    const { renewTime, holderIdentity } = this.lastSeen?.spec ?? {};
    if (!standsBy || renewTime === undefined || !holderIdentity) return action;
    const takeOver = this.write("acquire");
    const ageMs = Date.parse(takeOver.lease.spec!.renewTime!) - Date.parse(renewTime);
    return ageMs > this.settings.leaseDurationMs * 1.01 ? takeOver : action;
  }
}

/** Takes a Lease by creating it, as if no deleted one could still have a holder. */
export class HastyCreator extends Remembering {
  override next(nowMs: number): Action {
    const action = super.next(nowMs);
    const creates = action.kind === "write" && action.purpose === "create";
    return creates ? { ...this.write("acquire"), purpose: "create" } : action;
  }

  override succeeded(purpose: Purpose, lease: Lease, sentAtMs: number, nowMs: number): void {
    super.succeeded(purpose === "create" ? "acquire" : purpose, lease, sentAtMs, nowMs);
  }
}

/** Counts the right that it was handed over from when it hears of it, instead of from its offer. */
export class LateHeir extends Election {
  #last: { readonly leaving: Leaving; readonly token: string } | undefined;

  override offer(leaving: Leaving, makeToken: () => string, nowMs: number): string | undefined {
    const token = super.offer(leaving, makeToken, nowMs);
    if (token !== undefined) this.#last = { leaving, token };
    return token;
  }

  override seen(lease: Lease | undefined, source: "watch" | "server", nowMs: number): void {
    const last = this.#last;
    if (last && lease && readLease(lease).handedOverFor === last.token) {
      super.offer({ ...last.leaving, id: "anew" }, () => last.token, nowMs);
    }
    super.seen(lease, source, nowMs);
  }
}

/** Believes a handover to itself for whatever offer, and counts its right from then. */
export class CredulousHeir extends Election {
  #last: Leaving | undefined;

  override offer(leaving: Leaving, makeToken: () => string, nowMs: number): string | undefined {
    this.#last = leaving;
    return super.offer(leaving, makeToken, nowMs);
  }

  override seen(lease: Lease | undefined, source: "watch" | "server", nowMs: number): void {
    const { handedOverFor, holder } = lease ? readLease(lease) : {};
    if (this.#last && handedOverFor !== undefined && holder !== undefined) {
      super.offer({ ...this.#last, id: String(nowMs) }, () => handedOverFor, nowMs);
    }
    super.seen(lease, source, nowMs);
  }
}

/** An election that sees every Lease in a false light. */
export function adopting(
  falsify: (lease: Lease, settings: ElectionSettings) => Lease,
): typeof Election {
  return class extends Election {
    readonly #settings: ElectionSettings;

    constructor(settings: ElectionSettings, writer: LeaseWriter, random: () => number) {
      super(settings, writer, random);
      this.#settings = settings;
    }

    override seen(lease: Lease | undefined, source: "watch" | "server", nowMs: number): void {
      super.seen(lease && falsify(lease, this.#settings), source, nowMs);
    }
  };
}
