import assert from "node:assert/strict";
import fc from "fast-check";
import type { Clock } from "../../lib/election/clock.ts";
import type { ElectionSettings } from "../../lib/election/election.ts";
import { HANDOVER_ANNOTATION, readLease } from "../../lib/election/lease_record.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { type Fate, LeaseStore, refused } from "../doubles/fake_lease_api.ts";
import { TestNode } from "./node.ts";

interface Options {
  readonly settings: Partial<ElectionSettings>;
  readonly removalMs?: number;
}

/** What one step of a run does to one node, for some time. */
interface Step {
  readonly node: number;
  readonly kind: "calm" | "partition" | "slow" | "answers lost" | "twice" | "refused" | "blind";
  readonly or:
    | "nothing"
    | "stall"
    | "restart"
    | "stuck"
    | "empty"
    | "delete"
    | "label"
    | "hand over"
    | "step back";
  readonly ms: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  node: fc.nat(1),
  kind: fc.constantFrom(
    "calm",
    "partition",
    "slow",
    "answers lost",
    "twice",
    "refused",
    "blind",
  ),
  or: fc.oneof(
    { weight: 4, arbitrary: fc.constant("nothing" as const) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        "stall",
        "restart",
        "stuck",
        "empty",
        "delete",
        "label",
        "hand over",
        "step back",
      ),
    },
  ),
  ms: fc.integer({ min: 1, max: 14_000 }),
});

/** A node's own clock: somewhat fast or slow, and standing still for its timers in a stall. */
class OwnClock implements Clock {
  resumesAtMs = -Infinity;
  readonly #world: FakeClock;
  readonly #rate: number;

  constructor(world: FakeClock, rate: number) {
    this.#world = world;
    this.#rate = rate;
  }

  nowMs(): number {
    return this.#world.nowMs() * this.#rate;
  }

  async until(atMs: number, signal: AbortSignal): Promise<void> {
    // A little more, so that rounding never wakes too early.
    await this.#world.until(atMs / this.#rate + 1e-3, signal);
    await this.resumed();
  }

  /** A stopped process wakes from nothing before it goes on. */
  resumed(): Promise<void> {
    return this.#world.until(this.resumesAtMs);
  }
}

class World {
  readonly clock = new FakeClock();
  readonly store = new LeaseStore();
  readonly #random: () => number;
  readonly #options: Options;
  readonly #clocks: OwnClock[];
  readonly #nodes: TestNode[] = [];
  /** How long any node held, in ms: a run in which nobody holds proves nothing. */
  heldMs = 0;
  handovers = 0;
  #last: TestNode | undefined;

  constructor(seed: number, options: Options) {
    this.#random = mulberry32(seed);
    this.#options = options;
    // As far apart as the settings allow for.
    this.#clocks = [0.9955, 1.0045].map((rate) => new OwnClock(this.clock, rate));
    this.#clocks.forEach((_, i) => this.#nodes[i] = this.#newNode(i));
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const { node: i, kind, or, ms } of steps) {
      const node = this.#nodes[i]!;
      node.api.fate = () => this.#fate(kind);
      node.watchDelayMs = () =>
        kind === "partition" || kind === "blind" ? Infinity : this.#random() * 50;
      await this.#happen(or, i, ms);
      await this.#pass(ms);
      node.removable = true;
    }
    for (const node of this.#nodes) {
      node.api.fate = () => ({});
      node.watchDelayMs = () => 1;
    }
    await this.#pass(30_000);
    const ends = Promise.all(this.#nodes.map((node) => node.stop()));
    await this.clock.advance(30_000);
    await ends;
  }

