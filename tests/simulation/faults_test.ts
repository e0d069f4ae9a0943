import assert from "node:assert/strict";
import { Election } from "../../lib/election/election.ts";
import type { Mutation } from "./mutation.ts";
import { search } from "./search.ts";

const fault = () => {
  throw new TypeError("broken");
};

/** Goes round and round: what it waits for was so long ago. */
class Spinner extends Election {
  override next(nowMs: number): ReturnType<Election["next"]> {
    const action = super.next(nowMs);
    return action.kind === "wait" ? { kind: "wait", untilMs: nowMs - 1 } : action;
  }
}

/** A fault in the code of an agent, and what is said of it. */
const FAULTS: Readonly<Record<string, readonly [Mutation, RegExp]>> = {
  "when it begins to hold": [{ holder: (holder) => ({ ...holder, granted: fault }) }, /broken/],
  "when it withdraws": [{ holder: (holder) => ({ ...holder, withdraw: fault }) }, /broken/],
  "in each request": [
    { api: () => ({ get: fault, create: fault, replace: fault }) },
    /broken/,
  ],
  // Nobody has the VIP any less; but the test must come to its end.
  "that makes it spin": [{ election: Spinner }, /undefined/],
};

for (const [where, [mutation, said]] of Object.entries(FAULTS)) {
  Deno.test(`an agent with a fault ${where} fails the simulation, and does not hang it`, async () => {
    let text;
    try {
      text = (await search({ seed: 1, schedules: 20, mutation })).violation?.what;
    } catch (error) {
      text = String(error);
    }
    assert.match(String(text), said);
  });
}
