import type { ConfigProblem } from "../config/errors.ts";
import type { InstanceConfig } from "../config/instance.ts";
import { parseIp } from "../net/ip.ts";
import { unusableVipReason } from "../net/vip_rules.ts";
import { type ForeignPool, objectionTo } from "../pools/objection.ts";
import { isForSome, Pool, type PoolSpec } from "../pools/pool.ts";
import { describeRange, overlap } from "../pools/range.ts";
import type { ServiceView } from "../services/service_view.ts";

/** A ConfigMap in a file. */
export interface FoundConfigMap {
  readonly pools: readonly PoolSpec[];
  /** `file path:line` of a key. */
  readonly sourceOf: (key: string) => string;
}

/** The ConfigMaps of the files, by `namespace/name`. */
export type ConfigMaps = Map<string, FoundConfigMap>;

/** A pool of a ConfigMap that an instance takes from. */
interface ConfigMapPool {
  readonly pool: Pool;
  /** `file path:line` */
  readonly source: string;
}

/** What a plan, and the ConfigMaps among the files, let the Services of an instance have. */
export function judgeOf(
  config: InstanceConfig,
  all: readonly InstanceConfig[],
  configMaps: ConfigMaps,
) {
  const { pools: specs, poolConfigMap, foreignPools = [] } = config;
  // What labels namespaces have is not in these files.
  const poolOf = ({ namespaceSelector: _, ...spec }: PoolSpec) => new Pool(spec);
  const own = readBy(config, configMaps);
  const isUnknown = poolConfigMap !== undefined && !configMaps.has(poolConfigMap);
  const pools = isUnknown ? undefined : [...specs.map(poolOf), ...own.map(({ pool }) => pool)];
  const mine = own.map(({ source }) => source);
  const foreign: ForeignPool[] = [
    ...foreignPools.map(({ instance, pool }) => ({ instance, pool: poolOf(pool) })),
    // Of a ConfigMap that both read, each has what is for its namespaces.
    ...all.filter((other) => other !== config).flatMap((other) =>
      readBy(other, configMaps).filter(({ source }) => !mine.includes(source))
        .map(({ pool }) => ({ instance: other.name, pool }))
    ),
  ];
  return {
    config,
    pools,
    own,
    foreign,
    objection(
      { text, service }: { readonly text: string; readonly service: ServiceView },
    ): string | undefined {
      const ip = parseIp(text);
      if (ip === undefined) return "it is not an IP address";
      const unusable = unusableVipReason(ip);
      return unusable === undefined
        ? objectionTo(service, ip, { pools, foreign })
        : `it is ${unusable}`;
    },
  };
}

/** What an instance takes from its ConfigMap, where that is among the files. */
function readBy(
  { poolConfigMap, namespaces }: InstanceConfig,
  configMaps: ConfigMaps,
): ConfigMapPool[] {
  const { pools, sourceOf } = configMaps.get(poolConfigMap ?? "") ?? { pools: [] };
  return pools.filter((spec) => isForSome(spec, namespaces)).map((spec) => ({
    pool: new Pool(spec),
    source: sourceOf!(spec.name),
  }));
}

/** Addresses of a ConfigMap that another instance gives out as well. */
export function overlapsOf(
  { name }: InstanceConfig,
  own: readonly ConfigMapPool[],
  foreign: readonly ForeignPool[],
): ConfigProblem[] {
  return own.flatMap(({ pool, source }) =>
    foreign.flatMap((other): ConfigProblem[] => {
      const [common] = pool.ranges.flatMap((range) =>
        other.pool.ranges.flatMap((theirs) => overlap(range, theirs) ?? [])
      );
      return common === undefined ? [] : [{
        setting: pool.name,
        value: describeRange(common),
        source,
        problem: `instance ${name} takes it from here, and it is in pool ${other.pool.name} of ` +
          `instance ${other.instance}`,
        right: "each address in one pool only",
      }];
    })
  );
}
