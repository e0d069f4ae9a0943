import { bootTimeMs } from "../../lib/sys/clock.ts";

// The C library is opened at the first use and stays open: here, before any test, so that no test
// is blamed for it.
bootTimeMs();

/** Milliseconds of CLOCK_BOOTTIME: the clock of all that the lab reports, in every process. */
export const nowMs = bootTimeMs;

/** Lets time go by: for what takes its time, or must not happen in it. */
export function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
