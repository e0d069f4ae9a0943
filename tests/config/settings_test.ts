import assert from "node:assert/strict";
import {
  envNameOf,
  type SettingName,
  settingNames,
  settingOf,
  yamlKeyOf,
} from "../../lib/config/settings.ts";
import { effectiveOf, load } from "./load_helper.ts";

/** For each setting a value that is not its default, and as `classvip config` shows it. */
const EXAMPLES: Record<Exclude<SettingName, "config" | "only">, [given: string, shown?: string]> = {
  loadBalancerClass: ["internal-vip"],
  alsoClassless: ["true"],
  namespaces: ["b,a", "a,b"],
  pools: ["10.0.0.0/24, fd00::1", "10.0.0.0/24,fd00::1"],
  poolConfigMap: ["kube-system/kubevip"],
  maxVips: ["50"],
  maxVipsPerNamespace: ["5"],
  eventsPerSecond: ["2.5"],
  statusWritesPerSecond: ["20"],
  controlPlane: ["true"],
  address: ["10.0.0.10"],
  apiPort: ["7443"],
  bootstrap: ["true"],
  healthInterval: ["2s"],
  healthTimeout: ["3s"],
  healthThreshold: ["5"],
  instanceName: ["mine"],
  leaseName: ["custom-lease-name"],
  leaseNamespace: ["vips"],
  leaseDuration: ["10s"],
  renewInterval: ["1s"],
  priority: ["50"],
  failback: ["true"],
  onApiLoss: ["hold"],
  fastFailover: ["true"],
  beaconInterval: ["100ms"],
  beaconKeyFile: ["/etc/classvip/beacon.key"],
  leaseAnnotations: ['{"a":"b"}'],
  interface: ["eth0"],
  announceInterval: ["7000ms", "7s"],
  addressProbe: ["false"],
  nodeName: ["node-7"],
  kubeconfig: ["/k"],
  kubernetesServer: ["https://127.0.0.1:6443"],
  httpAddress: [":80", "0.0.0.0:80"],
  logLevel: ["debug"],
  logFormat: ["text"],
};

/** As the alias writes it, where that differs. */
const ALIAS_NOTATION: Record<string, string> = {
  vip_arpRate: "7000",
  vip_loglevel: "-4",
  log: "-4",
};

/** What must be set beside a setting. */
const COMPANIONS: Record<string, Record<string, string>> = {
  controlPlane: { address: "10.0.0.10" },
  fastFailover: { beaconKeyFile: "/key", interface: "eth1" },
};

for (const [name, [given, shown = given]] of Object.entries(EXAMPLES)) {
  const setting = name as SettingName;

  Deno.test(`settings.${name} comes from its flag`, async () => {
    const wanted = [shown, `flag --${name}`];
    const loaded = await load({ flags: { [name]: given, ...COMPANIONS[name] } });
    assert.deepEqual(effectiveOf(loaded, name), wanted);
  });

  Deno.test(`settings.${name} comes from its environment variable`, async () => {
    const env = envNameOf(setting);
    const loaded = await load({ env: { [env]: ` ${given}\n` }, flags: COMPANIONS[name] ?? {} });
    assert.deepEqual(effectiveOf(loaded, name), [shown, `env ${env}`]);
  });

  Deno.test(`settings.${name} comes from its other names`, async () => {
    for (const { env, flag } of settingOf(setting).aliases ?? []) {
      if (env) {
        const loaded = await load({
          env: { [env]: ALIAS_NOTATION[env] ?? given },
          flags: COMPANIONS[name] ?? {},
        });
        assert.deepEqual(effectiveOf(loaded, name), [shown, `env ${env}`]);
      }
      if (flag) {
        const loaded = await load({
          flags: { ...COMPANIONS[name], [flag]: ALIAS_NOTATION[flag] ?? given },
        });
        assert.deepEqual(effectiveOf(loaded, name), [shown, `flag --${flag}`]);
      }
    }
  });

  Deno.test(`settings.${name} comes from the YAML file`, async () => {
    const loaded = await load({
      yaml: `# comment\n${yamlKeyOf(setting)}: ${JSON.stringify(given)}\n`,
      flags: COMPANIONS[name] ?? {},
    });
    assert.deepEqual(effectiveOf(loaded, name), [shown, "file /c.yaml:2"]);
  });

  Deno.test(`settings.${name} has the default of the table`, async () => {
    const wanted = settingOf(setting).default;
    const [value, source] = effectiveOf(await load(), name);
    assert.equal(source, "default");
    if (wanted !== undefined) assert.equal(value, wanted);
  });
}

Deno.test("settings.config comes from its flag and its environment variable only", async () => {
  const files = { "/f": "logLevel: warn", "/e": "logLevel: error" };
  const byEnv = await load({ files, env: { CLASSVIP_CONFIG: "/e" } });
  assert.equal(byEnv.config.logLevel, "error");
  const byFlag = await load({ files, env: { CLASSVIP_CONFIG: "/e" }, flags: { config: "/f" } });
  assert.equal(byFlag.config.logLevel, "warn");
  await assert.rejects(load({ yaml: "config: /f" }), /no such setting/);
});

Deno.test("settings() leaves no setting without an example", () => {
  assert.deepEqual([...Object.keys(EXAMPLES), "config", "only"], settingNames);
});

Deno.test("envNameOf() puts capitals and underscores", () => {
  assert.equal(envNameOf("loadBalancerClass"), "CLASSVIP_LOAD_BALANCER_CLASS");
});
