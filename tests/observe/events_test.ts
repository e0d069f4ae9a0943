import assert from "node:assert/strict";
import type { Clock } from "../../lib/election/clock.ts";
import type { Event, KubeObject } from "../../lib/kube/types.ts";
import { RateLimit } from "../../lib/kube/rate_limit.ts";
import { EventRecorder, type Pause } from "../../lib/observe/events.ts";
import { createLogger } from "../../lib/observe/log.ts";

/** Time that stands still until somebody waits for it; then it has come. */
class EagerClock implements Clock {
  ms = 0;
  nowMs(): number {
    return this.ms;
  }
  until(atMs: number, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) this.ms = Math.max(this.ms, atMs);
    return Promise.resolve();
  }
}

/** Time that comes only with `ms`, and waiting that ends only with the signal. */
class StoppedClock extends EagerClock {
  override until(_atMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}

function setUp(
  post: (event: Event, signal: AbortSignal) => Promise<Pause | void> = () => Promise.resolve(),
  clock: EagerClock = new StoppedClock(),
) {
  const posted: Event[] = [];
  const lines: string[] = [];
  const recorder = new EventRecorder({
    post: async (event, signal) => {
      const pause = await post(event, signal);
      if (pause === undefined) posted.push(event);
      return pause;
    },
    node: "node-1",
    rate: new RateLimit(clock, () => 10, 10),
    clock,
    logger: createLogger({ level: "info", format: "text", write: (line) => lines.push(line) }),
    now: () => new Date("2026-01-02T03:04:05.678Z"),
  });
  return { posted, lines, recorder, clock };
}

const service: KubeObject = {
  metadata: { uid: "u1", namespace: "shop", name: "web", resourceVersion: "7" },
};
const announced = { type: "Normal", reason: "Announced", message: "192.0.2.1 on node-1" } as const;

Deno.test("record() posts a core/v1 Event in the namespace of its object", async () => {
  const { recorder, posted } = setUp();
  recorder.record("Service", service, announced);
  await recorder.drain(1000);
  assert.deepEqual(posted, [{
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "web.19b7ca98f2e0000", namespace: "shop" },
    involvedObject: {
      apiVersion: "v1",
      kind: "Service",
      namespace: "shop",
      name: "web",
      uid: "u1",
      resourceVersion: "7",
    },
    ...announced,
    source: { component: "classvip", host: "node-1" },
    reportingComponent: "classvip",
    reportingInstance: "node-1",
    firstTimestamp: "2026-01-02T03:04:05.678Z",
    lastTimestamp: "2026-01-02T03:04:05.678Z",
    count: 1,
  }]);
});

Deno.test("record() leaves out a repeat within ten minutes", async () => {
  const { recorder, posted, clock } = setUp();
  recorder.record("Service", service, announced);
  recorder.record("Service", { metadata: { ...service.metadata!, uid: "u2" } }, announced);
  clock.ms = 599_999;
  recorder.record("Service", service, announced);
  clock.ms = 600_000;
  recorder.record("Service", service, announced);
  await recorder.drain(1000);
  assert.equal(posted.length, 3);
  assert.equal(new Set(posted.map((event) => event.metadata.name)).size, 3);
});

Deno.test("record() says how it is again after something else, once a minute", async () => {
  const { recorder, posted, clock } = setUp();
  for (const ms of [0, 59_999, 60_000, 60_001]) {
    clock.ms = ms;
    recorder.record("Service", service, announced);
    recorder.record("Service", service, { ...announced, reason: "Withdrawn" });
  }
  clock.ms = 120_001;
  recorder.record("Service", service, { ...announced, reason: "Withdrawn" });
  await recorder.drain(1000);
  const said = ["Announced", "Withdrawn", "Announced", "Withdrawn"];
  assert.deepEqual(posted.map(({ reason }) => reason), said);
});

Deno.test("record() keeps to its rate after a burst", async () => {
  const { recorder, posted, clock } = setUp(undefined, new EagerClock());
  let lastMs = 0;
  for (let index = 0; index < 150; index++) {
    recorder.record("Service", service, { ...announced, message: `${index}` });
  }
  while (posted.length < 150) {
    await Promise.resolve();
    lastMs = clock.ms;
  }
  // 100 at once, then 10 a second.
  assert.ok(lastMs >= 4900 && lastMs <= 5100, `${lastMs}`);
  await recorder.drain(1000);
});

