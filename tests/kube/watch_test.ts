import assert from "node:assert/strict";
import { KubeError } from "../../lib/kube/errors.ts";
import type { KubeClient, KubeObject, RequestOptions } from "../../lib/kube/types.ts";
import { Watch, type WatchOptions } from "../../lib/kube/watch.ts";

interface Thing extends KubeObject {
  value?: number;
}

function thing(name: string, value: number, resourceVersion = "1", uid = name): Thing {
  return { metadata: { namespace: "ns", name, uid, resourceVersion }, value };
}

function page(items: unknown[], resourceVersion = "10", next?: string) {
  return { metadata: { resourceVersion, ...(next ? { continue: next } : {}) }, items };
}

function refused(status: number, reason: string, retryAfterMs?: number): KubeError {
  return new KubeError(reason, { status, reason, retryAfterMs });
}

/** What a watch answers: its lines, then how it ends; "stays" waits for the abort. */
interface Stream {
  lines: unknown[];
  lastsMs?: number;
  end: "closed" | "stays" | KubeError;
}

/** Plays lists and streams in order, on a clock that jumps to whatever is waited for. */
class Play implements KubeClient {
  readonly seen: string[] = [];
  readonly waits: number[] = [];
  readonly told: string[] = [];
  readonly controller = new AbortController();
  nowMs = 0;
  readonly #answers: (Stream | KubeError | object)[];

  constructor(...answers: (Stream | KubeError | object)[]) {
    this.#answers = answers;
  }

  /** Runs a watch over the script; ends when the script does. */
  async run(more: Partial<WatchOptions<Thing, number>> = {}): Promise<Watch<Thing, number>> {
    const watch = new Watch<Thing, number>({
      name: "things",
      client: this,
      clock: {
        nowMs: () => this.nowMs,
        until: (atMs) => {
          this.waits.push(atMs - this.nowMs);
          this.nowMs = atMs;
          return Promise.resolve();
        },
      },
      random: () => 0.5,
      path: "/things",
      select: ({ value }) => {
        if (value === undefined) throw new TypeError("No value");
        return value;
      },
      handler: {
        replaced: (items, deleted) =>
          this.told.push(`replaced ${JSON.stringify([...items])} deleted [${deleted}]`),
        changed: (key, item) => this.told.push(`changed ${key} ${item}`),
        deleted: (key, last) => this.told.push(`deleted ${key} ${last}`),
      },
      observer: {
        restarted: (reason) => this.told.push(`restarted ${reason}`),
        malformed: (key) => this.told.push(`malformed ${key}`),
        fellBack: () => this.told.push("fellBack"),
      },
      ...more,
    });
    await watch.run(this.controller.signal);
    return watch;
  }

  request<T>(options: RequestOptions): Promise<T> {
    const { limit: _, ...query } = options.query ?? {};
    this.seen.push(`list ${new URLSearchParams(JSON.parse(JSON.stringify(query)))}`.trim());
    const answer = this.#next();
    return answer instanceof KubeError ? Promise.reject(answer) : Promise.resolve(answer as T);
  }

  async *stream<T>(options: RequestOptions): AsyncGenerator<T> {
    this.seen.push(`watch ${options.query?.["resourceVersion"]}`);
    const answer = this.#next();
    if (answer instanceof KubeError) throw answer;
    const { lines, lastsMs, end } = answer as Stream;
    for (const line of lines) yield line as T;
    this.nowMs += lastsMs ?? 0;
    if (end === "stays") this.controller.abort();
    if (end instanceof KubeError) throw end;
  }

  #next(): Stream | KubeError | object {
    const answer = this.#answers.shift();
    if (this.#answers.length === 0) queueMicrotask(() => this.controller.abort());
    return answer ?? refused(0, "Aborted");
  }

  [Symbol.dispose](): void {}
}

const stays: Stream = { lines: [], end: "stays" };
const bookmark = (resourceVersion: string) => ({
  type: "BOOKMARK",
  object: { metadata: { resourceVersion } },
});

