import type { Task } from "./task.ts";

/**
 * Runs Tasks that share one lifetime: when one fails or ends before it was told to, the others are
 * told to stop too, and its error is thrown once all have.
 */
export async function supervise(tasks: readonly Task[], signal: AbortSignal): Promise<void> {
  const fault = new AbortController();
  const lifetime = AbortSignal.any([signal, fault.signal]);
  const results = await Promise.allSettled(tasks.map(async (task) => {
    try {
      await task.run(lifetime);
      if (!lifetime.aborted) throw new Error(`Task "${task.name}" ended by itself`);
    } finally {
      fault.abort();
    }
  }));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
