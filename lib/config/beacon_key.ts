import { ConfigError, type ConfigProblem } from "./errors.ts";
import type { InstanceConfig } from "./instance.ts";

/** A file as far as keys need to know it. */
export interface KeyFile {
  readonly bytes: Uint8Array;
  /** Permission bits; null where there are none. */
  readonly mode: number | null;
}

const LEAST_BYTES = 32;
const OTHERS_READ = 0o004;
const GROUP_READ = 0o040;

/**
 * Reads the keys of all instances with fast failover.
 *
 * @param readKey throws a sentence without its subject when the file can't be read
 * @returns the key of each, by the instance's name, and sentences to be logged as warnings
 * @throws {ConfigError} with every key that is not as it must be
 */
export async function loadBeaconKeys(
  instances: readonly InstanceConfig[],
  readKey: (path: string) => Promise<KeyFile>,
): Promise<{ keys: ReadonlyMap<string, Uint8Array>; warnings: string[] }> {
  const keys = new Map<string, Uint8Array>();
  const warnings: string[] = [];
  const problems: ConfigProblem[] = [];
  for (const { name, fastFailover, beaconKeyFile: path } of instances) {
    if (!fastFailover || path === undefined) continue;
    const refuse = (problem: string, right: string) =>
      problems.push({
        setting: "beaconKeyFile",
        value: path,
        source: `instance ${name}`,
        problem,
        right,
      });
    try {
      const { bytes, mode } = await readKey(path);
      if (bytes.length < LEAST_BYTES) {
        refuse(`holds ${bytes.length} bytes`, `at least ${LEAST_BYTES} random bytes`);
      }
      const bits = (mode ?? 0) & 0o777;
      if ((bits & OTHERS_READ) !== 0) {
        refuse(
          `may be read by everybody (mode ${bits.toString(8).padStart(4, "0")})`,
          "mode 0400 (defaultMode: 0400 of the Secret's volume in Kubernetes)",
        );
      } else if ((bits & GROUP_READ) !== 0) {
        warnings.push(`beaconKeyFile ${path} may be read by its group: mode 0400 is right`);
      }
      keys.set(name, bytes);
    } catch (error) {
      refuse((error as Error).message, "a file that classvip may read");
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { keys, warnings };
}
