import assert from "node:assert/strict";
import fc from "fast-check";
import { decide, type DecideInput, type Decision, sameIngress } from "../../lib/services/decide.ts";
import { AddressOwners, MOST_ADDRESSES } from "../../lib/services/address_owners.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import { type Sketch, view } from "./views.ts";

const POLICY = { loadBalancerClass: "blue", alsoClassless: false, namespaces: [] };
const A = "192.0.2.1";
const B = "192.0.2.2";

function run(services: ServiceView[], more: Partial<DecideInput> = {}): Decision {
  return decide({
    services,
    owners: new AddressOwners(services),
    policy: POLICY,
    mayHold: true,
    held: [],
    place: () => ({ linkIndex: 1, interface: "eth0" }),
    ...more,
  });
}

/** A decision as lines. */
function show({ claims, drops, statuses, refusals }: Decision) {
  return {
    claims: claims.map(({ ip, service }) => `${ip.text} ${service.name}`),
    drops: drops.map(({ vip, reason }) => `${vip}: ${reason}`),
    statuses: statuses.map(({ service, ingress }) =>
      `${service.name}: ${ingress.map(({ ip }) => ip).join()}`
    ),
    refusals: refusals.map(({ service, reason, message }) =>
      `${service.name} ${reason}: ${message}`
    ),
  };
}

const NOTHING = { claims: [], drops: [], statuses: [], refusals: [] };

Deno.test("decide() drops everything when this node is not the holder", () => {
  const decision = run([view("web", { wish: A })], { mayHold: false, held: [A, B] });
  assert.deepEqual(show(decision), {
    ...NOTHING,
    drops: [`${A}: this node is not the holder`, `${B}: this node is not the holder`],
  });
  assert.deepEqual(decision.served, []);
});

Deno.test("decide() claims what is asked for and writes the status", () => {
  const decision = run([
    view("web", { wish: `${A},${B}` }),
    view("red", { class: "red", wish: B, createdAt: "2030-01-01T00:00:00Z" }),
  ]);
  assert.deepEqual(show(decision), {
    ...NOTHING,
    claims: [`${A} web`, `${B} web`],
    statuses: [`web: ${A},${B}`],
  });
  assert.deepEqual(decision.statuses[0]?.ingress[0], { ip: A, ipMode: "VIP" });
  assert.deepEqual(decision.served.map(({ name }) => name), ["web"]);
});

Deno.test("decide() writes no status that is right already", () => {
  for (const shown of [A, { ip: A }, { ip: A, ipMode: "VIP" }]) {
    const decision = run([view("web", { wish: A, shows: [shown] })], { held: [A] });
    assert.deepEqual(show(decision), { ...NOTHING, claims: [`${A} web`] });
  }
});

Deno.test("decide() writes a status that is wrong", () => {
  const wrong: NonNullable<Sketch["shows"]>[] = [
    [],
    [B],
    [A, B],
    [{ ip: A, ipMode: "Proxy" }],
    [{ hostname: "lb.example" }],
    [{ ip: A, hostname: "lb.example" }],
  ];
  for (const shows of wrong) {
    assert.deepEqual(show(run([view("web", { wish: A, shows })])).statuses, [`web: ${A}`]);
  }
});

Deno.test("decide() says why an address goes", () => {
  const cases: [ServiceView[], string][] = [
    [[], "no Service of this instance asks for it"],
    [[view("web", { shows: [A], wish: B })], "Service shop/web does not ask for it any more"],
    [
      [view("web", { shows: [A], wish: B }), view("api", { shows: [B], wish: A })],
      "Service shop/web does not ask for it any more",
    ],
    [[view("web", { shows: [A], class: "red" })], "Service shop/web: its class is red"],
    [
      [view("web", { shows: [A], type: "ClusterIP" })],
      "Service shop/web: it is not of type LoadBalancer any more",
    ],
    [[view("web", { shows: [A], deleting: true })], "Service shop/web: it is being deleted"],
  ];
  for (const [services, reason] of cases) {
    assert.deepEqual(show(run(services, { held: [A] })).drops, [`${A}: ${reason}`]);
  }
});

Deno.test("decide() drops an address that cannot be placed any more, and takes it from the status", () => {
  const decision = run([view("web", { wish: A, shows: [A] })], {
    held: [A],
    place: () => ({ refused: "the interface is gone" }),
  });
  assert.deepEqual(show(decision), {
    claims: [],
    drops: [`${A}: the interface is gone`],
    statuses: ["web: "],
    refusals: [`web AddressRefused: ${A} (classvip.io/addresses): the interface is gone`],
  });
});

