import { call } from "./libc.ts";

const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
/** `struct timespec`: seconds and nanoseconds, both 64 bits on the machines that Deno runs on. */
const timespec = new BigInt64Array(2);
const timespecBytes = new Uint8Array(timespec.buffer);

/** Milliseconds since boot, with fractions; counts on during suspend (clock_gettime(2)). */
export function bootTimeMs(): number {
  call("Cannot read CLOCK_BOOTTIME", "clock_gettime", CLOCK_BOOTTIME, timespecBytes);
  const [seconds = 0n, nanoseconds = 0n] = timespec;
  return Number(seconds) * 1000 + Number(nanoseconds) / 1e6;
}

/** Microseconds of CLOCK_MONOTONIC, in which systemd counts. */
export function monotonicTimeUs(): bigint {
  call("Cannot read CLOCK_MONOTONIC", "clock_gettime", CLOCK_MONOTONIC, timespecBytes);
  const [seconds = 0n, nanoseconds = 0n] = timespec;
  return seconds * 1_000_000n + nanoseconds / 1000n;
}

/**
 * The longest single timer. Timers stand still during suspend, CLOCK_BOOTTIME does not: looking
 * again once a second finds out soon after resume. It is far below the 2^31 ms that setTimeout takes.
 */
const LONGEST_TIMER_MS = 1000;

/** The node's clock: `Clock` of the election on CLOCK_BOOTTIME. */
export class BootClock {
  /** Milliseconds since boot, with fractions. */
  nowMs(): number {
    return bootTimeMs();
  }

  /** Resolves when `nowMs()` has reached `atMs`, or at once when the signal aborts. Never rejects. */
  until(atMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const look = () => {
        clearTimeout(timer);
        const leftMs = atMs - this.nowMs();
        if (leftMs > 0 && !signal.aborted) {
          timer = setTimeout(look, Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS));
          return;
        }
        signal.removeEventListener("abort", look);
        resolve();
      };
      signal.addEventListener("abort", look);
      look();
    });
  }
}
