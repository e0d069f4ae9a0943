import assert from "node:assert/strict";
import fc from "fast-check";
import { Roster, StealDamper, type Verdict, Witness } from "../../lib/election/witness.ts";

const INTERVAL = 50;
const LEASE = { holder: "a", term: 4 };
const SIGN = { node: "a", term: 4, mac: "02:00", vip: "192.0.2.1" };

/** A witness that is asked whenever it wants to be. */
class Watch {
  readonly witness = new Witness(INTERVAL);
  nowMs = 1000;
  lease: { holder: string | undefined; term: number } = LEASE;
  rank = 0;
  /** Whether questions reach the wire, and whether the holder answers them. */
  sends = true;
  answers = false;
  probes = 0;

  hear(sign: Partial<typeof SIGN> = {}): void {
    this.witness.heard({ ...SIGN, ...sign }, this.nowMs);
  }

  judge(): Verdict {
    const verdict = this.witness.judge(this.lease, this.rank, this.nowMs);
    if (verdict.kind === "probe" && this.sends) {
      this.probes++;
      this.witness.probed();
      if (this.answers) this.witness.answered(verdict.vip, verdict.mac, this.nowMs);
    }
    return verdict;
  }

  /** @returns after how many milliseconds of silence the holder is found dead */
  deadAfterMs(limitMs = 2000, lateMs = 0): number | undefined {
    const startMs = this.nowMs;
    while (this.nowMs - startMs <= limitMs) {
      const verdict = this.judge();
      if (verdict.kind === "dead") {
        assert.equal(verdict.term, LEASE.term);
        return this.nowMs - startMs;
      }
      this.nowMs = verdict.untilMs + lateMs;
    }
    return undefined;
  }
}

Deno.test("judge() finds a holder dead after three missed beacons and no answer", () => {
  const watch = new Watch();
  watch.hear();
  assert.equal(watch.deadAfterMs(), 3.5 * INTERVAL);
  assert.ok(watch.probes >= 3);
});

Deno.test("judge() begins to ask at two missed beacons", () => {
  const watch = new Watch();
  watch.hear();
  assert.deepEqual(watch.judge(), { kind: "wait", untilMs: 1000 + 2 * INTERVAL });
  watch.nowMs += 2 * INTERVAL;
  assert.deepEqual(watch.judge(), {
    kind: "probe",
    vip: SIGN.vip,
    mac: SIGN.mac,
    untilMs: watch.nowMs + 15,
  });
});

Deno.test("judge() asks three times at least: one lost answer proves nothing", () => {
  const watch = new Watch();
  watch.hear();
  // No question got out until now.
  watch.sends = false;
  assert.equal(watch.deadAfterMs(10 * INTERVAL), undefined);
  watch.sends = true;
  watch.probes = 0;
  while (watch.judge().kind !== "dead") watch.nowMs += 15;
  assert.equal(watch.probes, 3);
});

Deno.test("judge() waits for ever while the holder's kernel answers", () => {
  const watch = new Watch();
  watch.hear();
  watch.answers = true;
  assert.equal(watch.deadAfterMs(60_000), undefined);
});

Deno.test("judge() takes an answer of another machine, or for another address, for none", () => {
  for (const [vip, mac] of [[SIGN.vip, "02:01"], ["192.0.2.2", SIGN.mac]] as const) {
    const watch = new Watch();
    watch.hear();
    watch.nowMs += 2.5 * INTERVAL;
    watch.witness.answered(vip, mac, watch.nowMs);
    assert.equal(watch.deadAfterMs(), INTERVAL, `${vip} ${mac}`);
  }
});

Deno.test("judge() lets less preferred standbys wait for two intervals more each", () => {
  for (const rank of [1, 2, 5]) {
    const watch = new Watch();
    watch.hear();
    watch.rank = rank;
    const afterMs = watch.deadAfterMs()!;
    assert.equal(afterMs, (3.5 + 2 * rank) * INTERVAL);
  }
});