Deno.test("decide() serves both families, in the order that the Service asks in", () => {
  const [six, same] = ["2001:db8::1", "2001:DB8:0::1"];
  const decision = run([view("web", { wish: `${same},${A}` })]);
  assert.deepEqual(show(decision), {
    ...NOTHING,
    claims: [`${six} web`, `${A} web`],
    statuses: [`web: ${six},${A}`],
  });
  const shown = run([view("web", { wish: `${six},${A}`, shows: [six, A] })], { held: [six, A] });
  assert.deepEqual(show(shown).statuses, [], "it says so already");
  const lost = run([view("web", { wish: A, shows: [six, A] })], { held: [six, A] });
  assert.deepEqual(show(lost), {
    ...NOTHING,
    claims: [`${A} web`],
    drops: [`${six}: Service shop/web does not ask for it any more`],
    statuses: [`web: ${A}`],
  });
});

Deno.test("decide() gives an IPv6 address to one Service, however it is written", () => {
  const decision = run([
    view("old", { wish: "2001:db8::1", createdAt: "2026-01-01T00:00:00Z" }),
    view("young", { wish: "2001:db8:0:0::1", createdAt: "2026-01-02T00:00:00Z" }),
  ]);
  assert.deepEqual(show(decision).claims, ["2001:db8::1 old"]);
  assert.match(show(decision).refusals.join(), /^young AddressRefused: .*old .* has it already/);
});

Deno.test("decide() refuses what no VIP can be, and says why", () => {
  const cases: [string, RegExp][] = [
    ["192.0.2.300", /it is not an IP address/],
    ["192.0.2.0/24", /it is not an IP address/],
    ["web.example", /it is not an IP address/],
    ["2001:db8::1/64", /it is not an IP address/],
    ["127.0.0.1", /it is a loopback address/],
    ["224.0.0.1", /it is a multicast address/],
    ["0.0.0.0", /it is the unspecified address/],
    ["::", /it is the unspecified address/],
    ["::1", /it is a loopback address/],
    ["fe80::7", /it is a link-local address/],
    ["ff02::1", /it is a multicast address/],
    ["::ffff:192.0.2.1", /it is an IPv4 address written as IPv6/],
  ];
  for (const [wish, message] of cases) {
    const { refusals, claims, statuses } = run([view("web", { wish })]);
    assert.equal(refusals[0]?.reason, "AddressRefused");
    assert.match(refusals[0]?.message ?? "", message);
    assert.deepEqual([refusals.length, claims, statuses], [1, [], []]);
  }
});

Deno.test("decide() serves the addresses of a Service that are right", () => {
  const { claims, statuses, refusals } = show(run([view("web", { wish: `oops,${A}` })]));
  assert.deepEqual([claims, statuses, refusals.length], [[`${A} web`], [`web: ${A}`], 1]);
});

Deno.test("decide() says that no address is asked for, or a setting is not followed", () => {
  const annotations = { "kube-vip.io/leaseName": "x" };
  const { refusals } = run([view("web"), view("old", { wish: A, annotations })]);
  assert.deepEqual(refusals.map(({ service, reason }) => [service.name, reason]), [
    ["web", "NoAddress"],
    ["old", "SettingIgnored"],
  ]);
});

Deno.test("decide() gives an address to the Service whose status shows it, else to the older", () => {
  const older = { wish: A, createdAt: "2026-01-01T00:00:00Z" };
  const younger = { wish: A, createdAt: "2026-01-01T00:00:01Z" };
  const cases: [Sketch, Sketch, string][] = [
    [older, younger, "one"],
    [younger, older, "two"],
    [older, { ...younger, shows: [A] }, "two"],
    [{ ...older, shows: [A] }, { ...younger, shows: [A] }, "one"],
    [{ ...older, uid: "2" }, { ...older, uid: "1" }, "two"],
  ];
  for (const [one, two, winner] of cases) {
    const services = [view("one", one), view("two", two)];
    const loser = winner === "one" ? "two" : "one";
    for (const order of [services, services.toReversed()]) {
      const { claims, refusals } = show(run(order));
      assert.deepEqual(claims, [`${A} ${winner}`]);
      assert.deepEqual(refusals, [
        `${loser} AddressRefused: ${A} (classvip.io/addresses): ` +
        `Service shop/${winner} of the same class has it already`,
      ]);
    }
  }
});

