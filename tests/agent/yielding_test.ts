import assert from "node:assert/strict";
import { Yielding, type YieldingInput } from "../../lib/agent/yielding.ts";

const PATIENCE_MS = 10_000;
const SICK = "the API server does not answer";

function look(yielding: Yielding, nowMs: number, more: Partial<YieldingInput> = {}) {
  return yielding.judge({
    nowMs,
    problem: SICK,
    isOtherWell: true,
    holds: true,
    isHeldElsewhere: false,
    ...more,
  });
}

Deno.test("Yielding hands over only with a problem of its own and another that is well", () => {
  const yielding = new Yielding(PATIENCE_MS);
  assert.equal(look(yielding, 0, { problem: undefined }), undefined);
  assert.equal(look(yielding, 0, { isOtherWell: false }), undefined, "nobody could do better");
  assert.equal(look(yielding, 0, { holds: false }), undefined, "there is nothing to hand over");
  assert.equal(look(yielding, 0), SICK);
});

Deno.test("Yielding may stand again as soon as somebody else holds", () => {
  const yielding = new Yielding(PATIENCE_MS);
  look(yielding, 0);
  assert.equal(look(yielding, 500, { holds: false }), SICK);
  assert.equal(look(yielding, 600, { holds: false, isHeldElsewhere: true }), undefined);
  assert.equal(look(yielding, 700), SICK, "it got the VIP back, and is still not well");
});

Deno.test("Yielding takes back what nobody took, and tries again after longer and longer pauses", () => {
  const yielding = new Yielding(PATIENCE_MS);
  let nowMs = 0;
  for (const pauseMs of [60_000, 120_000, 240_000, 480_000, 600_000, 600_000]) {
    assert.equal(look(yielding, nowMs), SICK);
    assert.equal(look(yielding, nowMs + PATIENCE_MS - 1, { holds: false }), SICK);
    nowMs += PATIENCE_MS;
    assert.equal(look(yielding, nowMs, { holds: false }), undefined);
    assert.equal(look(yielding, nowMs + pauseMs - 1), undefined);
    nowMs += pauseMs;
  }
});

Deno.test("Yielding stands at once when its API server is well again", () => {
  const yielding = new Yielding(PATIENCE_MS);
  look(yielding, 0);
  assert.equal(look(yielding, 100, { holds: false, problem: undefined }), undefined);
  assert.equal(look(yielding, 200), SICK);
});
