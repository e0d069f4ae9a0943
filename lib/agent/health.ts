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
  #live: HealthCheck[] = [];
  #ready: HealthCheck[] = [];

  addLive(check: HealthCheck): void {
    this.#live.push(check);
  }

  addReady(check: HealthCheck): void {
    this.#ready.push(check);
  }

  /** Takes all checks of an instance away: it has ended. */
  remove(instance: string): void {
    const stays = (check: HealthCheck) => check.instance !== instance;
    this.#live = this.#live.filter(stays);
    this.#ready = this.#ready.filter(stays);
  }

  /** @param instance leaves out the checks of all other instances */
  live(instance?: string): HealthReport {
    return report(this.#live, instance);
  }

  ready(instance?: string): HealthReport {
    return report([...this.#live, ...this.#ready], instance);
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

function report(checks: readonly HealthCheck[], only: string | undefined): HealthReport {
  const wanted = ({ instance }: HealthCheck) =>
    only === undefined || instance === undefined || instance === only;
  const results = checks.filter(wanted).map(({ instance, name, problem }) => {
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