Deno.test("decide() leaves an address alone that a Service of another class shows", () => {
  const decision = show(run([view("web", { wish: A }), view("red", { class: "red", shows: [A] })]));
  assert.deepEqual(decision.claims, []);
  assert.match(
    decision.refusals[0] ?? "",
    /^web AddressAskedTwice: .*Service shop\/red of class red has it already/,
  );
  const leaving = [
    { class: "red", shows: [A], deleting: true },
    { class: "red", shows: [A], type: "ClusterIP" },
    { class: "red", wish: A, createdAt: "2030-01-01T00:00:00Z" },
  ];
  for (const sketch of leaving) {
    assert.deepEqual(show(run([view("web", { wish: A }), view("red", sketch)])).claims, [
      `${A} web`,
    ]);
  }
});

Deno.test("decide() clears the status of its class, never that of a Service without a class", () => {
  const policy = { ...POLICY, alsoClassless: true };
  const shows = [{ hostname: "lb.example" }];
  const sketches: [Sketch, string[]][] = [
    [{ shows }, ["web: "]],
    [{ shows, wish: "oops" }, ["web: "]],
    [{ class: undefined, shows }, []],
    [{ class: undefined, shows, wish: "oops" }, []],
    [{ class: undefined, shows: ["127.0.0.1"], wish: "127.0.0.1" }, []],
    [{ class: undefined, shows, wish: A }, [`web: ${A}`]],
  ];
  for (const [sketch, statuses] of sketches) {
    assert.deepEqual(show(run([view("web", sketch)], { policy })).statuses, statuses);
  }
});

Deno.test("decide() passes the wished interface on", () => {
  const asked: (string | undefined)[] = [];
  const annotations = { "classvip.io/interface": "eth1" };
  run([view("web", { wish: A, annotations }), view("api", { wish: B })], {
    place: (_, wished) => {
      asked.push(wished);
      return { linkIndex: 2, interface: "eth1" };
    },
  });
  assert.deepEqual(asked, ["eth1", undefined]);
});

const anything: fc.Arbitrary<Sketch> = fc.record({
  class: fc.constantFrom("blue", "red", undefined),
  type: fc.constantFrom("LoadBalancer", "ClusterIP"),
  wish: fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom("192.0.2.11", "192.0.2.12", "oops", "::1")).map((l) => l.join()),
  ),
  shows: fc.array(fc.constantFrom("192.0.2.11", "192.0.2.12", { hostname: "x" })),
  deleting: fc.boolean(),
}, { requiredKeys: [] });

Deno.test("decide() decides on a sound Service alike, whatever else there is", () => {
  const property = fc.property(fc.array(anything), fc.nat(10), (others, at) => {
    const sound = view("sound", { wish: A });
    const views = others.map((sketch, i) => view(`other-${i}`, sketch));
    const { claims, statuses, refusals } = run(views.toSpliced(at, 0, sound));
    assert.equal(claims.filter(({ service }) => service === sound).length, 1);
    assert.equal(statuses.filter(({ service }) => service === sound).length, 1);
    assert.equal(refusals.filter(({ service }) => service === sound).length, 0);
  });
  fc.assert(property);
});

Deno.test("decide() claims each address once, drops none of them, on every node alike", () => {
  const property = fc.property(
    fc.array(anything),
    fc.array(fc.constantFrom("192.0.2.11", "192.0.2.12", "192.0.2.13")),
    (sketches, held) => {
      const views = sketches.map((sketch, i) => view(`s${i}`, sketch));
      const decision = run(views, { held: new Set(held) });
      const claimed = decision.claims.map(({ ip }) => ip.text);
      assert.equal(new Set(claimed).size, claimed.length);
      for (const { vip } of decision.drops) assert.ok(!claimed.includes(vip));
      for (const vip of held) {
        assert.ok(claimed.includes(vip) !== decision.drops.some((drop) => drop.vip === vip));
      }
      for (const { service, ingress } of decision.statuses) {
        assert.ok(!sameIngress(service.ingress, ingress));
      }
      const again = show(run(views.toReversed(), { held: new Set(held) }));
      assert.deepEqual(again.claims.sort(), show(decision).claims.sort());
    },
  );
  fc.assert(property);
});

