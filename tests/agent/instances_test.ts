import assert from "node:assert/strict";
import { Instances, type Plan, type PlannedInstance } from "../../lib/agent/instances.ts";
import type { StartStage } from "../../lib/agent/start_order.ts";
import { StopReason } from "../../lib/election/elector.ts";
import type { InstanceConfig } from "../../lib/config/instance.ts";
import { createMetrics } from "../../lib/observe/metrics.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { instanceConfig as config } from "../doubles/instance_config.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";

/** Instances that do nothing but say what becomes of them. */
class Stage {
  readonly clock = new FakeClock();
  readonly logger = keepingLogger();
  readonly metrics = createMetrics({ version: "1" });
  readonly said: string[] = [];
  /** Why instances were told to end. */
  readonly reasons: string[] = [];
  readonly stages = new Map<string, StartStage>();
  /** An instance that is told to end, ends with this. */
  readonly endings = new Map<string, Promise<void>>();
  readonly faults = new Map<string, PromiseWithResolvers<never>>();
  readonly instances: Instances;
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;
  #next = Promise.withResolvers<Plan>();

  constructor(...first: InstanceConfig[]) {
    this.instances = new Instances({
      first: { instances: first, keys: new Map() },
      plans: {
        next: (signal) => {
          const aborted = Promise.withResolvers<undefined>();
          signal.addEventListener("abort", () => aborted.resolve(undefined));
          return Promise.race([this.#next.promise, aborted.promise]);
        },
      },
      start: (config) => this.#start(config),
      metricsOf: ({ name, loadBalancerClass }) => this.metrics.instance(name, loadBalancerClass),
      forget: (name) => this.metrics.remove(name),
      ended: (name) => this.said.push(`${name}: checks removed`),
      failed: (name, error) => this.said.push(`${name}: ${error}`),
      clock: this.clock,
      logger: this.logger,
    });
    this.#run = this.instances.run(this.#stop.signal);
  }

  #start({ name }: InstanceConfig): PlannedInstance {
    const fault = Promise.withResolvers<never>();
    this.faults.set(name, fault);
    const { said, stages, endings } = this;
    return {
      name,
      leaseUsedFor: undefined,
      get startStage() {
        return stages.get(name) ?? 0;
      },
      adjust: ({ maxVips }) => void said.push(`${name}: adjusted to ${maxVips}`),
      run: async (signal) => {
        said.push(`${name}: runs`);
        const aborted = Promise.withResolvers<void>();
        signal.addEventListener("abort", () => {
          this.reasons.push(StopReason.of(signal));
          aborted.resolve();
        });
        await Promise.race([aborted.promise, fault.promise]);
        await endings.get(name);
        said.push(`${name}: ended`);
      },
    };
  }

  /** @returns what was said since the last call */
  take(): string[] {
    return this.said.splice(0);
  }

  async follow(instances: InstanceConfig[], keys: Plan["keys"] = new Map()): Promise<string[]> {
    const next = this.#next;
    this.#next = Promise.withResolvers();
    next.resolve({ instances, keys });
    await settled();
    return this.take();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }
}

Deno.test("Instances starts those of higher priority first", async () => {
  await using stage = new Stage(config("low", { priority: 10 }), config("high"));
  await settled();
  assert.deepEqual(stage.take(), ["high: runs", "low: runs"]);
  assert.ok(stage.instances.isAwaited(10, 1));
  stage.stages.set("high", 1);
  assert.ok(!stage.instances.isAwaited(10, 1));
  assert.ok(stage.instances.isAwaited(10, 2));
  assert.ok(!stage.instances.isAwaited(100, 2));
});

Deno.test("Instances leaves alone what did not change", async () => {
  await using stage = new Stage(config("a"), config("b"), config("c"));
  await settled();
  stage.take();
  const said = await stage.follow([config("a"), config("b", { interface: "eth1" }), config("d")]);
  assert.deepEqual(said.toSorted(), [
    "b: checks removed",
    "b: ended",
    "b: runs",
    "c: checks removed",
    "c: ended",
    "d: runs",
  ]);
  assert.ok(said.indexOf("b: ended") < said.indexOf("b: runs"));
  assert.deepEqual([...stage.metrics.instances].sort(), ["a", "b", "d"]);
  assert.ok(!(await stage.metrics.render()).includes('instance="c"'));
});

Deno.test("Instances says that the plan changed, and not so when the process stops", async () => {
  const stage = new Stage(config("a"), config("b"));
  await settled();
  await stage.follow([config("a", { interface: "eth1" })]);
  assert.deepEqual(stage.reasons.splice(0), ["the plan changed", "the plan changed"]);
  await stage[Symbol.asyncDispose]();
  assert.deepEqual(stage.reasons, ["stopping"]);
});

Deno.test("Instances hands limits over to an instance as it runs", async () => {
  await using stage = new Stage(config("a", { maxVips: 1 }));
  await settled();
  stage.take();
  assert.deepEqual(await stage.follow([config("a", { maxVips: 2 })]), ["a: adjusted to 2"]);
  assert.deepEqual(await stage.follow([config("a", { maxVips: 2 })]), []);
  const said = await stage.follow([config("a", { maxVips: 2, leaseDurationMs: 9000 })]);
  assert.deepEqual(said, ["a: ended", "a: checks removed", "a: runs"]);
});

Deno.test("Instances starts anew what got another key", async () => {
  await using stage = new Stage(config("a"));
  await settled();
  stage.take();
  const keys = new Map([["a", new Uint8Array([1])]]);
  assert.equal((await stage.follow([config("a")], keys)).length, 3);
  assert.deepEqual(await stage.follow([config("a")], new Map(keys)), []);
});

Deno.test("Instances lets one with the same Lease, class or name wait, and no other", async () => {
  await using stage = new Stage(config("a"));
  await settled();
  stage.take();
  const hold = Promise.withResolvers<void>();
  stage.endings.set("a", hold.promise);
  const renamed = config("renamed", { leaseName: "a" });
  assert.deepEqual(await stage.follow([renamed, config("other")]), ["other: runs"]);
  hold.resolve();
  await settled();
  assert.deepEqual(stage.take(), ["a: ended", "a: checks removed", "renamed: runs"]);
});

Deno.test("Instances starts a failed one again, later each time, and leaves the others alone", async () => {
  await using stage = new Stage(config("a"), config("b"));
  await settled();
  stage.take();
  for (const pauseMs of [1000, 2000]) {
    stage.faults.get("a")!.reject(new Error("boom"));
    await settled();
    assert.deepEqual(stage.take(), ["a: checks removed", "a: Error: boom"]);
    await stage.clock.advance(pauseMs - 1);
    assert.deepEqual(stage.take(), []);
    await stage.clock.advance(1);
    assert.deepEqual(stage.take(), ["a: checks removed", "a: runs"]);
  }
  const line = stage.logger.lines.find(({ level }) => level === "error");
  assert.equal(line?.fields.instance, "a");
  assert.match(
    await stage.metrics.render(),
    /instance_restarts_total\{instance="a",class="a"\} 2\n/,
  );
});