Deno.test("run() lists, then watches from the list's resourceVersion", async () => {
  const play = new Play(page([thing("a", 1)]), {
    lines: [
      { type: "ADDED", object: thing("b", 2, "11") },
      { type: "MODIFIED", object: thing("a", 3, "12") },
      { type: "DELETED", object: thing("a", 9, "13") },
    ],
    end: "stays",
  });
  const watch = await play.run();
  assert.deepEqual(play.seen, ["list", "watch 10"]);
  assert.deepEqual(play.told, [
    'replaced [["ns/a",1]] deleted []',
    "changed ns/b 2",
    "changed ns/a 3",
    "deleted ns/a 3",
  ]);
  assert.deepEqual([...watch.items], [["ns/b", 2]]);
  assert.equal(watch.synced, true);
  await watch.firstSync;
});

Deno.test("run() resumes after the server's time limit at once, from the last bookmark", async () => {
  const play = new Play(
    page([]),
    { lines: [bookmark("25")], lastsMs: 300_000, end: "closed" },
    stays,
  );
  const watch = await play.run();
  assert.deepEqual(play.seen, ["list", "watch 10", "watch 25"]);
  assert.deepEqual(play.waits, []);
  assert.equal(watch.restarts, 0);
});

Deno.test("run() backs off from a server that closes at once, doubling up to a bound", async () => {
  const closed: Stream = { lines: [], end: "closed" };
  const play = new Play(page([]), ...Array(8).fill(closed), stays);
  const watch = await play.run();
  assert.deepEqual(play.waits, [200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  assert.equal(watch.restarts, 8);
  assert.equal(play.told.at(-1), "restarted Closed");
});

Deno.test("run() begins the back-off anew after a watch that lasted", async () => {
  const failed = refused(0, "Unreachable");
  const lasted: Stream = { lines: [], lastsMs: 60_000, end: failed };
  const play = new Play(failed, failed, page([]), lasted, page([]), stays);
  await play.run();
  assert.deepEqual(play.waits, [200, 400, 200]);
});

Deno.test("run() goes on backing off when heads of watches time out", async () => {
  const timeout: Stream = { lines: [], lastsMs: 10_000, end: refused(0, "Timeout") };
  const play = new Play(page([]), timeout, page([]), timeout, page([]), stays);
  await play.run();
  assert.deepEqual(play.waits, [200, 400]);
});

Deno.test("run() waits as long as Retry-After says", async () => {
  const play = new Play(refused(429, "TooManyRequests", 7_000), page([]), stays);
  await play.run();
  assert.deepEqual(play.waits, [7_000]);
});

Deno.test("run() lists again at 410 and reports what was deleted meanwhile", async (t) => {
  const expired = { code: 410, reason: "Expired", message: "too old resource version" };
  const gone: Record<string, Stream | KubeError> = {
    "as an event": { lines: [{ type: "ERROR", object: expired }], end: "closed" },
    "as the answer": refused(410, "Expired"),
  };
  for (const [name, answer] of Object.entries(gone)) {
    await t.step(name, async () => {
      const play = new Play(
        page([thing("a", 1), thing("b", 2)]),
        answer,
        page([thing("b", 3)], "20"),
        stays,
      );
      await play.run();
      assert.deepEqual(play.seen, ["list", "watch 10", "list", "watch 20"]);
      assert.equal(play.told.at(-1), 'replaced [["ns/b",3]] deleted [1]');
      assert.deepEqual(play.waits, []);
    });
  }
});

Deno.test("run() does not list in a hot loop when every watch is answered 410", async () => {
  const gone = refused(410, "Expired");
  const play = new Play(page([]), gone, page([]), gone, page([]), gone, page([]), stays);
  await play.run();
  assert.deepEqual(play.waits, [400, 800]);
});

Deno.test("run() reads all pages, and starts over at 410 in the middle", async () => {
  const play = new Play(
    page([thing("a", 1)], "10", "more"),
    refused(410, "Expired"),
    page([thing("a", 1)], "11", "more2"),
    page([thing("b", 2)], "11"),
    stays,
  );
  await play.run();
  assert.deepEqual(play.seen, [
    "list",
    "list continue=more",
    "list",
    "list continue=more2",
    "watch 11",
  ]);
  assert.deepEqual(play.told, [
    "restarted Expired",
    'replaced [["ns/a",1],["ns/b",2]] deleted []',
  ]);
});

Deno.test("run() reports an object created anew under the same name as deleted first", async () => {
  const play = new Play(
    page([thing("a", 1, "1", "uid1"), thing("b", 2, "1", "uid1")]),
    {
      lines: [{ type: "MODIFIED", object: thing("a", 3, "11", "uid2") }],
      end: refused(410, "Expired"),
    },
    page([thing("a", 3, "11", "uid2"), thing("b", 4, "12", "uid2")], "20"),
    stays,
  );
  await play.run();
  assert.deepEqual(play.told.slice(1), [
    "deleted ns/a 1",
    "changed ns/a 3",
    "restarted Expired",
    'replaced [["ns/a",3],["ns/b",4]] deleted [2]',
  ]);
});

Deno.test("run() leaves out malformed objects, keeps what it knew of them, goes on", async () => {
  const broken = { metadata: { namespace: "ns", name: "a", resourceVersion: "12" } };
  const play = new Play(
    page([thing("a", 1), null, {}]),
    {
      lines: [
        { type: "MODIFIED", object: broken },
        null,
        { type: "ADDED" },
        { type: "ADDED", object: thing("b", 2, "13") },
      ],
      end: refused(410, "Expired"),
    },
    page([broken], "20"),
    stays,
  );
  await play.run();
  assert.deepEqual(play.told, [
    "malformed undefined",
    "malformed undefined",
    'replaced [["ns/a",1]] deleted []',
    "malformed ns/a",
    "malformed undefined",
    "malformed undefined",
    "changed ns/b 2",
    "restarted Expired",
    "malformed ns/a",
    'replaced [["ns/a",1]] deleted [2]',
  ]);
});

Deno.test("run() falls back to another query when the first is answered 400", async () => {
  const play = new Play(
    refused(400, "BadRequest"),
    page([thing("a", 1), thing("b", -2)]),
    { lines: [{ type: "MODIFIED", object: thing("a", -1, "11") }], end: "stays" },
  );
  const fallback = { query: {}, keep: ({ value }: Thing) => (value ?? 0) > 0 };
  await play.run({ query: { fieldSelector: "spec.type=LoadBalancer" }, fallback });
  assert.deepEqual(play.seen, ["list fieldSelector=spec.type%3DLoadBalancer", "list", "watch 10"]);
  assert.deepEqual(play.told, ["fellBack", 'replaced [["ns/a",1]] deleted []', "deleted ns/a 1"]);
});

Deno.test("run() never takes for an empty list what is no list", async () => {
  const play = new Play(
    page([thing("a", 1)]),
    refused(410, "Expired"),
    {},
    page([thing("a", 1)]),
    stays,
  );
  await play.run();
  assert.deepEqual(play.told.slice(1), [
    "restarted Expired",
    "restarted Unreadable",
    'replaced [["ns/a",1]] deleted []',
  ]);
});

Deno.test("run() resumes where it was after a silent or broken stream", async () => {
  for (const reason of ["Silent", "Unreachable"]) {
    const broken: Stream = { lines: [bookmark("30")], lastsMs: 90_000, end: refused(0, reason) };
    const play = new Play(page([]), broken, page([], "30"), stays);
    await play.run();
    assert.deepEqual(play.seen, ["list", "watch 10", "list", "watch 30"]);
    assert.equal(play.told.length, 2, "the second list was a look where the server stands");
  }
});

Deno.test("run() lists again when the server that was away stands before what was seen", async () => {
  const broken: Stream = {
    lines: [bookmark("30")],
    lastsMs: 90_000,
    end: refused(0, "Unreachable"),
  };
  const restored = [page([thing("b", 2)], "9"), page([thing("b", 2), thing("c", 3)], "29")];
  const play = new Play(page([thing("a", 1)]), broken, ...restored, stays);
  await play.run();
  assert.deepEqual(play.seen, ["list", "watch 10", "list", "list", "watch 29"]);
  assert.equal(play.told.at(-1), 'replaced [["ns/b",2],["ns/c",3]] deleted [1]');
});

Deno.test("run() rejects with an exception of its handler", async () => {
  const play = new Play(page([]), stays);
  const handler = {
    replaced() {
      throw new RangeError("bug");
    },
    changed() {},
    deleted() {},
  };
  await assert.rejects(play.run({ handler }), RangeError);
});
