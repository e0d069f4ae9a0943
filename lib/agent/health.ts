/** One thing that must go on. */
export interface HealthCheck {
  /** Label `instance`; undefined for what all instances share. */
  readonly instance?: string;
  readonly name: string;
  /** What is wrong, in words for people; undefined when nothing is. */
  readonly problem: () => string | undefined;
}

export interface HealthReport {
  readonly healthy: boolean;
  readonly checks: readonly { instance?: string; name: string; ok: boolean; problem?: string }[];
}

/**
 * Collects what must go on in the process.
 *
 * - Live: every Task goes round its loop. A dead one never comes back by itself: restart.
 * - Ready: it also does its work now: the API server answers, the Services are known, each
 *   instance is the holder or stands by.
 */
export class Health {
  readonly #live: HealthCheck[] = [];
  readonly #ready: HealthCheck[] = [];

  addLive(check: HealthCheck): void {
    this.#live.push(check);
  }

  addReady(check: HealthCheck): void {
    this.#ready.push(check);
  }

  live(): HealthReport {
    return report(this.#live);
  }

  ready(): HealthReport {
    return report([...this.#live, ...this.#ready]);
  }
}

/**
 * A check that something happened lately.
 *
 * @param lastMs when it last happened; undefined: not yet
 */
export function youngEnough(
  what: string,
  nowMs: () => number,
  lastMs: () => number | undefined,
  limitMs: () => number,
): () => string | undefined {
  return () => {
    const last = lastMs();
    if (last === undefined || last === -Infinity) return `no ${what} yet`;
    const ageMs = nowMs() - last;
    return ageMs <= limitMs()
      ? undefined
      : `last ${what} ${(ageMs / 1000).toFixed(1)} s ago, at most ${limitMs() / 1000} s is right`;
  };
}

function report(checks: readonly HealthCheck[]): HealthReport {
  const results = checks.map(({ instance, name, problem }) => {
    const found = problem();
    return {
      ...(instance !== undefined && { instance }),
      name,
      ok: found === undefined,
      ...(found !== undefined && { problem: found }),
    };
  });
  return { healthy: results.every(({ ok }) => ok), checks: results };
}
