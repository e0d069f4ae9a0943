import assert from "node:assert/strict";
import fc from "fast-check";
import { type IpAddress, parseIp } from "../../lib/net/ip.ts";
import { objectionTo } from "../../lib/pools/objection.ts";
import { Pool } from "../../lib/pools/pool.ts";
import { valueOf } from "../../lib/pools/range.ts";
import { AddressOwners } from "../../lib/services/address_owners.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import { sharingConflict } from "../../lib/services/sharing.ts";
import { given, is, pool, type PoolSketch, run, viewOf } from "./parts.ts";

const POOL = pool("10.0.0.1-10.0.0.3");
const KEY = { "classvip.io/sharing-key": "k" };
const ports = (...numbers: number[]) => ({ ports: numbers.map((port) => ({ port })) });

Deno.test("allocate() serves the oldest first, then by key", () => {
  const services = [
    viewOf("c", { createdAt: "2026-01-02T00:00:00Z" }),
    viewOf("b", { createdAt: "2026-01-01T00:00:00Z" }),
    viewOf("a", { createdAt: "2026-01-02T00:00:00Z" }),
    viewOf("d", { createdAt: "2026-01-03T00:00:00Z" }),
  ];
  const allocation = run(services, [POOL]);
  assert.deepEqual(given(allocation), { b: "10.0.0.1", a: "10.0.0.2", c: "10.0.0.3", d: "" });
  assert.deepEqual(
    allocation.refusals.map(({ service, reason, message }) => [service.name, reason, message]),
    [[
      "d",
      "AllocationFailed",
      "No free IPv4 address in pool 10.0.0.1-10.0.0.3: it waits for one",
    ]],
  );
});

Deno.test("allocate() keeps no address for who is beyond the limits", () => {
  const services = [
    viewOf("shows", { shows: ["10.0.0.1"] }),
    viewOf("gets"),
    viewOf("waits"),
    viewOf("joins", { annotations: KEY, spec: ports(443) }),
    viewOf("shares", { annotations: KEY, spec: ports(80), shows: ["10.0.0.9"] }),
    viewOf("other", { namespace: "dev", createdAt: "2026-02-01T00:00:00Z" }),
  ];
  const limits = { maxVips: 0, maxVipsPerNamespace: 3 };
  const ofOne = run(services, [pool("10.0.0.1-10.0.0.3,10.0.0.9")], { limits });
  assert.deepEqual(given(ofOne), {
    shows: "10.0.0.1",
    gets: "10.0.0.2",
    waits: "",
    joins: "10.0.0.9",
    shares: "10.0.0.9",
    other: "10.0.0.3",
  });
  assert.deepEqual(
    ofOne.refusals.map(({ service, reason, message }) => [service.name, reason, message]),
    [[
      "waits",
      "LimitReached",
      "An address from its pool waits for room: maxVipsPerNamespace is 3",
    ]],
  );
  const theirs = viewOf("theirs", { class: undefined, shows: ["203.0.113.9"] });
  const besides = run([theirs, viewOf("gets")], [POOL], {
    limits: { maxVips: 1, maxVipsPerNamespace: 0 },
  });
  assert.deepEqual(given(besides), { gets: "10.0.0.1" }, "another controller's takes no room");
  const intents = new Map([["uid-waits", { key: "shop/waits", addresses: ["10.0.0.3"] }]]);
  const being = run(services, [POOL], { limits, intents });
  assert.equal(given(being)["gets"], "", "what is being given out takes room");
  const ofAll = run(services, [pool("10.0.0.2,10.0.0.9")], {
    limits: { maxVips: 2, maxVipsPerNamespace: 0 },
  });
  assert.deepEqual([...ofAll.proposals.keys()], ["uid-joins"], "to join takes no room");
});

Deno.test("allocate() gives one family where the limits have room for one, unless both are required", () => {
  const both = (familyPolicy: string) => ({
    spec: { ipFamilyPolicy: familyPolicy, ipFamilies: ["IPv4", "IPv6"] },
  });
  const limits = { maxVips: 1, maxVipsPerNamespace: 0 };
  const pools = [pool("10.0.0.1-10.0.0.3,fd00::1-fd00::3")];
  const prefers = run([viewOf("web", both("PreferDualStack"))], pools, { limits });
  assert.deepEqual(given(prefers), { web: "10.0.0.1" });
  const requires = run([viewOf("web", both("RequireDualStack"))], pools, { limits });
  assert.deepEqual(given(requires), { web: "" });
  for (const { refusals } of [prefers, requires]) {
    assert.deepEqual(refusals.map(({ reason }) => reason), ["LimitReached"]);
  }
});

