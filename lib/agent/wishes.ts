import type { Changes } from "../services/changes.ts";

/** What an instance does with its right to hold: which addresses it puts up. */
export interface Wishes extends Disposable {
  /** The right to hold is being asked for: gets ready. */
  expect(): void;
  /** The right to hold began: acts at once. */
  begin(): void;
  /** The right to hold ended. */
  end(): void;
  /**
   * Something changed: acts when it is time.
   *
   * @param changes what; undefined: perhaps all
   * @param atOnce what was waited for is known: no rest from what made it ask
   */
  soon(changes?: Changes, atOnce?: boolean): void;
  /** What they are made of may be seen too late: asks for it again. */
  refresh(): void;
  /** The same: resolves when it was read anew. */
  relist(): Promise<void>;
}
