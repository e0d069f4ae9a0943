import type { Clock } from "../election/clock.ts";
import type { LeaseApi } from "../election/elector.ts";
import type { Lease } from "../kube/types.ts";

/** An answer that waited for longer is asked for anew. */
const FRESH_MS = 1000;

/**
 * Asks for a Lease at once: the election's first question is answered by that, if it comes soon. An
 * old answer would be as safe, and cost a write that is refused.
 */
export function readAhead(
  api: LeaseApi,
  deadlineMs: number,
  clock: Pick<Clock, "nowMs">,
): LeaseApi {
  const askedMs = clock.nowMs();
  let first: Promise<Lease | undefined> | undefined = api.get({ deadlineMs });
  // For whoever asks; perhaps nobody does.
  first.catch(() => {});
  return {
    get: (request) => {
      const answer = clock.nowMs() - askedMs < FRESH_MS ? first : undefined;
      first = undefined;
      return answer ?? api.get(request);
    },
    create: (lease, request) => api.create(lease, request),
    replace: (lease, request) => api.replace(lease, request),
  };
}
