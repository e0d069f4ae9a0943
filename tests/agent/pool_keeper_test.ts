import assert from "node:assert/strict";
import { createMetrics } from "../../lib/observe/metrics.ts";
import type { PoolsInUse } from "../../lib/agent/pool_keeper.ts";
import type { Pool } from "../../lib/pools/pool.ts";
import type { IpAddress } from "../../lib/net/ip.ts";
import { AddressOwners } from "../../lib/services/address_owners.ts";
import { decide } from "../../lib/services/decide.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import { keepingLogger } from "../doubles/keeping_logger.ts";
import { poolKeeper } from "../doubles/pool_keeper.ts";
import { pool, viewOf } from "../pools/parts.ts";

/** What an instance with these pools announces and refuses. */
function look(
  services: readonly ServiceView[],
  pools: readonly Pool[] | undefined,
  elsewhere: readonly (readonly [vip: string, uid: string])[] = [],
  more: Partial<PoolsInUse> = {},
) {
  const keeper = poolKeeper({
    expected: pools?.length !== 0,
    pools,
    foreign: [{ instance: "green", pool: pool("10.1.0.0/24") }],
    intendedElsewhere: () => new Map(elsewhere),
    grants: () => ({ mayGrant: () => false, refuses: () => false }),
    ...more,
  }, {
    metrics: createMetrics({ version: "1" }).instance("blue", "blue"),
    logger: keepingLogger(),
  });
  const owners = new AddressOwners(services);
  const place = () => ({ linkIndex: 1, interface: "eth0" });
  const seen = keeper.look(services, owners, place);
  const decision = decide({
    services: seen.services,
    owners,
    policy: { loadBalancerClass: "blue", alsoClassless: true, namespaces: [] },
    mayHold: true,
    held: [],
    place,
    pools: seen.rules,
  });
  return {
    claims: decision.claims.map(({ ip }) => ip.text),
    statuses: decision.statuses.map(({ service }) => service.name),
    refusals: [...decision.refusals, ...seen.refusals].map(({ service, reason }) =>
      `${service.name} ${reason}`
    ),
    messages: [...decision.refusals, ...seen.refusals].map(({ message }) => message),
    usage: keeper.usage(),
  };
}

/** The same without texts and figures. */
function outcome(...args: Parameters<typeof look>) {
  const { claims, statuses, refusals } = look(...args);
  return { claims, statuses, refusals };
}

Deno.test("PoolKeeper keeps what a Service asked for and uses when no pool has it any more", () => {
  const services = [
    viewOf("uses", { wish: "10.9.9.1", shows: ["10.9.9.1"] }),
    viewOf("other", { wish: "10.1.0.1", shows: ["10.1.0.1"] }),
    viewOf("late", { wish: "10.9.9.2" }),
    viewOf("moves", { wish: "10.1.0.2", shows: ["10.0.0.2"] }),
    viewOf("plain", { class: undefined, wish: "10.9.9.3", shows: ["10.9.9.3"] }),
  ];
  assert.deepEqual(outcome(services, [pool("10.0.0.0/24")]), {
    claims: ["10.9.9.1", "10.1.0.1"],
    statuses: ["moves"],
    refusals: [
      "late AddressRefused",
      "moves AddressRefused",
      "plain AddressRefused",
      "uses OutsidePools",
      "other OutsidePools",
    ],
  });
});

Deno.test("PoolKeeper lets no new wish through before the pools are known: it would stay", () => {
  const services = [
    viewOf("uses", { wish: "10.9.9.1", shows: ["10.9.9.1"] }),
    viewOf("plain", { class: undefined, wish: "10.9.9.3", shows: ["10.9.9.3"] }),
    viewOf("late", { wish: "10.9.9.2" }),
  ];
  assert.deepEqual(outcome(services, undefined), {
    claims: ["10.9.9.1", "10.9.9.3"],
    statuses: [],
    refusals: [],
  });
});

Deno.test("PoolKeeper refuses what an instance of another class is giving out, with pools and without", () => {
  const services = [
    viewOf("late", { wish: "10.0.0.1" }),
    viewOf("uses", { wish: "10.0.0.2", shows: ["10.0.0.2"] }),
  ];
  const elsewhere = [["10.0.0.1", "uid-theirs"], ["10.0.0.2", "uid-theirs"]] as const;
  for (const pools of [[pool("10.0.0.0/24")], []]) {
    assert.deepEqual(outcome(services, pools, elsewhere), {
      claims: ["10.0.0.2"],
      statuses: [],
      refusals: ["late AddressRefused"],
    });
  }
});

Deno.test("PoolKeeper refuses, without pools, what is in the pools of another instance", () => {
  const more = {
    elsewhere: ({ text }: IpAddress) =>
      text === "10.0.0.1" ? "instance red (Lease vips/red)" : undefined,
  };
  const services = [
    viewOf("theirs", { wish: "10.0.0.1" }),
    viewOf("free", { wish: "10.0.0.2" }),
    viewOf("plan", { wish: "10.1.0.1" }),
  ];
  const { claims, messages } = look(services, [], [], more);
  assert.deepEqual(claims, ["10.0.0.2"]);
  assert.deepEqual(messages, [
    "10.0.0.1 (classvip.io/addresses): it is in the pools of instance red (Lease vips/red)",
    "10.1.0.1 (classvip.io/addresses): it is in pool 10.1.0.0/24 of instance green",
  ]);
  const uses = [viewOf("uses", { wish: "10.0.0.1", shows: ["10.0.0.1"] })];
  assert.deepEqual(look(uses, [], [], more).claims, ["10.0.0.1"], "what is in use stays");
});

Deno.test("PoolKeeper lets nothing new through where the ConfigMap of its pools is not there, or empty", () => {
  const lack = "the ConfigMap a/b is not there";
  const services = [
    viewOf("uses", { wish: "10.9.9.1", shows: ["10.9.9.1"] }),
    viewOf("has", { shows: ["10.9.9.3"] }),
    viewOf("wishes", { wish: "10.9.9.2" }),
    viewOf("waits"),
  ];
  const missing = look(services, undefined, [], { lack });
  assert.deepEqual(missing.claims, ["10.9.9.1", "10.9.9.3"]);
  assert.deepEqual(missing.refusals, ["wishes NoPool", "waits NoPool"]);
  assert.deepEqual(missing.messages, Array(2).fill(`An address waits for its pool: ${lack}`));
  const empty = look(services, [], [], { lack, expected: true });
  assert.deepEqual(empty.claims, ["10.9.9.1", "10.9.9.3"]);
  assert.deepEqual(empty.refusals, ["wishes AddressRefused", "has OutsidePools"]);
  assert.match(empty.messages[0]!, /the ConfigMap a\/b is not there/);
});

Deno.test("PoolKeeper counts as used what Services have or may get, and no wish that is refused", () => {
  const shop = pool("10.0.0.0/24", { namespaces: ["shop"] });
  const services = [
    viewOf("has", { wish: "10.0.0.1", shows: ["10.0.0.1"] }),
    viewOf("gets", { wish: "10.0.0.2" }),
    viewOf("refused", { wish: "10.0.0.3", namespace: "dev" }),
    viewOf("shows", { shows: ["10.0.0.4"] }),
  ];
  assert.deepEqual(look(services, [shop]).usage, [{ pool: "10.0.0.0/24", size: 256, used: 3 }]);
});
