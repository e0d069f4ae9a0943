import { ConfigError } from "../config/errors.ts";
import { KubeconfigError, KubeError } from "../kube/errors.ts";

/** What the exit code of a command tells. */
export const EXIT = { ok: 0, failed: 1, usage: 2, mixUps: 3, unreachable: 4, denied: 5 } as const;

/** @returns the code for an error, or for what caused it */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError || error instanceof KubeconfigError) return EXIT.usage;
  if (error instanceof KubeError) {
    const denied = error.status === 401 || error.status === 403;
    if (denied || error.reason === "NoCredentials") return EXIT.denied;
    return error.status === 0 ? EXIT.unreachable : EXIT.failed;
  }
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? EXIT.failed : exitCodeOf(cause);
}