Deno.test("record() drops what its queue can't hold, and says so once", async () => {
  const { recorder, posted, lines } = setUp(undefined, new EagerClock());
  for (let index = 0; index < 1200; index++) {
    recorder.record("Service", service, { ...announced, message: `${index}` });
  }
  assert.equal(recorder.lost, 200);
  assert.equal(lines.length, 1);
  while (posted.length < 1000) await Promise.resolve();
  await recorder.drain(1000);
});

Deno.test("record() survives an API server that refuses, and tries a repeat again", async () => {
  let refusing = true;
  const { recorder, posted, lines } = setUp(() => {
    return refusing ? Promise.reject(new Error("forbidden")) : Promise.resolve();
  }, new EagerClock());
  recorder.record("Service", service, announced);
  recorder.record("Service", service, { ...announced, message: "other" });
  while (recorder.lost < 2) await Promise.resolve();
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /Could not write a Kubernetes Event.*error=forbidden/);
  refusing = false;
  recorder.record("Service", service, announced);
  while (posted.length < 1) await Promise.resolve();
  await recorder.drain(1000);
  assert.equal(posted.length, 1);
});

Deno.test("record() lets what it tells of go first", async () => {
  const { recorder, posted, clock } = setUp(undefined, new EagerClock());
  recorder.record("Service", service, announced);
  while (posted.length < 1) await Promise.resolve();
  assert.equal(clock.ms, 50);
  await recorder.drain(1000);
});

Deno.test("drain() gives up on an API server that does not answer", async () => {
  const { recorder, posted } = setUp(
    (_, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
    new EagerClock(),
  );
  recorder.record("Service", service, announced);
  recorder.record("Service", service, { ...announced, message: "other" });
  await recorder.drain(1000);
  assert.deepEqual([posted.length, recorder.lost], [0, 2]);
});

Deno.test("drain() ends at once when there is nothing to post", async () => {
  const { recorder, posted } = setUp();
  await recorder.drain(1000);
  recorder.record("Service", service, announced);
  assert.equal(posted.length, 0);
});

Deno.test("record() sends an Event again after the pause that the server asks for", async () => {
  const times: number[] = [];
  const answers: (Pause | undefined)[] = [{ afterMs: 7000 }, { afterMs: undefined }, undefined];
  const { recorder, posted, clock } = setUp(() => {
    times.push(clock.ms);
    return Promise.resolve(answers.shift());
  }, new EagerClock());
  recorder.record("Service", service, announced);
  while (posted.length < 1) await Promise.resolve();
  const [first = 0, second = 0, third = 0] = times;
  assert.deepEqual([second - first, third - second], [7000, 2000]);
  assert.equal(recorder.lost, 0);
  await recorder.drain(1000);
});

Deno.test("record() names an Event that is one for all by what it says and what it is about", async () => {
  const { recorder, posted } = setUp();
  const text = { ...announced, once: true };
  recorder.record("Service", service, text);
  recorder.record("Service", service, { ...text, message: "another" });
  recorder.record("Service", { metadata: { ...service.metadata, uid: "u2" } }, text);
  await recorder.drain(1000);
  const other = setUp();
  other.recorder.record("Service", service, announced);
  other.recorder.record("Service", service, { ...text, message: "another" });
  await other.recorder.drain(1000);
  const names = posted.map(({ metadata }) => metadata.name!);
  assert.equal(new Set(names).size, 3);
  assert.ok(names.every((name) => /^web\.[0-9a-f]+$/.test(name)), names.join());
  assert.equal(other.posted[1]!.metadata.name, names[1]);
});

Deno.test("record() keeps the name of an Event within what a name may be", async () => {
  const { recorder, posted } = setUp();
  recorder.record("Lease", { metadata: { namespace: "n", name: "x".repeat(253) } }, announced);
  await recorder.drain(1000);
  assert.ok(posted[0]!.metadata.name!.length <= 253);
});
