import assert from "node:assert/strict";
import { type KeyFile, loadBeaconKeys } from "../../lib/config/beacon_key.ts";
import { ConfigError } from "../../lib/config/errors.ts";
import type { InstanceConfig } from "../../lib/config/instance.ts";
import { problemsOf } from "./load_helper.ts";

const instance = (name: string, beaconKeyFile: string, fastFailover = true) =>
  ({ name, fastFailover, beaconKeyFile }) as InstanceConfig;

const FILES: Record<string, KeyFile> = {
  good: { bytes: new Uint8Array(32), mode: 0o100400 },
  group: { bytes: new Uint8Array(64), mode: 0o100640 },
  open: { bytes: new Uint8Array(32), mode: 0o100644 },
  short: { bytes: new Uint8Array(31), mode: 0o100600 },
};

function load(...instances: InstanceConfig[]) {
  return loadBeaconKeys(instances, (path) => {
    const file = FILES[path];
    return file ? Promise.resolve(file) : Promise.reject(new Error("No such file"));
  });
}

Deno.test("loadBeaconKeys() reads the keys of the instances that need one", async () => {
  const { keys, warnings } = await load(instance("a", "good"), instance("b", "none", false));
  assert.deepEqual([...keys], [["a", FILES["good"]!.bytes]]);
  assert.deepEqual(warnings, []);
});

Deno.test("loadBeaconKeys() warns of a key that its group may read", async () => {
  const { keys, warnings } = await load(instance("a", "group"));
  assert.equal(keys.size, 1);
  assert.deepEqual(warnings, [
    "beaconKeyFile group may be read by its group: mode 0400 is right",
  ]);
});

Deno.test("loadBeaconKeys() refuses every key that is not as it must be, all at once", async () => {
  const error = await load(instance("a", "open"), instance("b", "short"), instance("c", "none"))
    .then(() => undefined, (error) => error);
  assert.ok(error instanceof ConfigError);
  assert.deepEqual(error.message.split("\n"), [
    'beaconKeyFile = "open" (instance a): may be read by everybody (mode 0644); right would be: ' +
    "mode 0400 (defaultMode: 0400 of the Secret's volume in Kubernetes)",
    'beaconKeyFile = "short" (instance b): holds 31 bytes; right would be: at least 32 random bytes',
    'beaconKeyFile = "none" (instance c): No such file; right would be: ' +
    "a file that classvip may read",
  ]);
});

Deno.test("checkInstance() wants a key and an interface for fast failover", async () => {
  assert.deepEqual(
    await problemsOf({ yaml: "fastFailover: true\nbeaconKeyFile: /key\ninterface: eth0\n" }),
    [],
  );
  const problems = await problemsOf({ yaml: "fastFailover: true\n" });
  assert.equal(problems.length, 2);
  assert.match(problems[0]!, /there is no key.*beaconKeyFile/);
  assert.match(problems[1]!, /interface is auto/);
  for (const text of ["19ms", "1001ms"]) {
    const [problem] = await problemsOf({ yaml: `beaconInterval: ${text}\n` });
    assert.match(problem!, /too (short|long); right would be: a duration from 20ms to 1s/);
  }
});
