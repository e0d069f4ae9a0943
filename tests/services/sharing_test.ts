import assert from "node:assert/strict";
import { AddressOwners } from "../../lib/services/address_owners.ts";
import { decide } from "../../lib/services/decide.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import { sharers, sharingConflict } from "../../lib/services/sharing.ts";
import { viewOf } from "../pools/parts.ts";

const A = "192.0.2.1";
const KEY = { "classvip.io/sharing-key": "k" };

function at(name: string, port: number, more: Parameters<typeof viewOf>[1] = {}): ServiceView {
  return viewOf(name, { wish: A, annotations: KEY, spec: { ports: [{ port }] }, ...more });
}

function run(services: ServiceView[], pools?: Parameters<typeof decide>[0]["pools"]) {
  const { claims, statuses, refusals, drops } = decide({
    services,
    owners: new AddressOwners(services),
    policy: { loadBalancerClass: "blue", alsoClassless: false, namespaces: [] },
    mayHold: true,
    held: [A],
    place: () => ({ linkIndex: 1, interface: "eth0" }),
    pools,
  });
  return {
    claims: claims.map(({ ip, service }) => `${ip.text} ${service.name}`),
    statuses: statuses.map(({ service }) => service.name),
    refusals: refusals.map(({ service, message }) => `${service.name}: ${message}`),
    drops: drops.length,
  };
}

Deno.test("sharingConflict() says why two Services cannot have one address", () => {
  const web = at("web", 80);
  assert.equal(sharingConflict(web, at("tls", 443)), undefined);
  assert.match(sharingConflict(web, at("api", 80))!, /both have port TCP\/80/);
  assert.match(sharingConflict(web, at("api", 81, { annotations: {} }))!, /no sharing key/);
  assert.match(
    sharingConflict(web, viewOf("all", { annotations: KEY, spec: { ports: [] } }))!,
    /all/,
  );
  const local = { ports: [{ port: 443 }], externalTrafficPolicy: "Local" };
  assert.match(sharingConflict(web, at("local", 443, { spec: local }))!, /externalTrafficPolicy/);
});

Deno.test("sharers() admits those that fit all before them", () => {
  const all = [at("a", 80), at("b", 81), at("c", 80), at("d", 82)];
  assert.deepEqual(sharers(all).map(({ name }) => name), ["a", "b", "d"]);
});

Deno.test("decide() claims a shared address once, and writes it to each of its Services", () => {
  const older = at("web", 80, { createdAt: "2025-01-01T00:00:00Z" });
  assert.deepEqual(run([at("tls", 443), older, at("api", 80)]), {
    claims: [`${A} web`],
    statuses: ["tls", "web"],
    refusals: [
      `api: ${A} (classvip.io/addresses): Service shop/web of the same class has it already, and ` +
      "cannot share it: both have port TCP/80",
    ],
    drops: 0,
  });
});

Deno.test("decide() leaves a shared address where it is when its first Service goes", () => {
  const left = run([at("tls", 443, { shows: [A] })]);
  assert.deepEqual(left, { claims: [`${A} tls`], statuses: [], refusals: [], drops: 0 });
});

Deno.test("decide() shares nothing across classes", () => {
  const services = [at("web", 80, { shows: [A], class: "other" }), at("tls", 443)];
  assert.match(
    run(services).refusals[0]!,
    /^tls: .*Service shop\/web of class other has it already/,
  );
});

Deno.test("decide() refuses what is being given to another Service", () => {
  const pools = {
    allocates: true,
    intendedFor: (vip: string) => vip === A ? "uid-late" : undefined,
    objection: () => undefined,
    refusedElsewhere: () => false,
    gave: () => false,
  };
  assert.deepEqual(run([viewOf("web", { wish: A })], pools).refusals, [
    `web: ${A} (classvip.io/addresses): it is being given to another Service`,
  ]);
  assert.deepEqual(run([viewOf("web", { wish: A, uid: "uid-late" })], pools).refusals, []);
});

Deno.test("decide() keeps the record of what was given and cannot be announced here", () => {
  const service = viewOf("web", { wish: A, shows: [A] });
  const input = {
    services: [service],
    owners: new AddressOwners([service]),
    policy: { loadBalancerClass: "blue", alsoClassless: false, namespaces: [] },
    mayHold: true,
    held: [],
    place: () => ({ refused: "no interface" }),
  };
  const rules = {
    allocates: true,
    intendedFor: () => undefined,
    objection: () => undefined,
    refusedElsewhere: () => false,
  };
  assert.equal(decide({ ...input, pools: { ...rules, gave: () => true } }).statuses.length, 0);
  assert.equal(decide({ ...input, pools: { ...rules, gave: () => false } }).statuses.length, 1);
});
