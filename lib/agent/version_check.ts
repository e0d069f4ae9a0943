import type { Clock } from "../election/clock.ts";
import type { Clients } from "../kube/client.ts";
import { KubeError } from "../kube/errors.ts";
import { type ServerVersion, serverVersion } from "../kube/version.ts";
import type { Logger } from "../observe/logger.ts";
import { Once } from "../observe/once.ts";
import type { Task } from "./task.ts";

const ASK_AGAIN_MS = 5000;
/** What serves comes first. */
const ASK_AFTER_MS = 500;

export interface VersionCheckParts {
  readonly clients: Clients;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether an instance serves a class. */
  readonly usesClasses: boolean;
}

/** @returns what a server of this version needs for `spec.loadBalancerClass`; undefined: nothing */
export function versionWarning({ major, minor, gitVersion }: ServerVersion): string | undefined {
  if (major !== 1 || minor >= 24) return undefined;
  return minor < 21
    ? `Kubernetes ${gitVersion} does not know spec.loadBalancerClass: 1.21 or newer is needed`
    : `on Kubernetes ${gitVersion} spec.loadBalancerClass needs the feature gate ` +
      "ServiceLoadBalancerClass on the API server (on by default from 1.22, always from 1.24)";
}

/** Says at start what the API server is too old for; waits for a server that is away. */
export class VersionCheck implements Task {
  readonly name = "version-check";
  readonly #parts: VersionCheckParts;

  constructor(parts: VersionCheckParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clients, clock, logger } = this.#parts;
    using client = clients.open();
    const { server, origin } = clients.credentials;
    const failures = new Once();
    await clock.until(clock.nowMs() + ASK_AFTER_MS, signal);
    while (!signal.aborted) {
      try {
        const { major, minor, gitVersion } = await serverVersion(client, { signal });
        logger.info("reached the API server", { server, version: gitVersion, credentials: origin });
        const warning = versionWarning({ major, minor, gitVersion });
        if (warning !== undefined && this.#parts.usesClasses) logger.warn(warning);
        break;
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        if (signal.aborted) break;
        if (failures.isNews(error.message)) {
          const message = error.status === 0 ? "cannot be reached" : "refuses";
          logger.error(`the API server ${message}, trying again`, { server, error });
        }
        await clock.until(clock.nowMs() + ASK_AGAIN_MS, signal);
      }
    }
    if (!signal.aborted) await clock.until(Infinity, signal);
  }
}
