import assert from "node:assert/strict";
import type { KubeError } from "../../lib/kube/errors.ts";
import type { RequestOptions, Service } from "../../lib/kube/types.ts";
import type { StatusWrite } from "../../lib/services/decide.ts";
import { RateLimit } from "../../lib/kube/rate_limit.ts";
import { type StatusObserver, StatusWriter } from "../../lib/services/status_writer.ts";
import { FakeClock, settled } from "../doubles/fake_clock.ts";
import { FakeKubeClient } from "../doubles/fake_kube_client.ts";
import { refused } from "../doubles/fake_lease_api.ts";
import { service, type Sketch, view } from "./views.ts";

const A = "192.0.2.1";
const B = "192.0.2.2";

class World {
  readonly clock = new FakeClock();
  readonly client = new FakeKubeClient();
  readonly written: string[] = [];
  readonly failed: string[] = [];
  /** The PATCH requests, as lines. */
  readonly patches: string[] = [];
  /** What the server says to a PATCH of a Service. */
  patch: (name: string) => unknown = () => ({});
  services = new Map<string, Service>();
  readonly writer = new StatusWriter(
    this.client,
    this.clock,
    {
      statusWritten: ({ service }) => void this.written.push(service.name),
      statusFailed: ({ service }: StatusWrite, error: KubeError) =>
        void this.failed.push(`${service.name} ${error.reason}`),
    } satisfies StatusObserver,
  );

  constructor() {
    this.client.answer = (options) => {
      const name = options.path.split("/")[6]!;
      if (options.method === "PATCH") {
        this.patches.push(line(options));
        return this.patch(name);
      }
      const found = this.services.get(name);
      if (found === undefined) throw refused(404, "NotFound");
      return found;
    };
  }

  async running(body: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const run = this.writer.run(stop.signal);
    try {
      await body();
    } finally {
      stop.abort();
      await run;
    }
  }
}

function line({ path, body }: RequestOptions): string {
  const { metadata, status } = body as {
    metadata: { uid: string };
    status: { loadBalancer: { ingress: { ip: string }[] | null } };
  };
  const ips = status.loadBalancer.ingress?.map(({ ip }) => ip).join() ?? "null";
  return `${path.split("/")[6]} ${metadata.uid} ${ips}`;
}

function write(name: string, ip: string | undefined, sketch: Sketch = {}): StatusWrite {
  return { service: view(name, sketch), ingress: ip === undefined ? [] : [{ ip, ipMode: "VIP" }] };
}

Deno.test("write() sends a merge patch of the status, bound to the uid", async () => {
  const world = new World();
  await world.running(async () => {
    world.writer.write(write("web", A));
    await settled();
  });
  assert.deepEqual(
    world.client.requests.map(({ method, path, body }) => ({ method, path, body })),
    [{
      method: "PATCH",
      path: "/api/v1/namespaces/shop/services/web/status",
      body: {
        metadata: { uid: "uid-web" },
        status: { loadBalancer: { ingress: [{ ip: A, ipMode: "VIP" }] } },
      },
    }],
  );
  assert.deepEqual(world.written, ["web"]);
  assert.equal(world.writer.pending, 0);
});

Deno.test("write() clears with null: an empty list would stay in a merge patch", async () => {
  const world = new World();
  await world.running(async () => {
    world.writer.write(write("web", undefined));
    await settled();
  });
  assert.deepEqual(world.patches, ["web uid-web null"]);
});

Deno.test("write() sends nothing twice for the same view", async () => {
  const world = new World();
  await world.running(async () => {
    const wish = write("web", A);
    world.writer.write(wish);
    world.writer.write(wish);
    await settled();
    world.writer.write(wish);
    await settled();
    assert.equal(world.patches.length, 1);
    world.writer.write(write("web", A));
    await settled();
    assert.equal(world.patches.length, 2, "somebody overwrote it: another view");
  });
});

Deno.test("write() sends nothing twice that is under way", async () => {
  const world = new World();
  const answer = Promise.withResolvers<unknown>();
  world.patch = () => answer.promise;
  await world.running(async () => {
    const wish = write("web", A);
    world.writer.write(wish);
    await settled();
    world.writer.write(wish);
    await settled();
    answer.resolve({});
    await settled();
    assert.equal(world.patches.length, 1);
  });
});

Deno.test("write() tries each Service again by itself, with longer and longer pauses", async () => {
  const world = new World();
  world.patch = (name) => {
    if (name === "bad") throw refused(500, "InternalError");
  };
  await world.running(async () => {
    world.writer.write(write("bad", A));
    world.writer.write(write("good", B));
    await settled();
    assert.deepEqual(world.written, ["good"]);
    const times: number[] = [];
    const startMs = world.clock.nowMs();
    for (let i = 0; i < 4; i++) {
      const before = world.patches.length;
      while (world.patches.length === before) await world.clock.advance(10);
      times.push(world.clock.nowMs() - startMs);
    }
    assert.deepEqual(times, [250, 750, 1750, 3750]);
    world.patch = () => ({});
    await world.clock.advance(30_000);
    assert.deepEqual(world.written, ["good", "bad"]);
    assert.equal(world.writer.pending, 0);
  });
});

