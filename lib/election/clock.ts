/** Monotonic time that goes on during suspend, and timers on it. */
export interface Clock {
  /** Milliseconds since boot (CLOCK_BOOTTIME), with fractions. Never wall-clock time. */
  nowMs(): number;
  /** Resolves when `nowMs()` has reached `atMs`, or at once when the signal aborts. Never rejects. */
  until(atMs: number, signal: AbortSignal): Promise<void>;
}
