import assert from "node:assert/strict";
import { SHORTEST_LEASE_MS } from "../../lib/config/values.ts";
import { electionTimes } from "../../lib/agent/times.ts";

/** What a kernel may be late at most: it looks for lifetimes that ended once a second. */
const LATE_MS = 1000;

Deno.test("electionTimes() keeps 0.4 s and the drift between the fence and the end of a Lease", () => {
  for (const leaseDurationMs of [SHORTEST_LEASE_MS, 5000, 60_000]) {
    const { fenceMarginMs, clockDrift } = electionTimes(leaseDurationMs, leaseDurationMs * 0.3);
    assert.ok(clockDrift >= 0.01);
    assert.ok(fenceMarginMs >= 400 + leaseDurationMs * clockDrift, `${fenceMarginMs}`);
  }
});

Deno.test("electionTimes() lets the kernel be a second late before a standby may take over", () => {
  for (const leaseDurationMs of [SHORTEST_LEASE_MS, 5000, 15_000, 60_000]) {
    const times = electionTimes(leaseDurationMs, leaseDurationMs * 0.3);
    // By clocks that differ as much as is allowed for, in the worst direction.
    const takenMs = leaseDurationMs + times.lifetimeRoomMs / 1.01;
    for (let answerMs = 0; answerMs < leaseDurationMs; answerMs += 10) {
      const leftMs = leaseDurationMs - times.fenceMarginMs - answerMs;
      const seconds = Math.floor((leftMs - times.lifetimeMarginMs) / 1000);
      if (seconds < 1) continue;
      const goneMs = answerMs + seconds * 1000 + LATE_MS;
      assert.ok(goneMs < takenMs, `${leaseDurationMs}: ${goneMs} < ${takenMs}`);
    }
    // Where the answer takes as long as it may, less than a second is left of two seconds alone.
    const slowMs = times.requestTimeoutMs;
    const seconds = (leaseDurationMs - times.fenceMarginMs - times.lifetimeMarginMs - slowMs) /
      1000;
    assert.ok(seconds >= 1, `${leaseDurationMs}: the slowest answer gives a lifetime`);
  }
});
