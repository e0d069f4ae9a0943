import type { Child } from "./child.ts";
import { startHelper } from "./helper.ts";
import type { LabHost } from "./host.ts";

/** One connection: answered by a node, or failed. */
export interface Attempt {
  /** When it was begun: CLOCK_BOOTTIME. */
  readonly atMs: number;
  readonly node?: string;
  readonly error?: string;
}

export interface TrafficSummary {
  readonly attempts: number;
  readonly failures: number;
  /** The longest time in which no attempt was begun that succeeded. */
  readonly longestGapMs: number;
  /** Answers by each node. */
  readonly answers: Readonly<Record<string, number>>;
}

export interface TrafficOptions {
  ip: string;
  port: number;
  /** From one attempt to the next. Default 25. */
  intervalMs?: number;
  /** For one attempt. Default 500. */
  deadlineMs?: number;
}

/** Starts the service behind the VIPs on each of the nodes. */
export async function startServers(nodes: readonly LabHost[], port: number): Promise<void> {
  await Promise.all(
    nodes.map((node) => startHelper(node, "server_main.ts", [port, node.name])),
  );
}

/** TCP connections from a host to a VIP, one after another. */
export class Traffic implements AsyncDisposable {
  readonly #child: Child<Attempt>;

  private constructor(child: Child<Attempt>) {
    this.#child = child;
  }

  static async start(
    client: LabHost,
    { ip, port, intervalMs = 25, deadlineMs = 500 }: TrafficOptions,
  ): Promise<Traffic> {
    const args = [ip, port, intervalMs, deadlineMs];
    return new Traffic(await startHelper<Attempt>(client, "traffic_main.ts", args));
  }

  /** The attempts that are over, in the order of their ends. */
  get attempts(): readonly Attempt[] {
    return this.#child.reports.items;
  }

  /** @returns the first attempt begun after `sinceMs` that a node (or this one) answered. */
  waitForAnswer(
    deadlineMs: number,
    { node, sinceMs = 0 }: { node?: string; sinceMs?: number } = {},
  ): Promise<Attempt> {
    return this.#child.reports.waitFor(
      (attempt) =>
        attempt.node !== undefined && attempt.atMs > sinceMs &&
        (node === undefined || attempt.node === node),
      deadlineMs,
    );
  }

  summary(sinceMs = 0): TrafficSummary {
    return summarize(this.attempts.filter((attempt) => attempt.atMs >= sinceMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}

export function summarize(attempts: readonly Attempt[]): TrafficSummary {
  const inOrder = attempts.toSorted((a, b) => a.atMs - b.atMs);
  const answers: Record<string, number> = {};
  let failures = 0;
  let longestGapMs = 0;
  let lastAnswerMs = inOrder[0]?.atMs ?? 0;
  for (const { atMs, node } of inOrder) {
    longestGapMs = Math.max(longestGapMs, atMs - lastAnswerMs);
    if (node === undefined) {
      failures++;
      continue;
    }
    lastAnswerMs = atMs;
    answers[node] = (answers[node] ?? 0) + 1;
  }
  return { attempts: inOrder.length, failures, longestGapMs, answers };
}

/** The host's neighbour cache entry for an address: the MAC, or undefined when it has none. */
export async function neighbour(host: LabHost, ip: string): Promise<string | undefined> {
  const entries: { dst: string; lladdr?: string }[] = JSON.parse(
    await host.exec(["ip", "-j", "neigh", "show", ip]) || "[]",
  );
  return entries.find(({ dst }) => dst === ip)?.lladdr;
}