Deno.test("allocate() leaves what is shown, wished for, or being given to others", () => {
  const others = [
    viewOf("shows", { class: "other", shows: ["10.0.0.1"] }),
    viewOf("wishes", { wish: "10.0.0.2" }),
  ];
  const mine = [others[1]!, viewOf("web")];
  const owners = new AddressOwners([...others, mine[1]!]);
  assert.deepEqual(given(run(mine, [POOL], { owners })), { web: "10.0.0.3" });
  const intents = new Map([["uid-gone", { key: "shop/gone", addresses: ["10.0.0.3"] }]]);
  assert.deepEqual(given(run(mine, [POOL], { owners, intents })), { web: "" });
});

Deno.test("allocate() gives a Service what it is being given, and nothing else", () => {
  const intents = new Map([["uid-web", { key: "shop/web", addresses: ["10.0.0.3"] }]]);
  const allocation = run([viewOf("web"), viewOf("api")], [POOL], { intents });
  assert.deepEqual(given(allocation), { web: "10.0.0.3", api: "10.0.0.1" });
  assert.deepEqual([...allocation.proposals.keys()], ["uid-api"]);
});

Deno.test("allocate() lets a Service keep what no pool has any more, and says so", () => {
  const services = [viewOf("web", { shows: ["10.9.9.9"] }), viewOf("api")];
  const allocation = run(services, [POOL]);
  assert.deepEqual(given(allocation), { web: "10.9.9.9", api: "10.0.0.1" });
  assert.deepEqual(allocation.outside.map(({ vip }) => vip), ["10.9.9.9"]);
});

Deno.test("allocate() says what is kept outside the pools for who asked for it, and in use alone", () => {
  const services = [
    viewOf("uses", { wish: "10.9.9.1", shows: ["10.9.9.1"] }),
    viewOf("wishes", { wish: "10.9.9.2" }),
    viewOf("moves", { wish: "10.0.0.1", shows: ["10.9.9.3"] }),
    viewOf("plain", { class: undefined, wish: "10.9.9.4", shows: ["10.9.9.4"] }),
    viewOf("rival", { wish: "10.9.9.1", shows: ["10.9.9.1"], createdAt: "2026-02-01T00:00:00Z" }),
  ];
  const outside = run(services, [POOL]).outside.map(({ service, vip }) => [service.name, vip]);
  assert.deepEqual(outside, [["uses", "10.9.9.1"]]);
  const limits = { maxVips: 1, maxVipsPerNamespace: 0 };
  const full = run([services[0]!, viewOf("web")], [POOL], { limits });
  assert.deepEqual(given(full), { web: "" }, "what is kept takes room");
});

Deno.test("allocate() says why there is no pool where there should be one", () => {
  const { refusals } = run([viewOf("waits")], [], { lack: "the ConfigMap a/b has no pool" });
  assert.deepEqual(refusals.map(({ reason, message }) => [reason, message]), [[
    "NoPool",
    "No pool gives it an address: the ConfigMap a/b has no pool",
  ]]);
});

Deno.test("allocate() keeps no address for a wish that nobody would grant", () => {
  const refused: Record<string, PoolSketch> = {
    deleting: { wish: "10.0.0.1", deleting: true },
    ignored: { wish: "10.0.0.1", annotations: { "classvip.io/ignore": "true" } },
    "of a class that nobody serves": { wish: "10.0.0.1", class: "nobody's" },
    "outside the pool's namespaces": { wish: "10.0.0.1", namespace: "dev" },
    "where it cannot be": {
      wish: "10.0.0.1",
      annotations: { "classvip.io/interface": "none" },
    },
  };
  const pools = [pool("10.0.0.1", { namespaces: ["shop"] })];
  const more = {
    objection: (service: ServiceView, ip: IpAddress) =>
      objectionTo(service, ip, { pools, foreign: [] }),
    mayGrant: (service: ServiceView) => service.loadBalancerClass === "green",
    unusable: (_: IpAddress, wished: string | undefined) =>
      wished === "none" ? "there is no interface none" : undefined,
  };
  const get = (sketch: PoolSketch) => {
    const [web, other] = [viewOf("web"), viewOf("other", sketch)];
    const isMine = other.loadBalancerClass === "blue" && !other.deleting && !other.ignored;
    const owners = new AddressOwners([web, other]);
    return given(run(isMine ? [other, web] : [web], pools, { ...more, owners }))["web"];
  };
  for (const [what, sketch] of Object.entries(refused)) {
    assert.equal(get(sketch), "10.0.0.1", what);
    assert.equal(get({ ...sketch, shows: ["10.0.0.1"] }), "", `${what}, in use`);
  }
  assert.equal(get({ wish: "10.0.0.1" }), "", "one that is granted here");
  assert.equal(get({ wish: "10.0.0.1", class: "green" }), "", "one that may be granted elsewhere");
});

