import assert from "node:assert/strict";
import { ServiceProgress } from "../../lib/agent/service_progress.ts";
import { parseIp } from "../../lib/net/ip.ts";
import type { Changes } from "../../lib/services/changes.ts";
import { FakeClock } from "../doubles/fake_clock.ts";
import { view } from "../services/views.ts";

const VIP = "192.0.2.1";
const CLAIM = { ip: parseIp(VIP)!, linkIndex: 1, interface: "eth0", service: view("web") };
const NOTHING = () => false;

function setUp() {
  const clock = new FakeClock();
  const world = { mayHave: false, sees: true, renewals: 0, refreshes: 0, lists: 0 };
  const changes: (Changes | undefined)[] = [];
  let letGo = (_vips: ReadonlySet<string>) => {};
  const progress = new ServiceProgress({
    formers: {
      mayHave: () => world.mayHave,
      sees: () => world.sees,
      subscribe: (listener) => (letGo = listener, () => {}),
    },
    clock,
    policy: { loadBalancerClass: "blue", alsoClassless: false, namespaces: [] },
    renewNow: () => world.renewals++,
    refresh: () => world.refreshes++,
    relist: () => Promise.resolve(void world.lists++),
    changed: (some) => changes.push(some),
  });
  return { clock, world, changes, progress, letGo: (vips: string[]) => letGo(new Set(vips)) };
}

Deno.test("ServiceProgress lets an address wait until who had it let go, unless it is held", () => {
  const { world, changes, progress, letGo } = setUp();
  assert.equal(progress.passed([CLAIM], NOTHING).length, 1);
  world.mayHave = true;
  assert.deepEqual(progress.passed([CLAIM], NOTHING), []);
  assert.equal(progress.passed([CLAIM], (vip) => vip === VIP).length, 1);
  progress.passed([CLAIM], NOTHING);
  letGo(["192.0.2.9"]);
  assert.deepEqual(changes, []);
  letGo([VIP]);
  assert.deepEqual(changes, [{ keys: new Set(["shop/web"]), vips: new Set([VIP]) }]);
});

Deno.test("ServiceProgress says on the Lease what it carried out, at once where somebody waits", () => {
  const { world, progress } = setUp();
  assert.deepEqual(progress.carried(), {}, "what the former holder said stays");
  progress.carriedOut({ changedAt: 12, seen: 15 }, 0);
  assert.deepEqual(progress.carried(), { "classvip.io/carried-out": "12-15" });
  assert.equal(world.renewals, 0);
  progress.carriedOut({ changedAt: 16, seen: 16 }, 16);
  progress.carriedOut({ changedAt: 17, seen: 17 }, 16);
  assert.equal(world.renewals, 1);
  world.mayHave = true;
  for (let i = 0; i < 3; i++) {
    progress.passed([CLAIM], NOTHING);
    progress.carriedOut({ changedAt: 18 + i, seen: 20 }, 16);
  }
  assert.equal(world.renewals, 2, "as it waits for somebody");
  for (let i = 0; i < 100; i++) progress.carriedOut({ changedAt: 30 + i, seen: 200 }, 30 + i);
  assert.ok(world.renewals <= 12, `${world.renewals} renewals`);
  progress.end();
  assert.deepEqual(progress.carried(), {});
});

Deno.test("ServiceProgress catches up with what others have carried out before it begins", async () => {
  const { clock, world, changes, progress } = setUp();
  world.sees = false;
  progress.begin();
  assert.ok(progress.behind);
  await clock.advance(50);
  world.sees = true;
  await clock.advance(5);
  assert.deepEqual([progress.behind, changes.length, world.refreshes], [false, 1, 0]);

  world.sees = false;
  progress.begin();
  await clock.advance(99);
  assert.deepEqual([world.refreshes, world.lists], [0, 0]);
  await clock.advance(10);
  assert.deepEqual([world.refreshes, world.lists, progress.behind], [1, 0, true]);
  // A Lease says nonsense: what is listed is the truth of now.
  await clock.advance(1000);
  assert.deepEqual([world.lists, progress.behind, changes.length], [1, false, 2]);

  progress.begin();
  progress.end();
  await clock.advance(1000);
  assert.deepEqual([world.lists, changes.length, clock.waiting], [1, 2, 0]);
});
