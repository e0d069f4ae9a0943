import assert from "node:assert/strict";
import { MixUpWatch } from "../../lib/agent/mix_up_watch.ts";
import type { OwnInstance } from "../../lib/classes/mix_ups.ts";
import type { Lease } from "../../lib/kube/types.ts";
import type { EventText } from "../../lib/observe/events.ts";
import { AddressOwners } from "../../lib/services/address_owners.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import { named, NOW_MS } from "../classes/seen.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";
import { view } from "../services/views.ts";

/** A process that looks at a cluster. */
class World implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly logger = keepingLogger();
  readonly events: (EventText & { about: string })[] = [];
  readonly counts = new Map<string, number>();
  leases: Lease[] = [];
  services: ServiceView[] = [];
  own: OwnInstance[] = [];
  seesAll = true;
  synced = true;
  readonly #stop = new AbortController();
  readonly #run: Promise<void>;

  constructor() {
    // deno-lint-ignore no-this-alias -- for the getters
    const world = this;
    this.#run = new MixUpWatch({
      leases: {
        all: () => world.leases,
        get synced() {
          return world.synced;
        },
        seesAll: true,
      },
      source: {
        services: () => world.services,
        get owners() {
          return new AddressOwners(world.services);
        },
        synced: true,
        get seesAll() {
          return world.seesAll;
        },
      },
      own: () => world.own,
      events: {
        record: (kind, { metadata }, text) =>
          void world.events.push({ ...text, about: `${kind} ${metadata?.name}` }),
        drain: () => Promise.resolve(),
      },
      metrics: {
        setMixUps(kinds, found) {
          for (const kind of kinds) {
            world.counts.set(kind, found.filter((one) => one.kind === kind).length);
          }
        },
      },
      clock: this.clock,
      wallClockMs: () => NOW_MS,
      logger: this.logger,
    }).run(this.#stop.signal);
  }

  /** Lets the Leases of holders that live be renewed meanwhile. */
  async pass(ms: number, living: readonly string[] = []): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1000) {
      this.leases = this.leases.map((lease) =>
        living.includes(lease.metadata!.name!)
          ? { ...lease, spec: { ...lease.spec, renewTime: String(this.clock.nowMs()) } }
          : lease
      );
      await this.clock.advance(1000);
    }
  }

  said(): string[] {
    return this.logger.lines.map(({ message, fields }) => `${message}: ${fields["kind"]}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }
}

Deno.test("MixUpWatch says a mix-up once for as long as it lasts, and that it is over", async () => {
  await using world = new World();
  const other = { scope: "class red", createdAt: "2026-01-02T00:00:00Z" };
  world.leases = [
    named("a", { pools: ["10.0.0.0/24"] }),
    named("b", { ...other, pools: ["10.0.0.0/24"] }),
  ];
  await world.pass(60_000, ["a", "b"]);
  assert.deepEqual(world.said(), ["found a mix-up: PoolsOverlap"]);
  assert.equal(world.logger.lines[0]?.level, "warn");
  const { lease, instance, class: name } = world.logger.lines[0]!.fields;
  assert.deepEqual({ lease, instance, name }, {
    lease: "kube-system/b",
    instance: "b",
    name: "red",
  });
  assert.deepEqual(
    world.events.map(({ about, type, reason, once }) => ({ about, type, reason, once })),
    [
      { about: "Lease b", type: "Warning", reason: "PoolsOverlap", once: true },
    ],
  );
  assert.match(world.events[0]!.message, /is in pools of .*: take it out of the pools of one/);
  assert.equal(world.counts.get("PoolsOverlap"), 1);
  world.leases = [world.leases[0]!, named("b", { ...other, pools: ["10.0.1.0/24"] })];
  await world.pass(2000, ["a", "b"]);
  assert.deepEqual(world.said().slice(1), ["a mix-up is over: PoolsOverlap"]);
  assert.equal(world.counts.get("PoolsOverlap"), 0);
  assert.equal(world.events.length, 1);
});

Deno.test("MixUpWatch says nothing of what passes within seconds", async () => {
  await using world = new World();
  world.leases = [
    named("a", { pools: ["10.0.0.1"] }),
    named("b", { scope: "no class", pools: ["10.0.0.1"] }),
  ];
  await world.pass(2000, ["a", "b"]);
  world.leases = [world.leases[0]!];
  await world.pass(10_000, ["a"]);
  assert.deepEqual([world.said(), world.events], [[], []]);
});

Deno.test("MixUpWatch waits for the lists, and for a minute before it calls a Lease dead", async () => {
  await using world = new World();
  world.leases = [named("gone")];
  world.services = [view("web")];
  world.synced = false;
  await world.pass(100_000);
  world.synced = true;
  await world.pass(70_000);
  assert.deepEqual(world.said(), []);
  await world.pass(6000);
  assert.deepEqual(world.said().sort(), [
    "found a mix-up: ClassNotServed",
    "found a mix-up: NoLiveInstance",
  ]);
});

Deno.test("MixUpWatch leaves what needs all namespaces to others when it does not see them", async () => {
  await using world = new World();
  world.seesAll = false;
  world.services = [view("web")];
  await world.pass(100_000);
  assert.deepEqual(world.said(), []);
  const own = { instance: "i", namespace: "n", name: "l", scope: "class red" };
  world.own = [{ ...own, usedFor: "class blue" }];
  await world.pass(5000);
  assert.deepEqual(world.said(), ["found a mix-up: LeaseShared"]);
});

Deno.test("MixUpWatch leaves it to the instance to say that an address is refused", async () => {
  await using world = new World();
  world.leases = [named("a"), named("b", { scope: "class red" })];
  world.services = [
    view("one", { wish: "10.0.0.1", shows: ["10.0.0.1"] }),
    view("two", { wish: "10.0.0.1", shows: ["10.0.0.2"], class: "red" }),
  ];
  await world.pass(5000, ["a", "b"]);
  assert.deepEqual([world.said(), world.events], [[], []]);
  assert.equal(world.counts.get("AddressAskedTwice"), 1);
});

Deno.test("MixUpWatch says the first hundred of a kind, and counts all", async () => {
  await using world = new World();
  world.services = Array.from({ length: 150 }, (_, i) => view(`web-${i}`));
  await world.pass(10_000);
  assert.equal(world.events.length, 100);
  assert.equal(world.counts.get("ClassNotServed"), 150);
  const many = world.logger.lines.filter(({ message }) => message.includes("too many"));
  assert.deepEqual(many.map(({ fields }) => fields), [{ kind: "ClassNotServed", count: 150 }]);
});