Deno.test("allocate() keeps no more addresses for wishes than the limits let them have", () => {
  const wishes = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((wish, i) =>
    viewOf(`wish${i}`, { wish, namespace: "greedy", createdAt: `2026-01-0${i + 1}T00:00:00Z` })
  );
  const services = [...wishes.toReversed(), viewOf("web")];
  const limits = { maxVips: 0, maxVipsPerNamespace: 1 };
  assert.deepEqual(given(run(services, [POOL], { limits })), { web: "10.0.0.2" });
  const one = viewOf("wish0", { wish: "10.0.0.1", namespace: "greedy", shows: ["10.0.0.1"] });
  const next = viewOf("wish1", { wish: "10.0.0.2", namespace: "greedy" });
  const used = run([one, next, viewOf("web")], [POOL], { limits });
  assert.equal(given(used)["web"], "10.0.0.2", "what is in use comes first");
});

Deno.test("allocate() leaves a Service without a class to who wrote its status", () => {
  const theirs = viewOf("web", { class: undefined, shows: ["203.0.113.9"] });
  const ours = viewOf("api", { class: undefined, shows: ["10.0.0.2"] });
  const allocation = run([theirs, ours], [POOL]);
  assert.deepEqual(given(allocation), { api: "10.0.0.2" });
  assert.deepEqual(allocation.refusals.map(({ service }) => service.name), ["web"]);
});

Deno.test("allocate() gives the one that came later a new address where two show the same", () => {
  const services = [
    viewOf("web", { shows: ["10.0.0.1"], createdAt: "2026-01-01T00:00:00Z" }),
    viewOf("api", { shows: ["10.0.0.1"], createdAt: "2026-01-02T00:00:00Z" }),
  ];
  assert.deepEqual(given(run(services, [POOL])), { web: "10.0.0.1", api: "10.0.0.2" });
});

Deno.test("allocate() takes from pools that are for the Service, the first with an address", () => {
  const pools = [
    pool("10.1.0.1", { name: "manual", autoAssign: false }),
    pool("10.2.0.1", { name: "ops", namespaces: ["ops"] }),
    pool("10.3.0.1", { name: "web", serviceSelector: [is("tier", "web")] }),
    pool("10.4.0.1", { name: "all", exceptNamespaces: ["ops"] }),
  ];
  const services = [
    viewOf("a", { namespace: "ops" }),
    viewOf("b", { labels: { tier: "web" } }),
    viewOf("c"),
    viewOf("d", { annotations: { "classvip.io/pool": "manual" } }),
    viewOf("e", { annotations: { "classvip.io/pool": "no-such" } }),
    viewOf("f", { namespace: "ops", annotations: { "classvip.io/pool": "all" } }),
  ];
  const allocation = run(services, pools);
  assert.deepEqual(given(allocation), {
    a: "10.2.0.1",
    b: "10.3.0.1",
    c: "10.4.0.1",
    d: "10.1.0.1",
    e: "",
    f: "",
  });
  assert.deepEqual(allocation.refusals.map(({ reason, message }) => `${reason}: ${message}`), [
    "NoPool: Pool all is not for namespace ops, which has its own",
    "NoPool: There is no pool no-such (classvip.io/pool), this instance has: manual, ops, web, all",
  ]);
});

Deno.test("allocate() takes from a pool whose selectors fit the labels of Service and namespace", () => {
  const { spec } = pool("10.0.0.0/24", {
    name: "web",
    serviceSelector: [is("tier", "web")],
    namespaceSelector: [is("team", "shop"), is("stage", "prod")],
  });
  const namespaces: Record<string, Record<string, string>> = {
    a: { team: "shop", stage: "prod", more: "x" },
    b: { team: "shop", stage: "test" },
  };
  const pools = [new Pool(spec, (name) => namespaces[name] ?? {})];
  const labels = { tier: "web" };
  const allocation = run([
    viewOf("fits", { namespace: "a", labels }),
    viewOf("plain", { namespace: "a" }),
    viewOf("elsewhere", { namespace: "b", labels }),
    viewOf("nowhere", { namespace: "c", labels }),
  ], pools);
  assert.deepEqual(given(allocation), {
    fits: "10.0.0.0",
    plain: "",
    elsewhere: "",
    nowhere: "",
  });
  assert.deepEqual(allocation.refusals.map(({ message }) => /\((.*)\)/.exec(message)![1]), [
    "pool web is for Services with tier=web",
    "pool web is for namespaces with stage=prod",
    "pool web is for namespaces with team=shop",
  ]);
});