Deno.test("write() waits as long as the server asks for", async () => {
  const world = new World();
  world.patch = () => {
    throw refused(429, "TooManyRequests", 7000);
  };
  await world.running(async () => {
    world.writer.write(write("web", A));
    await world.clock.advance(6999);
    assert.equal(world.patches.length, 1);
    await world.clock.advance(1);
    assert.equal(world.patches.length, 2);
  });
});

Deno.test("write() waits longer than the server asks for when it asks again and again", async () => {
  const world = new World();
  const atMs: number[] = [];
  const startMs = world.clock.nowMs();
  world.patch = () => {
    atMs.push(world.clock.nowMs() - startMs);
    throw refused(429, "TooManyRequests", atMs.length === 1 ? 0 : 1000);
  };
  await world.running(async () => {
    world.writer.write(write("web", A));
    await world.clock.advance(7250);
    assert.deepEqual(atMs, [0, 250, 1250, 2250, 4250]);
  });
});

Deno.test("write() drops what can never succeed", async () => {
  for (const status of [404, 409, 422]) {
    const world = new World();
    world.patch = () => {
      throw refused(status, "No");
    };
    await world.running(async () => {
      world.writer.write(write("web", A));
      await world.clock.advance(60_000);
      assert.equal(world.patches.length, 1);
      assert.deepEqual([world.writer.pending, world.failed], [0, []]);
    });
  }
});

Deno.test("write() lets the newest wish win", async () => {
  const world = new World();
  world.patch = () => {
    throw refused(0, "Unreachable");
  };
  await world.running(async () => {
    world.writer.write(write("web", A));
    await settled();
    world.writer.write(write("web", B));
    await settled();
    world.patch = () => ({});
    await world.clock.advance(60_000);
    assert.equal(world.patches.at(-1), `web uid-web ${B}`);
    assert.equal(world.patches.filter((patch) => patch.endsWith(A)).length, 1);
  });
});

Deno.test("write() sends a newer wish after an older one that is under way", async () => {
  const world = new World();
  const slow = Promise.withResolvers<unknown>();
  world.patch = () => slow.promise;
  await world.running(async () => {
    world.writer.write(write("web", A));
    await settled();
    world.patch = () => ({});
    world.writer.write(write("web", B));
    await settled();
    assert.equal(world.patches.length, 1);
    slow.reject(refused(0, "Timeout"));
    await world.clock.advance(60_000);
    assert.deepEqual(world.patches, [`web uid-web ${A}`, `web uid-web ${B}`]);
  });
});

Deno.test("write() is not delayed by one that is slow", async () => {
  const world = new World();
  const slow = Promise.withResolvers<unknown>();
  world.patch = (name) => name === "slow" ? slow.promise : {};
  await world.running(async () => {
    world.writer.write(write("slow", A));
    for (let i = 0; i < 50; i++) world.writer.write(write(`web-${i}`, B));
    await settled();
    assert.equal(world.written.length, 50);
    slow.resolve({});
  });
});

Deno.test("write() sends at most 32 at a time, in order", async () => {
  const world = new World();
  const answers: PromiseWithResolvers<unknown>[] = [];
  world.patch = () => {
    const answer = Promise.withResolvers<unknown>();
    answers.push(answer);
    return answer.promise;
  };
  await world.running(async () => {
    for (let i = 0; i < 40; i++) world.writer.write(write(`web-${String(i).padStart(2, "0")}`, A));
    await settled();
    assert.equal(answers.length, 32);
    answers[3]!.resolve({});
    await settled();
    assert.equal(answers.length, 33);
    answers.forEach(({ resolve }) => resolve({}));
    await settled();
    answers.forEach(({ resolve }) => resolve({}));
    await settled();
    assert.deepEqual(
      world.written.toSorted(),
      world.written.map((_, i) => `web-${String(i).padStart(2, "0")}`),
    );
  });
});

Deno.test("clear() clears what is still as published", async () => {
  const world = new World();
  await world.running(async () => {
    world.services.set("web", service("web", { shows: [A] }));
    world.writer.clear(view("web"), [A, B]);
    await settled();
    assert.deepEqual(world.patches, ["web uid-web null"]);
  });
});

Deno.test("clear() leaves alone what is another's by now", async () => {
  const others: (Service | undefined)[] = [
    undefined,
    service("web", { shows: [] }),
    service("web", { shows: [B] }),
    service("web", { shows: [A, B] }),
    service("web", { shows: [A], uid: "another" }),
    service("web", { shows: [{ hostname: "lb.example" }] }),
  ];
  for (const other of others) {
    const world = new World();
    await world.running(async () => {
      if (other !== undefined) world.services.set("web", other);
      world.writer.clear(view("web"), [A]);
      await settled();
      assert.deepEqual(world.patches, []);
      assert.equal(world.writer.pending, 0);
    });
  }
});

