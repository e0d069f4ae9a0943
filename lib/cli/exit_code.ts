import { ConfigError } from "../config/errors.ts";
import { KubeError } from "../kube/errors.ts";

/** What the exit code of a command tells. */
export const EXIT = { ok: 0, failed: 1, usage: 2, mixUps: 3, unreachable: 4, denied: 5 } as const;

/** @returns the code for an error, or for what caused it */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.usage;
  if (error instanceof KubeError) {
    if (error.status === 401 || error.status === 403) return EXIT.denied;
    // Without credentials nobody was asked.
    if (error.reason === "NoCredentials") return EXIT.failed;
    return error.status === 0 ? EXIT.unreachable : EXIT.failed;
  }
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? EXIT.failed : exitCodeOf(cause);
}
