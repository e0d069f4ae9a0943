import assert from "node:assert/strict";
import { readPoolConfigMap } from "../../lib/pools/config_map.ts";
import { Pool } from "../../lib/pools/pool.ts";
import { given, run, viewOf } from "./parts.ts";

/** What Services of these namespaces get, each the next one of its pool. */
function serve(data: Record<string, string>, ...namespaces: string[]): string[] {
  const pools = readPoolConfigMap(data).pools.map((spec) => new Pool(spec));
  const services = namespaces.map((namespace, i) =>
    viewOf(`s${i}`, { namespace, spec: { ports: [{ port: 80 + i }] } })
  );
  return Object.values(given(run(services, pools)));
}

Deno.test("readPoolConfigMap() lets a namespace's pool stand in for the global one", () => {
  const data = {
    "cidr-global": "192.168.0.220/30",
    "cidr-development": "192.168.0.210/32",
    "range-development": "192.168.1.1-192.168.1.9",
    "range-finance": "192.168.2.1-192.168.2.9",
  };
  assert.deepEqual(serve(data, "development", "development", "finance", "x"), [
    "192.168.0.210",
    "",
    "192.168.0.220",
    "192.168.0.221",
  ]);
  assert.deepEqual(readPoolConfigMap(data).warnings, [
    "range-development: cidr-global stands in front of it",
    "range-finance: cidr-global stands in front of it",
  ]);
  const ranges = {
    "cidr-a": "10.0.0.1/32",
    "range-b": "10.0.0.2-10.0.0.3,10.0.0.9-10.0.0.9",
    "range-global": "10.0.0.4-10.0.0.5",
  };
  assert.deepEqual(serve(ranges, "a", "b", "c", "a"), ["10.0.0.1", "10.0.0.2", "10.0.0.4", ""]);
});

Deno.test("readPoolConfigMap() follows search-order, skip-end-ips-in-cidr, host bits", () => {
  const data = { "cidr-global": "192.168.0.201/29" };
  assert.deepEqual(serve(data, "a"), ["192.168.0.200"]);
  assert.deepEqual(serve({ ...data, "skip-end-ips-in-cidr": "true" }, "a"), ["192.168.0.201"]);
  assert.deepEqual(serve({ ...data, "search-order": "desc" }, "a"), ["192.168.0.207"]);
});

Deno.test("readPoolConfigMap() lets the Services of a namespace share where allow-share says so", () => {
  const data = { "cidr-global": "10.0.0.0/24", "allow-share-a": "true" };
  assert.deepEqual(serve(data, "a", "a", "b", "b"), [
    ...["10.0.0.0", "10.0.0.0"],
    ...["10.0.0.1", "10.0.0.2"],
  ]);
  const all = {
    "cidr-global": "10.0.0.0/24",
    "allow-share-global": "true",
    "allow-share-b": "false",
  };
  assert.deepEqual(serve(all, "a", "c", "b"), ["10.0.0.0", "10.0.0.0", "10.0.0.1"]);
});

Deno.test("readPoolConfigMap() says what it leaves out", () => {
  const read = readPoolConfigMap({
    "cidr-global": "0.0.0.0/32",
    "cidr-a": "10.0.0.0/33,10.0.0.0/24",
    "interface-a": "eth3",
    "interface-global": "eth0",
    "search-order": "random",
    other: "x",
  });
  assert.deepEqual(read.pools.map(({ name, addresses }) => [name, ...addresses]), [
    ["cidr-a", "10.0.0.0/24"],
  ]);
  assert.deepEqual([...read.interfaces], [["a", "eth3"], ["global", "eth0"]]);
  assert.equal(read.problems.length, 1);
  assert.match(read.problems[0]!, /^cidr-a: 10\.0\.0\.0\/33: not a CIDR; right: a CIDR such as/);
  assert.deepEqual(read.warnings, [
    "other: classvip does not know it",
    "search-order: random is neither asc nor desc, asc counts",
    "cidr-global: 0.0.0.0/32 asks for addresses by DHCP, classvip has none",
  ]);
});
