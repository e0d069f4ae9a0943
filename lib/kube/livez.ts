import type { Credentials } from "./credentials.ts";
import { unreachable } from "./unreachable.ts";

/**
 * Asks an API server for its `/livez`, over a connection of its own: what it is worth now, its
 * certificate included, is told by a new one only.
 *
 * @param server URL; its host must be named by the certificate
 * @returns what is wrong, in words for people; undefined: the server is well
 */
export async function livezProblem(
  credentials: Credentials,
  server: string,
  deadlineMs: number,
): Promise<string | undefined> {
  const { caCerts, cert, key } = credentials;
  const signal = AbortSignal.timeout(deadlineMs);
  try {
    const authorization = await credentials.authorization();
    using client = Deno.createHttpClient({
      caCerts: [...caCerts],
      ...(cert !== undefined && key !== undefined && { cert, key }),
      http2: false,
      poolMaxIdlePerHost: 0,
    });
    const response = await fetch(`${server}/livez`, {
      client,
      signal,
      redirect: "manual",
      headers: authorization === undefined ? {} : { authorization },
    });
    const text = await response.text();
    if (response.status === 200) return undefined;
    return `${server}/livez answered ${response.status} ${text.slice(0, 200)}`.trim();
  } catch (error) {
    return signal.aborted
      ? `${server}/livez did not answer within ${deadlineMs} ms`
      : unreachable(server, error).message;
  }
}
