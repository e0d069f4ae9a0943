/** What a host's watcher says after a dump that showed a change, and now and then without one. */
export interface AddressReport {
  readonly host: string;
  /** CLOCK_BOOTTIME just before the dump that shows it. */
  readonly beforeMs: number;
  /** CLOCK_BOOTTIME just after that dump. */
  readonly afterMs: number;
  /** The dump before this one was begun then: the addresses that went were seen at that time. */
  readonly formerMs: number;
  /** The longest time from one dump to the next since the last report. */
  readonly pauseMs: number;
  /** "interface ip". */
  readonly appeared: readonly string[];
  readonly vanished: readonly string[];
  /** Those that came and went between this dump and the one before. */
  readonly passed: readonly string[];
}

/** An address was on an interface all this time, for certain. */
export interface Holding {
  readonly ip: string;
  readonly host: string;
  readonly interface: string;
  /** End of the first dump that showed it. */
  readonly fromMs: number;
  /** Start of the last dump that showed it. */
  toMs: number;
  /** It was there in the latest dump. */
  open: boolean;
}

/** One address on two interfaces at the same time. */
export interface Double {
  readonly ip: string;
  readonly holders: readonly [Holding, Holding];
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * When each address was where. Only what was seen in two dumps counts as held in between, so an
 * overlap is one for certain; one that is shorter than the pause between two dumps can be missed.
 */
export class Holdings {
  readonly all: Holding[] = [];
  /** The longest time from one dump of a host to its next. */
  longestPauseMs = 0;

  add(
    { host, beforeMs, afterMs, formerMs, pauseMs, appeared, vanished, passed }: AddressReport,
  ): void {
    this.longestPauseMs = Math.max(this.longestPauseMs, pauseMs);
    for (const holding of this.all) {
      if (!holding.open || holding.host !== host) continue;
      holding.open = !vanished.includes(`${holding.interface} ${holding.ip}`);
      holding.toMs = Math.max(holding.fromMs, holding.open ? beforeMs : formerMs);
    }
    const add = (key: string, atMs: number, open: boolean) => {
      const [name = "", ip = ""] = key.split(" ");
      this.all.push({ ip, host, interface: name, fromMs: atMs, toMs: atMs, open });
    };
    // For certain it was there for no longer than an instant.
    for (const key of passed) add(key, beforeMs, false);
    for (const key of appeared) add(key, afterMs, true);
  }

  /** Who has the address now. */
  holders(ip: string): Holding[] {
    return this.all.filter((holding) => holding.open && holding.ip === ip);
  }

  /** The history of one address, oldest first. */
  of(ip: string): Holding[] {
    return this.all.filter((holding) => holding.ip === ip);
  }

  doubles(): Double[] {
    return findDoubles(this.all);
  }
}

/** Every time at which an address was on two interfaces. */
export function findDoubles(all: readonly Holding[]): Double[] {
  return all.flatMap((one, index) =>
    all.slice(index + 1).flatMap((other): Double[] => {
      const fromMs = Math.max(one.fromMs, other.fromMs);
      const toMs = Math.min(one.toMs, other.toMs);
      if (one.ip !== other.ip || fromMs >= toMs) return [];
      return [{ ip: one.ip, holders: [one, other], fromMs, toMs }];
    })
  );
}
