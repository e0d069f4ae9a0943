import type { InstanceConfig } from "../config/instance.ts";
import type { Clock } from "../election/clock.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { Watch, type WatchObserver } from "../kube/watch.ts";
import type { IpAddress } from "../net/ip.ts";
import type { Logger } from "../observe/logger.ts";
import { readPoolConfigMap } from "../pools/config_map.ts";
import type { ForeignPool } from "../pools/objection.ts";
import { isForSome, Pool } from "../pools/pool.ts";
import type { AddressRange } from "../pools/range.ts";
import type { ServiceView } from "../services/service_view.ts";
import type { NamespaceLabels } from "./namespace_labels.ts";
import type { PoolsInUse } from "./pool_keeper.ts";
import type { Task } from "./task.ts";

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

export interface PoolSourceParts {
  /** As it is by now: pools may change with a new plan. */
  readonly config: () => Pick<
    InstanceConfig,
    "namespaces" | "pools" | "poolConfigMap" | "foreignPools"
  >;
  readonly namespaces: Pick<NamespaceLabels, "ask" | "subscribe">;
  /** Addresses that another instance of the cluster gives out. */
  readonly claimed: () => readonly AddressRange[];
  /** @see PoolsInUse.elsewhere */
  readonly elsewhere: (ip: IpAddress) => string | undefined;
  /** @see PoolsInUse.intendedElsewhere */
  readonly intendedElsewhere: () => ReadonlyMap<string, string>;
  /** @see PoolsInUse.grants */
  readonly grants: PoolsInUse["grants"];
  readonly open: () => KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly observer: WatchObserver;
  readonly changed: () => void;
  /** @param reason the ConfigMap is not there; undefined: it is there again */
  readonly missing: (reason: string | undefined) => void;
  readonly logger: Logger;
}

/** The pools of an instance: those of the plan, and those of a ConfigMap, which is watched. */
export class PoolSource implements Task, PoolsInUse, Disposable {
  readonly name = "pools";
  readonly #parts: PoolSourceParts;
  readonly #client: KubeClient | undefined;
  readonly #watch: Watch<ConfigMap, Readonly<Record<string, string>>> | undefined;
  /** As last seen: it stays when the ConfigMap goes. */
  #read: ReturnType<typeof readPoolConfigMap> | undefined;
  /** Undefined: not looked for yet. */
  #missing: boolean | undefined;
  readonly #unsubscribe: () => void;
  #planned: { from: unknown; pools: readonly Pool[] } | undefined;
  #foreign: { from: unknown; pools: readonly ForeignPool[] } | undefined;
  #pools: { from: readonly unknown[]; pools: readonly Pool[] } | undefined;

