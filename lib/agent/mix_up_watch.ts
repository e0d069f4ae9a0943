import { LeaseLives } from "../classes/lease_lives.ts";
import {
  findMixUps,
  MIX_UP_KINDS,
  type MixUp,
  type MixUpKind,
  type OwnInstance,
} from "../classes/mix_ups.ts";
import type { Clock } from "../election/clock.ts";
import type { EventRecorder } from "../observe/events.ts";
import type { Logger } from "../observe/logger.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { LeaseView } from "./lease_view.ts";
import type { ServiceSource } from "./service_source.ts";
import type { Task } from "./task.ts";

/** From one look to the next. */
const LOOK_MS = 1000;
/** A take-over and a new plan pass through states that are none to speak of. */
const LASTING_MS = 3000;
/** A Lease that nobody keeps for so long has no live instance: a restart of a node takes less. */
const GRACE_MS = 60_000;
/** Of one kind, so many are said one by one: the same ones on every node. */
const MOST_SAID = 100;
const DRAIN_EVENTS_MS = 1000;

export interface MixUpWatchParts {
  readonly leases: Pick<LeaseView, "all" | "synced" | "seesAll">;
  readonly source: Pick<ServiceSource, "services" | "owners" | "synced" | "seesAll">;
  /** The instances of this process. */
  readonly own: () => readonly OwnInstance[];
  readonly events: Pick<EventRecorder, "record" | "drain">;
  readonly metrics: Pick<Metrics, "setMixUps">;
  readonly clock: Clock;
  readonly wallClockMs: () => number;
  readonly logger: Logger;
}

/**
 * Says what is mixed up in the cluster, once for as long as it lasts: a log line, a metric, and an
 * Event that is one for the whole cluster, however many nodes see it. What is refused because of it
 * is not decided here.
 */
export class MixUpWatch implements Task {
  readonly name = "mix-ups";
  readonly #parts: MixUpWatchParts;
  readonly #lives = new LeaseLives(GRACE_MS);
  /** When each was found first, and whether it was said. */
  #found = new Map<string, { readonly mixUp: MixUp; readonly sinceMs: number; said: boolean }>();
  readonly #full = new Set<MixUpKind>();

  constructor(parts: MixUpWatchParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, events } = this.#parts;
    while (!signal.aborted) {
      this.#look(clock.nowMs());
      await clock.until(clock.nowMs() + LOOK_MS, signal);
    }
    await events.drain(DRAIN_EVENTS_MS);
  }

  #look(nowMs: number): void {
    const { leases, source, own, metrics, wallClockMs, logger } = this.#parts;
    if (!leases.synced || !source.synced) return;
    const mixUps = findMixUps({
      leases: this.#lives.look(leases.all(), nowMs),
      services: source.services(),
      owners: source.owners,
      own: own(),
      complete: leases.seesAll && source.seesAll,
      wallClockMs: wallClockMs(),
    });
    const before = this.#found;
    this.#found = new Map(mixUps.map((mixUp) => {
      const key = JSON.stringify([mixUp.kind, mixUp.object, mixUp.message]);
      return [key, before.get(key) ?? { mixUp, sinceMs: nowMs, said: false }];
    }));
    const lasting = [...this.#found.values()].filter(({ sinceMs }) =>
      nowMs - sinceMs >= LASTING_MS
    );
    metrics.setMixUps(MIX_UP_KINDS, lasting.map(({ mixUp }) => mixUp));
    for (const kind of MIX_UP_KINDS) {
      const some = lasting.filter(({ mixUp }) => mixUp.kind === kind);
      for (const one of some.slice(0, MOST_SAID)) {
        // The instance of a Service says why it does not get an address.
        if (one.said || kind === "AddressAskedTwice") continue;
        one.said = true;
        this.#say(one.mixUp);
      }
      if (some.length <= MOST_SAID) this.#full.delete(kind);
      else if (!this.#full.has(kind)) {
        this.#full.add(kind);
        logger.warn("mix-ups of a kind are too many to say each: see `classvip classes`", {
          kind,
          count: some.length,
        });
      }
    }
    for (const [key, { mixUp, said }] of before) {
      if (said && !this.#found.has(key)) logger.info("a mix-up is over", fields(mixUp));
    }
  }

  #say(mixUp: MixUp): void {
    const { kind, object: { kind: of, ...metadata }, message, advice } = mixUp;
    this.#parts.logger.warn("found a mix-up", { ...fields(mixUp), advice });
    const { uid, ...named } = metadata;
    this.#parts.events.record(
      of,
      { metadata: uid === undefined ? named : { ...named, uid } },
      { type: "Warning", reason: kind, message: `${message}: ${advice}`, once: true },
    );
  }
}

function fields(mixUp: MixUp) {
  const { kind, instance, object: { kind: of, namespace, name }, message } = mixUp;
  const subject = of === "Lease" ? "lease" : "service";
  const about = { instance, class: mixUp.class, [subject]: `${namespace}/${name}` };
  return { kind, ...about, reason: message };
}