Deno.test("clear() comes after a write that is under way, and takes it back", async () => {
  const world = new World();
  const slow = Promise.withResolvers<unknown>();
  world.patch = () => slow.promise;
  await world.running(async () => {
    world.writer.write(write("web", A));
    await settled();
    world.patch = () => ({});
    world.writer.clear(view("web"), [A]);
    world.services.set("web", service("web", { shows: [A] }));
    slow.resolve({});
    await settled();
    assert.deepEqual(world.patches, [`web uid-web ${A}`, "web uid-web null"]);
  });
});

Deno.test("forget() drops what waits, and tries nothing again that was under way", async () => {
  const world = new World();
  const slow = Promise.withResolvers<unknown>();
  world.patch = (name) => {
    if (name === "slow") return slow.promise;
    throw refused(500, "InternalError");
  };
  await world.running(async () => {
    world.writer.write(write("slow", A));
    world.writer.write(write("bad", A));
    await settled();
    world.writer.forget();
    slow.reject(refused(0, "Unreachable"));
    await world.clock.advance(60_000);
    assert.equal(world.patches.length, 2);
    assert.equal(world.writer.pending, 0);
  });
});

Deno.test("keepOnly() drops writes that are not wanted any more, and no clearing", async () => {
  const world = new World();
  world.patch = () => {
    throw refused(500, "InternalError");
  };
  await world.running(async () => {
    world.services.set("gone", service("gone", { shows: [A] }));
    world.writer.write(write("web", A));
    world.writer.write(write("kept", A));
    world.writer.clear(view("gone"), [A]);
    await settled();
    world.writer.keepOnly(new Set(["shop/kept"]));
    world.patches.length = 0;
    await world.clock.advance(250);
    assert.deepEqual(world.patches.sort(), ["gone uid-gone null", `kept uid-kept ${A}`]);
  });
});

Deno.test("run() rejects on what is no refusal of the API server", async () => {
  const world = new World();
  world.patch = () => {
    throw new TypeError("a bug");
  };
  world.writer.write(write("web", A));
  await assert.rejects(world.writer.run(new AbortController().signal), /a bug/);
});

Deno.test("write() looks first where told to, and leaves a status alone that is right already", async () => {
  const world = new World();
  await world.running(async () => {
    world.services.set("web", service("web", { shows: [A] }));
    world.services.set("old", service("old", { shows: [B] }));
    world.writer.write(write("web", A), true);
    world.writer.write(write("old", A), true);
    await settled();
    assert.deepEqual(world.written, ["old"]);
  });
});

Deno.test("write() keeps to its rate", async () => {
  const world = new World();
  const rate = new RateLimit(world.clock, () => 10, 1);
  const writer = new StatusWriter(
    world.client,
    world.clock,
    { statusWritten() {}, statusFailed() {} },
    rate,
  );
  const stop = new AbortController();
  const run = writer.run(stop.signal);
  for (let i = 0; i < 30; i++) writer.write(write(`web-${i}`, A));
  await settled();
  assert.equal(world.patches.length, 10);
  await world.clock.advance(1000);
  assert.equal(world.patches.length, 20);
  await world.clock.advance(1000);
  assert.equal(world.patches.length, 30);
  stop.abort();
  await run;
});

Deno.test("write() holds all writes back when the server has had enough, longer each time", async () => {
  const world = new World();
  world.patch = () => {
    throw refused(429, "TooManyRequests");
  };
  await world.running(async () => {
    world.writer.write(write("web", A));
    await settled();
    world.writer.write(write("api", B));
    await settled();
    assert.equal(world.patches.length, 1);
    await world.clock.advance(250);
    assert.equal(world.patches.length, 3, "both were tried");
    await world.clock.advance(499);
    assert.equal(world.patches.length, 3);
    world.patch = () => ({});
    await world.clock.advance(2000);
    assert.deepEqual(world.written.toSorted(), ["api", "web"]);
  });
});

Deno.test("write() binds a status to the version it was decided on, the newest that is known", async () => {
  const world = new World();
  const versioned = (resourceVersion: string): StatusWrite => {
    const { service, ingress } = write("web", A);
    return { service: { ...service, resourceVersion }, ingress };
  };
  const sent = () =>
    world.client.requests.map(({ body }) => (body as Service).metadata?.resourceVersion);
  world.writer.write(versioned("7"));
  world.writer.write(versioned("8"));
  world.patch = () => {
    throw refused(409, "Conflict");
  };
  await world.running(async () => {
    await settled();
    await world.clock.advance(60_000);
    assert.deepEqual(sent(), ["8"], "a conflict is not tried again: the watch tells what is so");
    world.patch = () => ({});
    world.writer.write(versioned("9"));
    await settled();
  });
  assert.deepEqual(sent(), ["8", "9"]);
  assert.deepEqual([world.written, world.failed], [["web"], []]);
});
