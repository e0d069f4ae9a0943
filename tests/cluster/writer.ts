import type { Child } from "../lab/child.ts";
import { startHelper } from "../lab/helper.ts";
import type { LabHost } from "../lab/host.ts";

const INTERVAL_MS = 100;
const DEADLINE_MS = 1000;

/** One write: acknowledged by an API server, or not. */
export interface Write {
  /** When it was begun: CLOCK_BOOTTIME. */
  readonly atMs: number;
  /** Of its ConfigMap. */
  readonly name: string;
  readonly ok: boolean;
  readonly error?: string;
}

export interface WriteSummary {
  readonly writes: number;
  readonly lost: number;
  /** From the begin of the last write that succeeded to that of the next one. */
  readonly longestGapMs: number;
}

/** Writes through the VIP all the time. */
export class Writer implements AsyncDisposable {
  readonly #child: Child<Write>;

  private constructor(child: Child<Write>) {
    this.#child = child;
  }

  static async start(
    client: LabHost,
    { url, caFile, token }: { url: string; caFile: string; token: string },
  ): Promise<Writer> {
    const program = new URL("writer_main.ts", import.meta.url).pathname;
    return new Writer(
      await startHelper<Write>(client, program, [url, caFile, token, INTERVAL_MS, DEADLINE_MS]),
    );
  }

  get writes(): readonly Write[] {
    return this.#child.reports.items;
  }

  /** @returns the first write begun after `sinceMs` that succeeded. */
  waitForSuccess(sinceMs: number, deadlineMs: number): Promise<Write> {
    return this.#child.reports.waitFor(({ ok, atMs }) => ok && atMs > sinceMs, deadlineMs);
  }

  /** Of the writes begun since then. */
  summary(sinceMs: number): WriteSummary {
    const writes = this.writes.filter(({ atMs }) => atMs >= sinceMs)
      .toSorted((a, b) => a.atMs - b.atMs);
    let lastMs = writes[0]?.atMs ?? 0;
    let longestGapMs = 0;
    for (const { atMs, ok } of writes) {
      longestGapMs = Math.max(longestGapMs, atMs - lastMs);
      if (ok) lastMs = atMs;
    }
    return {
      writes: writes.length,
      lost: writes.filter(({ ok }) => !ok).length,
      longestGapMs: Math.round(longestGapMs),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