Deno.test("allocate() gives one of each family, the preferred one first", () => {
  const pools = [pool("10.0.0.1-10.0.0.9,fd00::/64")];
  const dual = (policy: string, ...ipFamilies: string[]) => ({
    spec: { ipFamilyPolicy: policy, ipFamilies },
  });
  const services = [
    viewOf("a", dual("RequireDualStack", "IPv6", "IPv4")),
    viewOf("b", dual("PreferDualStack", "IPv4", "IPv6")),
    viewOf("c", dual("SingleStack", "IPv6")),
    viewOf("d", dual("PreferDualStack", "IPv4")),
    viewOf("e", dual("RequireDualStack")),
  ];
  assert.deepEqual(given(run(services, pools)), {
    a: "fd00::,10.0.0.1",
    b: "10.0.0.2,fd00::1",
    c: "fd00::2",
    d: "10.0.0.3",
    e: "10.0.0.4,fd00::3",
  });
});

Deno.test("allocate() gives both or none where both are required, else what there is", () => {
  const dual = (policy: string) => ({
    spec: { ipFamilyPolicy: policy, ipFamilies: ["IPv4", "IPv6"] },
  });
  const services = [viewOf("a", dual("RequireDualStack")), viewOf("b", dual("PreferDualStack"))];
  const one = run(services, [POOL]);
  assert.deepEqual(given(one), { a: "", b: "10.0.0.1" });
  assert.deepEqual(one.refusals.map(({ service }) => service.name), ["a"], "b lacks nothing");

  // The other family comes as soon as there is one.
  const had = viewOf("b", { ...dual("PreferDualStack"), shows: ["10.0.0.1"] });
  const later = run([had], [POOL, pool("fd00::1")]);
  assert.deepEqual(given(later), { b: "10.0.0.1,fd00::1" });
  assert.deepEqual(later.proposals.get("uid-b")?.addresses, ["fd00::1"]);
});

Deno.test("allocate() puts Services with one key on one address as far as their ports allow", () => {
  const services = [
    viewOf("a", { annotations: KEY, spec: ports(80) }),
    viewOf("b", { annotations: KEY, spec: ports(443) }),
    viewOf("c", { annotations: KEY, spec: ports(80) }),
    viewOf("d", { annotations: KEY, spec: { ports: [{ port: 80, protocol: "UDP" }] } }),
    viewOf("e", { spec: ports(8080) }),
  ];
  assert.deepEqual(given(run(services, [POOL])), {
    a: "10.0.0.1",
    b: "10.0.0.1",
    c: "10.0.0.2",
    d: "10.0.0.1",
    e: "10.0.0.3",
  });
});

Deno.test("allocate() shares with local traffic only among the same pods", () => {
  const local = (port: number, app: string) => ({
    annotations: KEY,
    spec: { ...ports(port), externalTrafficPolicy: "Local", selector: { app } },
  });
  const services = [
    viewOf("a", local(80, "x")),
    viewOf("b", local(81, "x")),
    viewOf("c", local(82, "y")),
    viewOf("d", { annotations: KEY, spec: ports(83) }),
  ];
  assert.deepEqual(given(run(services, [POOL])), {
    a: "10.0.0.1",
    b: "10.0.0.1",
    c: "10.0.0.2",
    d: "10.0.0.3",
  });
});

