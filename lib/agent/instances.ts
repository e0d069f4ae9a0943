import type { OwnInstance } from "../classes/mix_ups.ts";
import type { InstanceConfig } from "../config/instance.ts";
import type { Clock } from "../election/clock.ts";
import { PLAN_CHANGED, StopReason } from "../election/elector.ts";
import type { Logger } from "../observe/logger.ts";
import type { InstanceMetrics } from "../observe/metrics.ts";
import { describeScope } from "../services/class_policy.ts";
import type { StartStage } from "./start_order.ts";
import type { Task } from "./task.ts";

/** The instances that are to run, and what belongs to them. */
export interface Plan {
  readonly instances: readonly InstanceConfig[];
  /** Keys of beacons, by the instance's name. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

/** Where new plans come from while the process runs. */
export interface Plans {
  /** @returns the next plan, once there is one; undefined when the signal aborted */
  next(signal: AbortSignal): Promise<Plan | undefined>;
}

/** An instance as far as the plan is concerned. */
export interface PlannedInstance extends Task {
  /** Takes over settings that need no new start. */
  adjust(config: InstanceConfig): void;
  readonly startStage: StartStage;
  /** What else its Lease is used for; undefined: nothing. */
  readonly leaseUsedFor: string | undefined;
}

export interface InstancesParts {
  readonly first: Plan;
  readonly plans?: Plans | undefined;
  readonly start: (
    config: InstanceConfig,
    key: Uint8Array | undefined,
    metrics: InstanceMetrics,
  ) => PlannedInstance;
  /** Registers an instance. */
  readonly metricsOf: (config: InstanceConfig) => InstanceMetrics;
  /** It will not come back: its metrics go. */
  readonly forget: (name: string) => void;
  /** The present instance has ended: its health checks go. */
  readonly ended: (name: string) => void;
  /** It ended by a fault, and begins anew after a while. */
  readonly failed: (name: string, error: unknown) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What an instance takes over as it runs. All else needs a new one. */
const ADJUSTABLE = [
  "maxVips",
  "maxVipsPerNamespace",
  "pools",
  "foreignPools",
  "eventsPerSecond",
  "statusWritesPerSecond",
  "logLevel",
] as const satisfies readonly (keyof InstanceConfig)[];

/** After a fault of an instance, before it begins anew; doubled each time. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

interface Slot {
  config: InstanceConfig;
  readonly key: Uint8Array | undefined;
  readonly stop: AbortController;
  instance: PlannedInstance | undefined;
  ended: Promise<void>;
}

/**
 * Runs the instances of a plan, and follows it: what did not change goes on as if nothing had
 * happened, what changed or left hands over first. A fault in one concerns no other.
 */
export class Instances implements Task {
  readonly name = "instances";
  readonly #parts: InstancesParts;
  readonly #slots = new Map<string, Slot>();
  /** Those that have been told to end and may still have their Lease. */
  readonly #leaving = new Set<Slot>();

  constructor(parts: InstancesParts) {
    this.#parts = parts;
  }

  /** Whether an instance of higher priority has not come so far yet. */
  isAwaited(priority: number, stage: StartStage): boolean {
    return this.#slots.values().some(({ config, instance }) =>
      config.priority > priority && instance !== undefined && instance.startStage < stage
    );
  }