  #newNode(i: number): TestNode {
    const own = this.#clocks[i]!;
    const node = new TestNode(this.store, this.clock, {
      clock: own,
      random: this.#random,
      removalMs: this.#options.removalMs,
      settings: {
        ...this.#options.settings,
        identity: `node-${i}`,
        incarnation: `boot-${i}`,
        preferences: { priority: 50 * i, failback: true, standBackMs: 500 - 500 * i },
      },
    });
    for (const call of ["get", "create", "replace"] as const) {
      const request = node.api[call].bind(node.api) as (...args: unknown[]) => Promise<unknown>;
      Object.assign(node.api, {
        [call]: (...args: unknown[]) => request(...args).finally(() => own.resumed()),
      });
    }
    return node.start();
  }

  async #happen(or: Step["or"], i: number, ms: number): Promise<void> {
    const node = this.#nodes[i]!;
    switch (or) {
      case "stall":
        this.#clocks[i]!.resumesAtMs = this.clock.nowMs() + ms;
        break;
      case "stuck":
        node.removable = false;
        break;
      case "restart": {
        const ended = node.stop();
        await this.#pass(20_000);
        await ended;
        this.#nodes[i] = this.#newNode(i);
        break;
      }
      case "empty":
        if (this.store.current()) this.store.edit((lease) => lease.spec!.holderIdentity = "");
        break;
      case "delete":
        this.store.delete();
        break;
      case "hand over":
        if (this.store.current()) {
          this.store.edit(({ metadata }) =>
            metadata!.annotations![HANDOVER_ANNOTATION] = `node-${i}`
          );
        }
        break;
      case "step back":
        node.elector.resign("the link is down");
        void this.clock.until(this.clock.nowMs() + ms).then(() => node.elector.stand());
        break;
      case "label":
        if (this.store.current()) this.store.edit((lease) => lease.metadata!.labels = { a: "b" });
        break;
      case "nothing":
    }
  }
  #fate(kind: Step["kind"]): Fate {
    const jitterMs = this.#random() * 30;
    const rarely = this.#random() < 0.5;
    switch (kind) {
      case "partition":
        return { lost: "request" };
      case "slow":
        return { toServerMs: this.#random() * 4000, toClientMs: this.#random() * 4000 };
      case "answers lost":
        return { toServerMs: jitterMs, lost: rarely ? "answer" : undefined };
      case "twice":
        return { toServerMs: jitterMs, toClientMs: jitterMs, twice: rarely };
      case "refused":
        return rarely ? { error: refused(500, "InternalError") } : { toServerMs: jitterMs };
      case "calm":
      case "blind":
        return { toServerMs: jitterMs, toClientMs: jitterMs };
    }
  }

  async #pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      await this.clock.advance(Math.min(100, left));
      const holding = this.#nodes.filter(({ elector }) => elector.mayHold());
      if (holding.length > 1) throw new Error("two may hold");
      const present = this.#nodes.filter(({ holds, untilMs }, i) =>
        holds && this.#clocks[i]!.nowMs() < untilMs
      );
      if (present.length > 1) throw new Error("addresses on two nodes");
      if (holding.length === 1) {
        this.heldMs += 100;
        if (this.#last !== holding[0]) this.handovers++;
        this.#last = holding[0];
      }
      const released = readLease(this.store.current() ?? {}).releasedTerm !== undefined;
      if (released && this.#nodes.some(({ holds, removable }) => holds && !removable)) {
        throw new Error("released with an address that could not be removed");
      }
    }
  }
}

function mulberry32(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const runs = fc.tuple(fc.integer(), fc.array(step, { minLength: 3, maxLength: 12 }));

/** Plays many runs. @returns what was found wrong, if anything was, and that something happened */
async function explore(options: Options, numRuns: number) {
  let [heldMs, handovers] = [0, 0];
  const property = fc.asyncProperty(runs, async ([seed, steps]) => {
    const world = new World(seed, options);
    await world.play(steps);
    heldMs += world.heldMs;
    handovers += world.handovers;
  });
  const found = await fc.check(property, { numRuns, endOnFailure: true });
  return { found, error: String(found.errorInstance), heldMs, handovers };
}

Deno.test("Election never lets two nodes hold, whatever happens", async () => {
  const numRuns = 100;
  const { found, heldMs, handovers } = await explore({ settings: { jitterMs: 50 } }, numRuns);
  assert.ok(!found.failed, fc.defaultReportMessage(found));
  assert.ok(heldMs > numRuns * 30_000, `${heldMs} ms held`);
  assert.ok(handovers > numRuns, `${handovers} handovers`);
});

// Each of these breaks one rule: the runs above would have found it.

Deno.test("Election lets two nodes hold when the fence comes too late", async () => {
  const { error } = await explore({ settings: { fenceMarginMs: -20_000 } }, 500);
  assert.match(error, /two may hold|addresses on two nodes/);
});

Deno.test("Election lets two nodes hold when a standby waits too short", async () => {
  const { error } = await explore({ settings: { clockDrift: -0.8 } }, 500);
  assert.match(error, /two may hold|addresses on two nodes/);
});

Deno.test("Election leaves addresses on two nodes when it releases before they are gone", async () => {
  const { error } = await explore({ settings: {}, removalMs: 2000 }, 500);
  assert.match(error, /addresses on two nodes/);
});
