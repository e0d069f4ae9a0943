import type { KubeClient } from "./types.ts";

export interface ServerVersion {
  major: number;
  minor: number;
  /** For example `v1.34.2+k3s1`. */
  gitVersion: string;
}

/**
 * Asks the API server for its version.
 *
 * @throws {KubeError}
 */
export async function serverVersion(
  client: KubeClient,
  options: { deadlineMs?: number; signal?: AbortSignal } = {},
): Promise<ServerVersion> {
  return parseVersion(await client.request({ ...options, method: "GET", path: "/version" }));
}

/** Vendors append to the numbers ("24+"), or leave them empty: then gitVersion has them. */
export function parseVersion(
  answer: { major?: string; minor?: string; gitVersion?: string } | undefined,
): ServerVersion {
  const gitVersion = answer?.gitVersion ?? "";
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  return {
    major: number(answer?.major) ?? number(major) ?? 0,
    minor: number(answer?.minor) ?? number(minor) ?? 0,
    gitVersion,
  };
}

function number(text: string | undefined): number | undefined {
  const digits = /^\d+/.exec(text ?? "");
  return digits === null ? undefined : Number(digits[0]);
}
