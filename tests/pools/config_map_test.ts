import assert from "node:assert/strict";
import { readPoolConfigMap } from "../../lib/pools/config_map.ts";
import { isForSome, Pool } from "../../lib/pools/pool.ts";
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
  // There it is compared with this word, and read as a boolean nowhere.
  const odd = { ...data, "skip-end-ips-in-cidr": "1" };
  assert.deepEqual(serve(odd, "a"), ["192.168.0.200"]);
  assert.match(readPoolConfigMap(odd).warnings.join(), /^skip-end-ips-in-cidr: 1 is neither/);
});

Deno.test("readPoolConfigMap() gives no address that ends with 0 or 255, as it is there", () => {
  const data = { "range-global": "10.0.0.254-10.0.1.1,10.0.2.0-10.0.2.0" };
  assert.deepEqual(serve(data, "a", "b", "c"), ["10.0.0.254", "10.0.1.1", ""]);
  const desc = { ...data, "search-order": "desc" };
  assert.deepEqual(serve(desc, "a", "b", "c"), ["10.0.1.1", "10.0.0.254", ""]);
  const sizes = (addresses: string) =>
    readPoolConfigMap({ "cidr-global": addresses }).pools.map((spec) => new Pool(spec))
      .map((pool) => [pool.size(4), pool.size(6), pool.size()].join());
  assert.deepEqual(sizes("10.0.0.0/23,fd00::/127"), ["508,2,510"]);
  assert.deepEqual(sizes("10.0.0.7/32"), ["1,0,1"]);
  assert.deepEqual(sizes("10.0.0.0/32"), ["0,0,0"]);
  assert.deepEqual(sizes("10.0.0.255/32"), ["0,0,0"]);
});

Deno.test("readPoolConfigMap() lets the Services of a namespace share where allow-share says so", () => {
  const data = { "cidr-global": "10.0.0.0/24", "allow-share-a": "true" };
  assert.deepEqual(serve(data, "a", "a", "b", "b"), [
    ...["10.0.0.1", "10.0.0.1"],
    ...["10.0.0.2", "10.0.0.3"],
  ]);
  const all = {
    "cidr-global": "10.0.0.0/24",
    "allow-share-global": "true",
    "allow-share-b": "false",
  };
  assert.deepEqual(serve(all, "a", "c", "b"), ["10.0.0.1", "10.0.0.1", "10.0.0.2"]);
});

Deno.test("isForSome() tells the pools of a ConfigMap that an instance's namespaces can have", () => {
  const { pools } = readPoolConfigMap({
    "cidr-a": "10.0.0.0/24",
    "cidr-b": "10.0.1.0/24",
    "cidr-global": "10.0.2.0/24",
  });
  const names = (...served: string[]) =>
    pools.filter((spec) => isForSome(spec, served)).map(({ name }) => name).join();
  assert.equal(names(), "cidr-a,cidr-b,cidr-global");
  assert.equal(names("a"), "cidr-a");
  assert.equal(names("b", "c"), "cidr-b,cidr-global");
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
