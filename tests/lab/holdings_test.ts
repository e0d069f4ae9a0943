import assert from "node:assert/strict";
import { Holdings } from "./holdings.ts";

/** A dump of `host` at a time, 5 ms after the one before, that took 1 ms. */
function dump(
  host: string,
  beforeMs: number,
  appeared: string[] = [],
  vanished: string[] = [],
  passed: string[] = [],
) {
  const times = { beforeMs, afterMs: beforeMs + 1, formerMs: beforeMs - 5, pauseMs: 5 };
  return { host, ...times, appeared, vanished, passed };
}

Deno.test("Holdings.doubles() finds one address on two hosts, and for how long", () => {
  const holdings = new Holdings();
  holdings.add(dump("a", 100, ["eth0 10.0.0.1"]));
  holdings.add(dump("b", 200, ["eth0 10.0.0.1"]));
  holdings.add(dump("a", 300, [], ["eth0 10.0.0.1"]));
  holdings.add(dump("b", 300));
  const [double, ...more] = holdings.doubles();
  assert.deepEqual(more, []);
  assert.deepEqual([double!.ip, double!.fromMs, double!.toMs], ["10.0.0.1", 201, 295]);
});

Deno.test("Holdings.doubles() finds one address on two interfaces of one host", () => {
  const holdings = new Holdings();
  holdings.add(dump("a", 100, ["eth0 10.0.0.1", "eth1 10.0.0.1"]));
  holdings.add(dump("a", 150));
  assert.equal(holdings.doubles().length, 1);
});

Deno.test("Holdings.doubles() does not take a dump's uncertainty for an overlap", () => {
  const holdings = new Holdings();
  holdings.add(dump("a", 100, ["eth0 10.0.0.1"]));
  // Gone just after the dump at 295; on b before the dump at 297.
  holdings.add(dump("b", 297, ["eth0 10.0.0.1"]));
  holdings.add(dump("a", 300, [], ["eth0 10.0.0.1"]));
  holdings.add(dump("b", 350));
  assert.deepEqual(holdings.doubles(), []);
});

Deno.test("Holdings.of() tells when an address was where", () => {
  const holdings = new Holdings();
  holdings.add(dump("a", 100, ["eth0 10.0.0.1"]));
  holdings.add(dump("a", 300, [], ["eth0 10.0.0.1"]));
  holdings.add(dump("b", 310, ["eth0 10.0.0.1"]));
  assert.deepEqual(
    holdings.of("10.0.0.1").map(({ host, fromMs, toMs, open }) => [host, fromMs, toMs, open]),
    [["a", 101, 295, false], ["b", 311, 311, true]],
  );
  assert.deepEqual(holdings.holders("10.0.0.1").map(({ host }) => host), ["b"]);
});

Deno.test("Holdings.of() has an address that came and went between two dumps, and no double of it", () => {
  const holdings = new Holdings();
  holdings.add(dump("a", 100, ["eth0 10.0.0.1"]));
  holdings.add(dump("b", 200, [], [], ["eth0 10.0.0.1"]));
  holdings.add(dump("a", 300));
  assert.deepEqual(
    holdings.of("10.0.0.1").map(({ host, fromMs, toMs, open }) => [host, fromMs, toMs, open]),
    [["a", 101, 300, true], ["b", 200, 200, false]],
  );
  assert.deepEqual(holdings.doubles(), []);
});
