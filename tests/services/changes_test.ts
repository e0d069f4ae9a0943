import assert from "node:assert/strict";
import fc from "fast-check";
import { type Changes, type Part, partOf } from "../../lib/services/changes.ts";
import { type Claim, decide, type Refusal } from "../../lib/services/decide.ts";
import { ServiceIndex } from "../../lib/services/service_index.ts";
import type { ServiceView } from "../../lib/services/service_view.ts";
import { view } from "./views.ts";

const POLICY = { loadBalancerClass: "blue", alsoClassless: false, namespaces: [] };
const VIPS = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "127.0.0.1", "none"];

/** What came of all decisions so far: as the node, the API server and people have it. */
class Outcome {
  readonly claims = new Map<string, Claim>();
  readonly statuses = new Map<string, string>();
  readonly refusals = new Map<string, Refusal[]>();
  readonly gains = new Map<string, readonly string[]>();

  decide(index: ServiceIndex, services: Iterable<ServiceView>, part?: Part): void {
    const held = part === undefined ? this.claims.keys() : [...part.vips].filter((vip) => {
      const owner = this.claims.get(vip)?.service;
      return owner !== undefined && part.keys.has(owner.key);
    });
    const decision = decide({
      services,
      owners: index.owners,
      policy: POLICY,
      mayHold: true,
      held,
      place: (_ip, wished) => ({
        linkIndex: wished === "eth1" ? 2 : 1,
        interface: wished ?? "eth0",
      }),
    });
    for (const { vip } of decision.drops) this.claims.delete(vip);
    for (const claim of decision.claims) this.claims.set(claim.ip.text, claim);
    for (const said of [this.statuses, this.refusals, this.gains]) {
      for (const key of part?.keys ?? [...said.keys()]) said.delete(key);
    }
    for (const { service, ingress } of decision.statuses) {
      this.statuses.set(service.key, JSON.stringify(ingress));
    }
    for (const refusal of decision.refusals) {
      const { key } = refusal.service;
      this.refusals.set(key, [...this.refusals.get(key) ?? [], refusal]);
    }
    for (const [{ key }, vips] of decision.gains) this.gains.set(key, vips);
  }

  show() {
    const sorted = <T>(of: Map<string, T>) => [...of].sort(([a], [b]) => a < b ? -1 : 1);
    return {
      claims: sorted(this.claims).map(([vip, claim]) => [
        vip,
        claim.interface,
        claim.service.key,
        claim.service.resourceVersion,
      ]),
      statuses: sorted(this.statuses),
      refusals: sorted(this.refusals).map(([key, of]) => [
        key,
        of.map(({ reason, message, service }) => `${service.uid} ${reason} ${message}`),
      ]),
      gains: sorted(this.gains),
    };
  }
}

const NAMES = ["a", "b", "c", "d", "e", "f"];
const change = fc.record({
  name: fc.constantFrom(...NAMES),
  gone: fc.boolean(),
  class: fc.constantFrom("blue", "blue", "blue", "red", undefined),
  wish: fc.oneof(fc.constant(VIPS.slice(0, 1)), fc.subarray(VIPS, { maxLength: 2 })),
  shows: fc.subarray(VIPS.slice(0, 3), { maxLength: 2 }),
  key: fc.constantFrom(undefined, "k", "k", "k", "l"),
  port: fc.constantFrom(80, 443, 8080),
  interface: fc.constantFrom(undefined, undefined, "eth1"),
  createdAt: fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
  uid: fc.constantFrom("1", "1", "2"),
  ignored: fc.constantFrom(false, false, false, true),
  /** Decided upon together with the next one. */
  together: fc.boolean(),
});

Deno.test("partOf() makes decide() say of some Services what it says of them among all", () => {
  let parts = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 25 }), (changes) => {
      const index = new ServiceIndex();
      const keys = new Set<string>();
      const vips = new Set<string>();
      using scope = index.open(POLICY, (changes: Changes) => {
        for (const key of changes.keys) keys.add(key);
        for (const vip of changes.vips) vips.add(vip);
      });
      const [little, full] = [new Outcome(), new Outcome()];
      changes.forEach((one, version) => {
        const service = one.gone && version % 2 === 0 ? undefined : {
          ...view(one.name, {
            class: one.class,
            wish: one.wish.join(","),
            shows: one.shows,
            uid: `${one.name}-${one.uid}`,
            createdAt: one.createdAt,
            annotations: {
              ...(one.key && { "classvip.io/sharing-key": one.key }),
              ...(one.interface && { "classvip.io/interface": one.interface }),
              ...(one.ignored && { "classvip.io/ignore": "true" }),
            },
          }),
          resourceVersion: `${version}`,
          ports: [`TCP/${one.port}`],
        };
        index.put(`shop/${one.name}`, service);
        if (one.together && version < changes.length - 1) return;
        const part = partOf({ keys, vips }, (key) => scope.services.get(key), index.owners);
        if (part.services.length < scope.services.size) parts++;
        little.decide(index, part.services, part);
        keys.clear();
        vips.clear();
        full.decide(index, scope.services.values());
        assert.deepEqual(little.show(), full.show());
      });
    }),
    { numRuns: 2000 },
  );
  assert.ok(parts > 1000, `only ${parts} decisions were made upon a part`);
});

Deno.test("partOf() leaves out those who merely wish for the same address", () => {
  const index = new ServiceIndex();
  const wish = VIPS[0]!;
  for (const name of NAMES) index.put(`shop/${name}`, view(name, { wish }));
  const seen: Changes[] = [];
  using scope = index.open(POLICY, (changes) => seen.push(changes));
  index.put("shop/f", view("f", { wish, annotations: { "example.com/round": "1" } }));
  assert.equal(seen.length, 1);
  const { services } = partOf(seen[0]!, (key) => scope.services.get(key), index.owners);
  assert.deepEqual(services.map(({ name }) => name), ["f"]);
});
