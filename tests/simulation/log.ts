import { readLease } from "../../lib/election/lease_record.ts";
import type { Lease } from "../../lib/kube/types.ts";

interface Line {
  readonly atMs: number;
  readonly who: string;
  readonly text: string;
  readonly routine: boolean;
}

/** Of routine lines in a row only the last ones are shown. */
const ROUTINE_SHOWN = 3;

/** A simulation's time line, for people. */
export class Log {
  readonly #lines: Line[] = [];
  #renewed = "";

  note(who: string, text: string, routine = false, atMs = 0): void {
    this.#lines.push({ atMs, who, text, routine });
  }

  /** A change at the API server. */
  lease(by: string, lease: Lease | undefined, note: Log["note"]): void {
    if (lease === undefined) return note("", `Lease deleted by ${by}`);
    const { holder, term, releasedTerm } = readLease(lease);
    const state = holder === undefined
      ? releasedTerm === term ? "released" : "without a holder"
      : `of ${holder}`;
    const text = `Lease ${lease.metadata?.resourceVersion} by ${by}: ${state}, term ${term}`;
    const renewed = `${by} ${state} ${term}`;
    note("", text, renewed === this.#renewed);
    this.#renewed = renewed;
  }

  text(): string {
    const lines: string[] = [];
    this.#lines.forEach((line, i) => {
      const following = this.#lines.slice(i + 1, i + 1 + ROUTINE_SHOWN);
      const shown = !line.routine || following.length < ROUTINE_SHOWN ||
        following.some(({ routine }) => !routine);
      if (shown) {
        const at = (line.atMs / 1000).toFixed(3).padStart(9);
        lines.push(`${at}  ${line.who.padEnd(7)} ${line.text}`);
      } else if (lines.at(-1) !== "          …") lines.push("          …");
    });
    return lines.join("\n");
  }
}