  constructor(parts: PoolSourceParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.namespaces.subscribe(() => this.#goesByNamespaces && parts.changed());
    const { poolConfigMap } = parts.config();
    if (poolConfigMap === undefined) return;
    const [namespace, name] = poolConfigMap.split("/");
    const look = () => this.#take(this.#watch!.items.get(poolConfigMap));
    this.#client = parts.open();
    this.#watch = new Watch({
      name: "pools",
      client: this.#client,
      clock: parts.clock,
      random: parts.random,
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      query: { fieldSelector: `metadata.name=${name}` },
      select: ({ data }) => data ?? {},
      handler: { replaced: look, changed: look, deleted: look },
      observer: parts.observer,
    });
  }

  get expected(): boolean {
    const { pools, poolConfigMap } = this.#parts.config();
    return pools.length > 0 || poolConfigMap !== undefined;
  }

  get pools(): readonly Pool[] | undefined {
    if (this.#watch !== undefined && this.#read === undefined) return undefined;
    if (this.#goesByNamespaces && this.#parts.namespaces.ask() === undefined) return undefined;
    return this.#known;
  }

  get lack(): string | undefined {
    const { pools, poolConfigMap } = this.#parts.config();
    if (poolConfigMap === undefined) return undefined;
    if (this.#missing && this.#read === undefined) {
      return `the ConfigMap ${poolConfigMap} with the pools of this instance is not there`;
    }
    const isEmpty = this.#read !== undefined && pools.length === 0 && this.#known.length === 0;
    return isEmpty ? `the ConfigMap ${poolConfigMap} has no pool for this instance` : undefined;
  }

  contains(ip: IpAddress): boolean {
    return this.#known.some((pool) => pool.contains(ip));
  }

  /** Those that are known so far. */
  get #known(): readonly Pool[] {
    const { namespaces, config } = this.#parts;
    const { pools: specs, namespaces: served } = config();
    if (this.#planned?.from !== specs) {
      const labelsOf = (namespace: string) => namespaces.ask()?.(namespace) ?? NO_LABELS;
      this.#planned = { from: specs, pools: specs.map((spec) => new Pool(spec, labelsOf)) };
    }
    const from = [this.#planned.pools, this.#read];
    if (this.#pools === undefined || from.some((one, i) => one !== this.#pools!.from[i])) {
      // What is for other namespaces is another instance's, which may read the same ConfigMap.
      const read = (this.#read?.pools ?? []).filter((spec) => isForSome(spec, served))
        .map((spec) => new Pool(spec));
      this.#pools = { from, pools: [...this.#planned.pools, ...read] };
    }
    return this.#pools.pools;
  }

  get #goesByNamespaces(): boolean {
    return this.#parts.config().pools.some(({ namespaceSelector }) => namespaceSelector);
  }

  get foreign(): readonly ForeignPool[] {
    const { foreignPools = NONE } = this.#parts.config();
    if (this.#foreign?.from !== foreignPools) {
      const pools = foreignPools.map(({ instance, pool }) => ({ instance, pool: new Pool(pool) }));
      this.#foreign = { from: foreignPools, pools };
    }
    return this.#foreign.pools;
  }

  claimed(): readonly AddressRange[] {
    return this.#parts.claimed();
  }

  elsewhere(ip: IpAddress): string | undefined {
    return this.#parts.elsewhere(ip);
  }

  intendedElsewhere(): ReadonlyMap<string, string> {
    return this.#parts.intendedElsewhere();
  }

  grants(): ReturnType<PoolsInUse["grants"]> {
    return this.#parts.grants();
  }

  interfaceFor({ namespace }: ServiceView): string | undefined {
    const { interfaces } = this.#read ?? {};
    return (interfaces?.get(namespace) ?? interfaces?.get("global")) || undefined;
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#watch !== undefined) return await this.#watch.run(signal);
    await this.#parts.clock.until(Infinity, signal);
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    this.#client?.[Symbol.dispose]();
  }

  #take(data: Readonly<Record<string, string>> | undefined): void {
    const { logger, changed, missing, config } = this.#parts;
    const { poolConfigMap: configMap } = config();
    if (data === undefined) {
      if (this.#missing) return;
      this.#missing = true;
      const start = `The ConfigMap ${configMap} with the pools is not there: `;
      // Deleted by mistake more likely than on purpose. Without its pools any address that a Service
      // asks for would be right.
      missing(
        start +
          (this.#read === undefined
            ? "no Service gets a new address until it is"
            : "its pools count as they were last read, until the instance starts anew"),
      );
      return changed();
    }
    if (this.#missing !== false) missing(undefined);
    this.#missing = false;
    this.#read = readPoolConfigMap(data);
    if (this.#known.length === 0) {
      logger.warn("the ConfigMap with the pools has none for this instance", { configMap });
    }
    for (const reason of this.#read.problems) {
      logger.error("left out a part of the ConfigMap with the pools", { configMap, reason });
    }
    for (const reason of this.#read.warnings) {
      logger.warn("the ConfigMap with the pools asks for what has no effect", {
        configMap,
        reason,
      });
    }
    changed();
  }
}

const NONE: readonly never[] = [];
const NO_LABELS = {};
