import assert from "node:assert/strict";
import { createMetrics } from "../../lib/observe/metrics.ts";
import type { Pool } from "../../lib/pools/pool.ts";
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
) {
  const keeper = poolKeeper({
    expected: pools?.length !== 0,
    pools,
    foreign: [{ instance: "green", pool: pool("10.1.0.0/24") }],
    intendedElsewhere: () => new Map(elsewhere),
    mayGrant: () => () => false,
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
  };
}

Deno.test("PoolKeeper keeps what a Service asked for and uses when no pool has it any more", () => {
  const services = [
    viewOf("uses", { wish: "10.9.9.1", shows: ["10.9.9.1"] }),
    viewOf("other", { wish: "10.1.0.1", shows: ["10.1.0.1"] }),
    viewOf("late", { wish: "10.9.9.2" }),
    viewOf("moves", { wish: "10.1.0.2", shows: ["10.0.0.2"] }),
    viewOf("plain", { class: undefined, wish: "10.9.9.3", shows: ["10.9.9.3"] }),
  ];
  assert.deepEqual(look(services, [pool("10.0.0.0/24")]), {
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
  assert.deepEqual(look(services, undefined), {
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
    assert.deepEqual(look(services, pools, elsewhere), {
      claims: ["10.0.0.2"],
      statuses: [],
      refusals: ["late AddressRefused"],
    });
  }
});
