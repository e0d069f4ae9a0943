/** How far a wall clock that is wrong is ahead. */
export const AHEAD_MS = 3_600_000;

const TRUE = "+0";
const AHEAD = `+${AHEAD_MS / 1000}`;
/** Where Debian's package has it (libfaketime). */
const LIBRARY = "faketime/libfaketimeMT.so.1";
const FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];

/**
 * Wall clocks of single processes: all namespaces share the machine's (time_namespaces(7) leaves
 * CLOCK_REALTIME out), so libfaketime stands between a process and that one, and no other, clock.
 */
export class WallClocks {
  readonly #library: string;
  readonly #dir: string;

  private constructor(library: string, dir: string) {
    this.#library = library;
    this.#dir = dir;
  }

  /** @param dir for its files. @returns undefined where libfaketime is not installed */
  static find(dir: string): WallClocks | undefined {
    for (const folder of FOLDERS) {
      const library = `${folder}/${LIBRARY}`;
      try {
        Deno.statSync(library);
        return new WallClocks(library, dir);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return undefined;
  }

  /** What a process needs in its environment (faketime(1)). */
  env(node: string): Record<string, string> {
    this.set(node, false);
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file(node),
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }

  /** Sets the clock of the node's process: an hour ahead, or right again. */
  set(node: string, ahead: boolean): void {
    const file = this.#file(node);
    Deno.writeTextFileSync(`${file}.new`, ahead ? AHEAD : TRUE);
    Deno.renameSync(`${file}.new`, file);
  }

  #file(node: string): string {
    return `${this.#dir}/clock-${node}`;
  }
}
