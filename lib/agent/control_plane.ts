import type { InstanceConfig } from "../config/instance.ts";
import type { Elector } from "../election/elector.ts";
import { KubeLeaseApi } from "../kube/lease_api.ts";
import type { Servers } from "../kube/servers.ts";
import { contains } from "../net/cidr.ts";
import { type IpAddress, parseIp } from "../net/ip.ts";
import type { Network } from "../net/link.ts";
import type { Logger } from "../observe/logger.ts";
import type { InstanceMetrics } from "../observe/metrics.ts";
import type { ServiceView } from "../services/service_view.ts";
import type { Vips } from "../vip/vips.ts";
import { ApiHealth } from "./api_health.ts";
import { Bootstrap } from "./bootstrap.ts";
import type { Conditions } from "./conditions.ts";
import { FixedClaim } from "./fixed_claim.ts";
import type { Shared } from "./instance.ts";
import type { Task } from "./task.ts";
import { electionTimes } from "./times.ts";
import { Yielding } from "./yielding.ts";

/** The ways to the API servers of the cluster. */
export interface ApiServers {
  readonly servers: Servers;
  /** URL of this node's own one, where the user says it. */
  readonly own: string | undefined;
  /** @see livezProblem */
  readonly probe: (server: string, deadlineMs: number) => Promise<string | undefined>;
}

export interface ControlPlaneParts {
  readonly config: InstanceConfig;
  readonly shared: Shared;
  readonly mark: number;
  readonly vips: Vips<ServiceView>;
  readonly metrics: InstanceMetrics;
  readonly logger: Logger;
}

/** What the instance with the VIP of the control plane has in place of Services. */
export class ControlPlane {
  readonly claim: FixedClaim;
  readonly health: ApiHealth;
  readonly #node: string;
  readonly #nowMs: () => number;
  readonly #patienceMs: number;
  readonly #yielding: Yielding;
  readonly #bootstrap: Bootstrap | undefined;
  #standing: { elector: Elector; conditions: Conditions } | undefined;

  constructor({ config, shared, mark, vips, metrics, logger }: ControlPlaneParts) {
    const { controlPlane: settings, leaseDurationMs } = config;
    const { clock, network, apiServers } = shared;
    if (settings === undefined || apiServers === undefined) {
      throw new TypeError("This instance has no VIP of a control plane");
    }
    const ip = parseIp(settings.address)!;
    this.#node = shared.nodeName;
    this.#nowMs = () => clock.nowMs();
    this.#patienceMs = 2 * leaseDurationMs;
    this.#yielding = new Yielding(this.#patienceMs);
    this.claim = new FixedClaim({
      ip,
      network,
      interface: config.interface,
      mark,
      vips,
      metrics,
      logger,
    });
    this.health = new ApiHealth({
      settings,
      findOwn: () => apiServers.own ?? ownServer(network, ip, settings.port),
      probe: apiServers.probe,
      client: shared.open(),
      servers: apiServers.servers,
      clock,
      logger,
      looked: () => this.#look(),
    });
    const times = electionTimes(leaseDurationMs, config.renewIntervalMs);
    const lease = { namespace: config.leaseNamespace, name: config.leaseName };
    this.#bootstrap = !settings.bootstrap ? undefined : new Bootstrap({
      ip,
      claim: this.claim,
      vips,
      api: new KubeLeaseApi(shared.open(), lease),
      node: shared.nodeName,
      ...times,
      network,
      claims: shared.claims,
      clock,
      random: shared.random,
      logger,
    });
  }

  /** They run as long as the instance does. */
  get tasks(): Task[] {
    return [this.health, ...this.#bootstrap ? [this.#bootstrap] : []];
  }

  /** Whether the VIP is up before there is a Lease. */
  get isBootstrapping(): boolean {
    return this.#bootstrap?.holds ?? false;
  }

  /** How much longer this node leaves a free Lease to others: theirs may be the better API server. */
  readonly standBackMs = (): number => this.health.problem === undefined ? 0 : this.#patienceMs;

  /** The Lease gives the right to hold from now on. */
  joined(): void {
    this.#bootstrap?.joined();
  }

  /** The right to hold ended, whatever gave it. */
  ended(reason: string): void {
    this.#bootstrap?.end(reason);
  }

  /** The instance stands for its Lease, until the end of what is returned. */
  stand(elector: Elector, conditions: Conditions): Disposable {
    this.#standing = { elector, conditions };
    return { [Symbol.dispose]: () => this.#standing = undefined };
  }

  #look(): void {
    if (this.#standing === undefined) return;
    const { elector, conditions } = this.#standing;
    const { problem, isOtherWell } = this.health;
    const { holder } = elector;
    conditions.set(
      "API server",
      this.#yielding.judge({
        nowMs: this.#nowMs(),
        problem,
        isOtherWell,
        holds: elector.mayHold(),
        isHeldElsewhere: holder !== undefined && holder !== this.#node,
      }),
    );
  }
}

/**
 * The API server at this node's own address in the VIP's subnet: kubeadm's certificates name it
 * (--apiserver-advertise-address), and not 127.0.0.1.
 */
function ownServer(network: Network, vip: IpAddress, port: number): string | undefined {
  const own = network.addresses().find((address) =>
    address.mark === 0 && address.prefixLength < 32 && contains(address, vip)
  );
  return own && `https://${own.ip.text}:${port}`;
}