  /** What the instances that run stand for, or would. */
  standing(): OwnInstance[] {
    return [...this.#slots.values()].flatMap(({ config, instance }) =>
      instance === undefined ? [] : {
        instance: config.name,
        namespace: config.leaseNamespace,
        name: config.leaseName,
        scope: describeScope(config),
        usedFor: instance.leaseUsedFor,
      }
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    const { first, plans, clock } = this.#parts;
    this.#apply(first, signal);
    try {
      if (plans === undefined) await clock.until(Infinity, signal);
      while (!signal.aborted) {
        const plan = await plans!.next(signal);
        if (plan !== undefined && !signal.aborted) this.#apply(plan, signal);
      }
    } finally {
      const all = [...this.#slots.values(), ...this.#leaving];
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ ended }) => ended));
    }
  }

  #apply({ instances, keys }: Plan, signal: AbortSignal): void {
    const changes = { kept: [], adjusted: [], started: [], ended: [] } as Record<string, string[]>;
    const started: [InstanceConfig, Uint8Array | undefined][] = [];
    const planned = new Map(instances.map((config) => [config.name, config]));
    for (const [name, slot] of this.#slots) {
      const config = planned.get(name);
      if (config !== undefined && isSame(slot, fixed(config), keys.get(name))) continue;
      changes.ended!.push(name);
      this.#end(name, slot, config !== undefined);
    }
    // Those of higher priority first: whoever is started first, asks for its Lease first.
    for (const config of instances.toSorted((a, b) => b.priority - a.priority)) {
      const slot = this.#slots.get(config.name);
      if (slot === undefined) {
        changes.started!.push(config.name);
        started.push([config, keys.get(config.name)]);
      } else if (JSON.stringify(slot.config) !== JSON.stringify(config)) {
        changes.adjusted!.push(config.name);
        slot.config = config;
        slot.instance?.adjust(config);
      } else changes.kept!.push(config.name);
    }
    for (const [config, key] of started) this.#start(config, key, signal);
    this.#parts.logger.info("follows the plan", changes);
  }

  #end(name: string, slot: Slot, comesBack: boolean): void {
    this.#slots.delete(name);
    this.#leaving.add(slot);
    slot.stop.abort(new StopReason(PLAN_CHANGED));
    void slot.ended.then(() => {
      this.#leaving.delete(slot);
      if (!comesBack && !this.#slots.has(name)) this.#parts.forget(name);
    });
  }

  #start(config: InstanceConfig, key: Uint8Array | undefined, signal: AbortSignal): void {
    const stop = new AbortController();
    const slot: Slot = { config, key, stop, instance: undefined, ended: Promise.resolve() };
    // Two that have something in common never overlap; all others need not wait.
    const before = [...this.#leaving].filter((other) => isRelated(other.config, config))
      .map(({ ended }) => ended);
    this.#slots.set(config.name, slot);
    slot.ended = this.#live(slot, before, AbortSignal.any([signal, stop.signal]));
  }

  async #live(slot: Slot, before: Promise<void>[], signal: AbortSignal): Promise<void> {
    const { start, metricsOf, ended, failed, clock, logger } = this.#parts;
    await Promise.all(before);
    const { name, loadBalancerClass } = slot.config;
    if (signal.aborted) return;
    const metrics = metricsOf(slot.config);
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted;) {
      let fault: unknown;
      try {
        slot.instance = start(slot.config, slot.key, metrics);
        await slot.instance.run(signal);
        if (!signal.aborted) throw new Error("the instance ended by itself");
      } catch (error) {
        fault = error;
        metrics.restarted();
        logger.error("an instance failed and is started again, the others go on", {
          instance: name,
          class: loadBalancerClass ?? "",
          inSeconds: pauseMs / 1000,
          error,
        });
      }
      slot.instance = undefined;
      ended(name);
      if (signal.aborted) return;
      failed(name, fault);
      await clock.until(clock.nowMs() + pauseMs, signal);
      // What was said of the fault.
      ended(name);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }
}

/** The settings for which an instance has to begin anew, as one text. */
function fixed(config: InstanceConfig): string {
  const adjustable: readonly string[] = ADJUSTABLE;
  const entries = Object.entries(config).filter(([key]) => !adjustable.includes(key));
  return JSON.stringify(entries.sort(([a], [b]) => a < b ? -1 : 1));
}

function isSame(slot: Slot, settings: string, key: Uint8Array | undefined): boolean {
  return fixed(slot.config) === settings && String(slot.key) === String(key);
}

/** Whether they have something in common that one alone may have. */
export function isRelated(a: InstanceConfig, b: InstanceConfig): boolean {
  return a.name === b.name || a.loadBalancerClass === b.loadBalancerClass ||
    a.leaseName === b.leaseName && a.leaseNamespace === b.leaseNamespace;
}