const UNPROVEN: [string, (watch: Watch) => void][] = [
  ["never heard", () => {}],
  ["heard in an older term only", (watch) => watch.hear({ term: 3 })],
  ["heard in a newer term than the Lease's", (watch) => watch.hear({ term: 5 })],
  ["heard of another node", (watch) => watch.hear({ node: "b" })],
  ["the Lease names nobody", (watch) => {
    watch.hear();
    watch.lease = { holder: undefined, term: 4 };
  }],
  ["it has no address", (watch) => watch.witness.heard({ ...SIGN, vip: undefined }, watch.nowMs)],
  ["questions don't get out", (watch) => {
    watch.hear();
    watch.sends = false;
  }],
];
for (const [what, prepare] of UNPROVEN) {
  Deno.test(`judge() leaves it to the Lease: ${what}`, () => {
    const watch = new Watch();
    prepare(watch);
    assert.equal(watch.deadAfterMs(10_000), undefined);
  });
}

Deno.test("judge() counts anew after this process stood still", () => {
  const watch = new Watch();
  watch.hear();
  watch.judge();
  watch.nowMs += 10_000;
  assert.equal(watch.deadAfterMs(), 3.5 * INTERVAL);
});

Deno.test("judge() never decides while this process is late each time", () => {
  const watch = new Watch();
  watch.hear();
  assert.equal(watch.deadAfterMs(10_000, INTERVAL + 1), undefined);
});

Deno.test("heard() of one that was replaced does not hide the new holder", () => {
  const watch = new Watch();
  watch.hear();
  watch.nowMs += 10;
  watch.hear({ term: 3, node: "b", mac: "02:02" });
  assert.equal(watch.deadAfterMs(), 3.5 * INTERVAL - 10);
});

Deno.test("judge() never finds a holder dead that is heard or answers often enough", () => {
  const pauses = fc.array(fc.integer({ min: 1, max: 3 * INTERVAL }), { maxLength: 200 });
  fc.assert(fc.property(pauses, fc.nat(3), (pausesMs, rank) => {
    const watch = new Watch();
    watch.rank = rank;
    watch.hear();
    for (const pauseMs of pausesMs) {
      const endMs = watch.nowMs + pauseMs;
      for (;;) {
        const verdict = watch.judge();
        assert.notEqual(verdict.kind, "dead");
        if (verdict.kind === "dead" || verdict.untilMs >= endMs) break;
        watch.nowMs = verdict.untilMs;
      }
      watch.nowMs = endMs;
      watch.hear();
    }
  }));
});

Deno.test("Roster.rank() sorts by priority, then by name, and forgets who is silent", () => {
  const roster = new Roster();
  roster.heard({ node: "a", priority: 50 }, 0);
  roster.heard({ node: "c", priority: 100 }, 0);
  roster.heard({ node: "d", priority: 50 }, 0);
  assert.equal(roster.rank({ node: "b", priority: 50 }, 0), 2);
  assert.equal(roster.rank({ node: "b", priority: 100 }, 0), 0);
  roster.remove("c");
  assert.equal(roster.rank({ node: "b", priority: 50 }, 0), 1);
  assert.equal(roster.rank({ node: "b", priority: 50 }, 2000), 0);
});

Deno.test("StealDamper doubles the hold-off from 10 s to 10 min, and forgets after an hour", () => {
  const damper = new StealDamper();
  let nowMs = 0;
  assert.ok(damper.allowedAtMs <= nowMs);
  const holdOffs = Array.from({ length: 8 }, () => {
    damper.stolen(nowMs);
    const holdOffMs = damper.allowedAtMs - nowMs;
    nowMs = damper.allowedAtMs;
    return holdOffMs / 1000;
  });
  assert.deepEqual(holdOffs, [10, 20, 40, 80, 160, 320, 600, 600]);
  nowMs += 3_600_001;
  damper.stolen(nowMs);
  assert.equal(damper.allowedAtMs - nowMs, 10_000);
});