Deno.test("allocate() passes over addresses that cannot be announced here", () => {
  const unusable = ({ text }: { text: string }) =>
    text === "10.0.0.2" ? undefined : "it is the node's own";
  const allocation = run([viewOf("a"), viewOf("b")], [POOL], { unusable });
  assert.deepEqual(given(allocation), { a: "10.0.0.2", b: "" });
  assert.match(allocation.refusals[0]!.message, /\(10\.0\.0\.1: it is the node's own\)/);
});

Deno.test("allocate() gives from the end where that is asked for", () => {
  const services = [viewOf("a"), viewOf("b")];
  const allocation = run(services, [pool("10.0.0.1-10.0.0.3", { descending: true })]);
  assert.deepEqual(given(allocation), { a: "10.0.0.3", b: "10.0.0.2" });
});

Deno.test("allocate() proposes no more than there is room for", () => {
  const services = ["a", "b", "c"].map((name) => viewOf(name));
  const allocation = run(services, [POOL], { room: 2 });
  assert.equal(allocation.proposals.size, 2);
  assert.deepEqual(allocation.refusals, []);
});

Deno.test("allocate() looks at each address once, however many are used and wanted", () => {
  const services = Array.from(
    { length: 10_000 },
    (_, i) => viewOf(`s${i}`, { shows: [`10.0.${i >> 8}.${i & 255}`] }),
  );
  const owners = new AddressOwners(services);
  let looks = 0;
  const counting = {
    owner: (vip: string) => owners.owner(vip),
    naming: (vip: string) => (looks++, owners.naming(vip)),
  };
  const wanting = Array.from({ length: 100 }, (_, i) => viewOf(`new${i}`));
  const allocation = run([...services, ...wanting], [pool("10.0.0.0/8,fd00::/64")], {
    owners: counting,
  });
  assert.equal(allocation.given.get("uid-new0")?.[0], "10.0.39.16");
  assert.equal(allocation.proposals.size, 100);
  assert.ok(looks < 10_500, `${looks}`);
});

Deno.test("allocate() keeps its word for any Services", () => {
  const vip = fc.integer({ min: 1, max: 6 }).map((host) => `10.0.0.${host}`);
  const sketch = fc.record({
    shows: fc.array(vip, { maxLength: 1 }),
    wish: fc.option(vip, { nil: undefined }),
    class: fc.constantFrom("blue", "blue", "blue", "other"),
    key: fc.constantFrom(undefined, undefined, "k", "l"),
    port: fc.integer({ min: 80, max: 82 }),
    createdAt: fc.integer({ min: 1, max: 3 }).map((day) => `2026-01-0${day}T00:00:00Z`),
  });
  const intended = fc.array(vip, { maxLength: 2 });
  fc.assert(
    fc.property(fc.array(sketch, { maxLength: 9 }), intended, (sketches, vips) => {
      const all = sketches.map(({ wish, key, port, ...rest }, i) =>
        viewOf(`s${i}`, {
          ...rest,
          ...(wish && { wish }),
          ...(key && { annotations: { "classvip.io/sharing-key": key } }),
          spec: ports(port),
        })
      );
      const mine = all.filter((one) => one.loadBalancerClass === "blue");
      const intents = new Map(
        [...new Set(vips)].map((vip, i) => [`uid-late${i}`, { key: "", addresses: [vip] }]),
      );
      const allocation = run(mine, [pool("10.0.0.1-10.0.0.5")], {
        owners: new AddressOwners(all),
        intents,
      });
      const byUid = new Map(mine.map((one) => [one.uid, one]));
      for (const [uid, { addresses }] of allocation.proposals) {
        const service = byUid.get(uid)!;
        assert.deepEqual(service.wished, []);
        for (const vip of addresses) {
          assert.ok(parseIp(vip) && vip !== "10.0.0.6", "from the pool");
          assert.ok(!vips.includes(vip), "not what is being given to another");
          for (const other of all) {
            if (other === service) continue;
            const has = [
              ...other.ingress.map(({ ip }) => ip),
              ...other.wished,
              ...allocation.proposals.get(other.uid)?.addresses ?? [],
            ];
            // One of its siblings may show it and not get to keep it: then it is not a sibling's.
            if (has.includes(vip) && allocation.given.get(other.uid)?.includes(vip)) {
              assert.equal(sharingConflict(service, other), undefined, `${vip} twice`);
            }
          }
        }
      }
      // Nobody waits while there is something free.
      const used = new Set([
        ...vips,
        ...all.flatMap(({ wished, ingress }) => [...wished, ...ingress.map(({ ip }) => ip!)]),
        ...[...allocation.given.values()].flat(),
      ]);
      const free = [1, 2, 3, 4, 5].some((host) => !used.has(`10.0.0.${host}`));
      const waits = [...allocation.given.values()].some((vips) => vips.length === 0);
      assert.ok(!(free && waits));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("allocate() gives out nothing that is another instance's, and keeps what is given", () => {
  const services = [viewOf("has", { shows: ["10.0.0.1"] }), viewOf("wants"), viewOf("late")];
  const foreign = [{
    family: 4,
    first: valueOf(parseIp("10.0.0.1")!),
    last: valueOf(parseIp("10.0.0.2")!),
  }] as const;
  const allocation = run(services, [POOL], { foreign });
  assert.deepEqual(given(allocation), { has: "10.0.0.1", late: "10.0.0.3", wants: "" });
});