Deno.test("decide() gives an address that two classes ask for to the older Service, on both sides", () => {
  const services = [
    view("web", { wish: A, createdAt: "2026-01-02T00:00:00Z" }),
    view("red", { class: "red", wish: A, createdAt: "2026-01-01T00:00:00Z" }),
  ];
  assert.deepEqual(show(run(services)).claims, []);
  const red = run(services, { policy: { ...POLICY, loadBalancerClass: "red" } });
  assert.deepEqual(show(red).claims, [`${A} red`]);
});

Deno.test("decide() refuses a Service that asks for too many addresses, and nobody else", () => {
  const many = Array.from({ length: MOST_ADDRESSES + 1 }, (_, i) => `192.0.2.${100 + i}`).join(",");
  const decision = show(run([view("many", { wish: many }), view("web", { wish: A })]));
  assert.deepEqual(decision.claims, [`${A} web`]);
  assert.match(decision.refusals[0] ?? "", /17 addresses are asked for .* at most 16 are right/);
});

Deno.test("decide() gives no address that the pools object to, however it is asked for", () => {
  const pools = {
    allocates: true,
    intendedFor: () => undefined,
    objection: (_: ServiceView, { text }: { text: string }) =>
      text === A ? "the pool of green has it" : undefined,
    refusedElsewhere: () => false,
    gave: () => false,
  };
  assert.deepEqual(show(run([view("web", { wish: `${A},${B}` })], { pools })), {
    ...NOTHING,
    claims: [`${B} web`],
    statuses: [`web: ${B}`],
    refusals: [`web AddressRefused: ${A} (classvip.io/addresses): the pool of green has it`],
  });
});

Deno.test("decide() gives an address to the oldest who may have it: a wish in vain keeps nobody from it", () => {
  const at = (day: number) => `2026-01-0${day}T00:00:00Z`;
  const pools = {
    allocates: true,
    intendedFor: () => undefined,
    objection: ({ namespace }: ServiceView) => namespace === "dev" ? "it is for shop" : undefined,
    refusedElsewhere: ({ loadBalancerClass }: ServiceView) => loadBalancerClass === "red",
    gave: () => false,
  };
  const vain = [
    view("red", { class: "red", wish: A, createdAt: at(1) }),
    view("dev", { namespace: "dev", wish: A, createdAt: at(2) }),
  ];
  const web = view("web", { wish: A, createdAt: at(4) });
  assert.deepEqual(show(run([...vain, web], { pools })), {
    ...NOTHING,
    claims: [`${A} web`],
    statuses: [`web: ${A}`],
    refusals: [`dev AddressRefused: ${A} (classvip.io/addresses): it is for shop`],
  });
  const green = view("green", { class: "green", wish: A, createdAt: at(3) });
  assert.deepEqual(show(run([...vain, web, green], { pools })).claims, [], "an older one that may");
  const inside = { ...view("inside", { class: "red" }), clusterIps: [A] };
  assert.deepEqual(show(run([...vain, web, inside], { pools })).claims, [], "the cluster has it");
  const shown = view("shown", { class: "red", wish: A, shows: [A], createdAt: at(9) });
  const decision = show(run([...vain, web, shown], { pools }));
  assert.deepEqual(decision.claims, [], "who shows it has it");
  assert.match(
    decision.refusals.join("\n"),
    /dev AddressAskedTwice: .*it is for shop, and Service shop\/shown of class red has it already/,
  );
});

Deno.test("decide() lets wait what is beyond the limits, and says so", () => {
  const policy = { ...POLICY, maxVips: 1 };
  const services = [view("old", { wish: A, shows: [A] }), view("new", { wish: B })];
  assert.deepEqual(show(run(services, { policy })), {
    ...NOTHING,
    claims: [`${A} old`],
    refusals: [`new LimitReached: ${B} (classvip.io/addresses) waits for room: maxVips is 1`],
  });
});

Deno.test("decide() refuses the cluster IP of any Service, its own too", () => {
  const own = { ...view("own", { wish: A }), clusterIps: [A] };
  const web = view("web", { wish: B });
  const other = { ...view("other", { class: "green" }), clusterIps: [B] };
  const decision = run([own, web], { owners: new AddressOwners([own, web, other]) });
  assert.deepEqual(show(decision), {
    ...NOTHING,
    refusals: [
      `own AddressRefused: ${A} (classvip.io/addresses): it is the cluster IP of Service shop/own`,
      `web AddressRefused: ${B} (classvip.io/addresses): it is the cluster IP of Service shop/other`,
    ],
  });
});
