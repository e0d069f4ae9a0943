import type { ControlPlaneConfig } from "../config/instance.ts";
import type { Clock } from "../election/clock.ts";
import { KubeError } from "../kube/errors.ts";
import type { Servers } from "../kube/servers.ts";
import type { KubeClient } from "../kube/types.ts";
import type { Logger } from "../observe/logger.ts";
import type { Task } from "./task.ts";

/** Between two looks at which API servers there are. */
const PEERS_MS = 10_000;
const PEERS_DEADLINE_MS = 2000;
/** So many answers in a row make an unhealthy server well again. */
const RISE = 2;

export interface ApiHealthParts {
  readonly settings: Pick<
    ControlPlaneConfig,
    "healthIntervalMs" | "healthTimeoutMs" | "healthThreshold"
  >;
  /** @returns the URL of this node's API server; undefined: not known yet */
  readonly findOwn: () => string | undefined;
  /** @returns what is wrong with the server at this URL; undefined: it is well */
  readonly probe: (server: string, deadlineMs: number) => Promise<string | undefined>;
  /** For the list of API servers. */
  readonly client: KubeClient;
  readonly servers: Servers;
  readonly clock: Clock;
  readonly logger: Logger;
  /** After each look. */
  readonly looked: () => void;
}

/**
 * Looks after this node's API server, and after the others once it is not well: then one of them
 * may serve better.
 */
export class ApiHealth implements Task {
  readonly name = "API server health";
  readonly #parts: ApiHealthParts;
  #problem: string | undefined = "the API server of this node has not answered yet";
  #isOtherWell = false;
  #wasWell = false;
  /** Failures or successes in a row. */
  #failures = 0;
  #successes = 0;
  #others: readonly string[] = [];
  #othersAtMs = -Infinity;
  #lastProgressMs: number;

  constructor(parts: ApiHealthParts) {
    this.#parts = parts;
    this.#lastProgressMs = parts.clock.nowMs();
    this.#know();
  }

  /** What is wrong with this node's API server; undefined: it is well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether another node's API server was well when this node's was not. */
  get isOtherWell(): boolean {
    return this.#isOtherWell;
  }

  get lastProgressMs(): number {
    return this.#lastProgressMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { settings, clock, looked } = this.#parts;
    using _client = this.#parts.client;
    while (!signal.aborted) {
      this.#lastProgressMs = clock.nowMs();
      await this.#look();
      looked();
      if (this.#problem === undefined) void this.#findOthers(signal);
      await clock.until(this.#lastProgressMs + settings.healthIntervalMs, signal);
    }
  }

  async #look(): Promise<void> {
    const { settings, probe, servers, logger } = this.#parts;
    const ask = (server: string) => probe(server, settings.healthTimeoutMs);
    const own = this.#know();
    const problem = own === undefined
      ? "no address of this node is in the VIP's subnet: set kubernetesServer to its API server"
      : await ask(own);
    if (problem === undefined) {
      this.#failures = 0;
      this.#successes++;
      if (this.#problem === undefined || this.#wasWell && this.#successes < RISE) return;
      logger.info("the API server of this node is well", { server: own });
      this.#problem = undefined;
      this.#wasWell = true;
      this.#isOtherWell = false;
      servers.returnToOwn();
      return;
    }
    this.#successes = 0;
    this.#failures++;
    if (this.#problem === undefined && this.#failures < settings.healthThreshold) return;
    if (this.#problem === undefined || this.#failures === 1) {
      logger.warn("the API server of this node is not well", { server: own, reason: problem });
    }
    this.#problem = problem;
    const others = this.#others.filter((server) => server !== own);
    const problems = await Promise.all(others.map(ask));
    this.#isOtherWell = problems.includes(undefined);
  }

  #know(): string | undefined {
    const { findOwn, servers } = this.#parts;
    const own = findOwn();
    if (own !== undefined) servers.know(own, this.#others.filter((server) => server !== own));
    return own;
  }

  /** Each API server keeps itself in the endpoints of the Service `default/kubernetes`. */
  async #findOthers(signal: AbortSignal): Promise<void> {
    const { client, clock, logger } = this.#parts;
    if (clock.nowMs() < this.#othersAtMs + PEERS_MS) return;
    this.#othersAtMs = clock.nowMs();
    try {
      this.#others = endpointUrls(
        await client.request<EndpointSlice>({
          method: "GET",
          path: "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes",
          deadlineMs: PEERS_DEADLINE_MS,
          signal,
        }),
      );
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (!signal.aborted) logger.debug("could not list the API servers", { error });
    }
  }
}

/** Of discovery.k8s.io/v1, what is read here. */
interface EndpointSlice {
  readonly endpoints?: readonly { readonly addresses?: readonly string[] }[];
  readonly ports?: readonly { readonly port?: number }[];
}

/** @returns the URLs of the API servers */
export function endpointUrls({ endpoints, ports }: EndpointSlice): string[] {
  const port = ports?.[0]?.port ?? 6443;
  return (endpoints ?? []).flatMap(({ addresses = [] }) => addresses)
    .map((ip) => `https://${ip.includes(":") ? `[${ip}]` : ip}:${port}`);
}
