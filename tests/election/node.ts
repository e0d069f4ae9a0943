import type { Clock } from "../../lib/election/clock.ts";
import { Election, type ElectionSettings } from "../../lib/election/election.ts";
import { type ElectionObserver, Elector, type Successors } from "../../lib/election/elector.ts";
import type { FakeClock } from "../doubles/fake_clock.ts";
import { FakeLeaseApi, type LeaseStore } from "../doubles/fake_lease_api.ts";
import { recorder } from "../doubles/recorder.ts";
import { leaseWriter, SETTINGS } from "./parts.ts";

/** One node of an election, with a holder that only notes what it is told. */
export class TestNode {
  readonly api: FakeLeaseApi;
  readonly elector: Elector;
  readonly log: [string, ...unknown[]][] = [];
  /** Whether addresses were put on the interface; the kernel removes them at `untilMs`. */
  holds = false;
  untilMs = -Infinity;
  /** Whether taking them from it works. */
  removable = true;
  /** Whether the watch works, and how late it is. */
  watchDelayMs: () => number = () => 0;
  readonly #stop = new AbortController();
  #run: Promise<void> | undefined;
  #unwatch: () => void;

  constructor(
    store: LeaseStore,
    clock: FakeClock,
    options: {
      settings?: Partial<ElectionSettings>;
      clock?: Clock;
      random?: () => number;
      /** A holder that breaks its word: it confirms the removal, which comes this much later. */
      removalMs?: number | undefined;
      successors?: Successors;
    } = {},
  ) {
    const settings = { ...SETTINGS, ...options.settings };
    const random = options.random ?? (() => 0.5);
    let wallClockMs = 1_700_000_000_000 + random() * 1e9;
    this.api = new FakeLeaseApi(store, clock);
    this.elector = new Elector({
      election: new Election(settings, leaseWriter(settings, () => wallClockMs += 1), random),
      api: this.api,
      clock: options.clock ?? clock,
      holder: {
        granted: (untilMs, term) => {
          this.holds = true;
          this.untilMs = untilMs;
          this.log.push(["granted", untilMs, term]);
        },
        withdraw: () => {
          if (!this.removable) return false;
          const remove = () => void (this.holds = false);
          if (options.removalMs === undefined) remove();
          else void clock.until(clock.nowMs() + options.removalMs).then(remove);
          return true;
        },
      },
      observer: recorder<ElectionObserver>(this.log),
      successors: options.successors,
      requestTimeoutMs: 2000,
      stopTimeoutMs: 10_000,
    });
    this.#unwatch = store.watch(async (lease) => {
      const delayMs = this.watchDelayMs();
      if (delayMs === Infinity) return;
      if (delayMs > 0) await clock.until(clock.nowMs() + delayMs);
      this.elector.observe(lease);
    });
  }

  /** What the observer and the holder were told, by name. */
  names(): string[] {
    return this.log.map(([name]) => name);
  }

  start(): this {
    this.#run = this.elector.run(this.#stop.signal);
    return this;
  }

  /** Tells it to stop. @returns when it has */
  stop(): Promise<void> {
    this.#stop.abort();
    return this.#run!.finally(this.#unwatch);
  }
}
