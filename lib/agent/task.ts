/** A long-lived part. All Tasks of a process share one lifetime. */
export interface Task {
  /** Names the Task in health answers and logs. */
  readonly name: string;
  /**
   * Runs until the signal aborts, then cleans up and resolves. A rejection is a bug or a fault
   * that the Task cannot mend; the process withdraws everything and ends.
   */
  run(signal: AbortSignal): Promise<void>;
}
