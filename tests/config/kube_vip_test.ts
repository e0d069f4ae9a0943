import assert from "node:assert/strict";
import { kubeVipSettings } from "../../lib/config/kube_vip.ts";
import { findEnv, findFlag } from "../../lib/config/names.ts";
import { load, problemsOf } from "./load_helper.ts";

Deno.test("kubeVipSettings() and aliases know every name of kube-vip's Service mode", () => {
  const envs = [
    "loadBalancerClass lb_class_name lb_class_only lb_class_legacy_handling vip_leasename",
    "svc_leasename vip_leaseduration vip_renewdeadline vip_retryperiod vip_leaseannotations",
    "vip_interface vip_servicesinterface vip_arp svc_enable svc_namespace svc_election cp_enable",
    "cp_namespace address vip_address port vip_nodename k8s_config_file kubernetes_addr vip_arpRate",
    "prometheus_server health_check_port vip_loglevel vip_preserve_on_leadership_loss",
  ].join(" ").split(" ");
  assert.deepEqual(envs.filter((name) => !findEnv(name)), []);
  const flags = [
    "lbClassName lbClassOnly lbClassNameLegacyHandling leaseName servicesLeaseName leaseDuration",
    "leaseRenewDuration leaseRetry interface serviceInterface arp services servicesElection",
    "controlplane namespace address vip port nodeName k8sConfigPath prometheusHTTPServer",
    "healthCheckPort log",
  ].join(" ").split(" ");
  assert.deepEqual(flags.filter((name) => !findFlag(name)), []);
});

Deno.test("kubeVipSettings() names nothing twice", () => {
  for (const key of ["env", "flag"] as const) {
    const names = kubeVipSettings.flatMap((setting) => setting[key] ?? []);
    assert.equal(new Set(names).size, names.length);
    const find = key === "env" ? findEnv : findFlag;
    assert.deepEqual(names.filter((name) => find(name)?.kind !== "kube-vip"), []);
  }
});

Deno.test("kubeVipSettings() takes a generated manifest over", async () => {
  const { config, warnings } = await load({
    env: {
      vip_arp: "true",
      port: "6443",
      vip_nodename: "n1",
      vip_interface: "eth0",
      vip_subnet: "32",
      dhcp_mode: "ipv4",
      dns_mode: "first",
      svc_enable: "true",
      svc_leasename: "plndr-svcs-lock",
      vip_leaderelection: "true",
      vip_leasename: "plndr-cp-lock",
      vip_leaseduration: "15",
      vip_renewdeadline: "10",
      vip_retryperiod: "2",
      vip_address: "",
      prometheus_server: ":2112",
    },
  });
  const instance = config.instances[0]!;
  assert.equal(config.nodeName, "n1");
  assert.equal(config.httpAddress, "0.0.0.0:2112");
  assert.equal(instance.interface, "eth0");
  assert.equal(instance.leaseName, "plndr-svcs-lock");
  assert.equal(instance.leaseDurationMs, 15_000);
  assert.equal(instance.renewIntervalMs, 2000);
  const named = ["vip_arp", "port", "vip_subnet", "dns_mode", "svc_enable", "vip_leaderelection"];
  for (const name of [...named, "vip_leasename", "vip_renewdeadline"]) {
    assert.ok(warnings.some((warning) => warning.includes(`env ${name}`)), name);
  }
});

Deno.test("kubeVipSettings() takes a generated manifest for the control plane over", async () => {
  const env = {
    vip_arp: "true",
    port: "7443",
    vip_interface: "eth0",
    cp_enable: "true",
    cp_namespace: "kube-system",
    svc_enable: "false",
    address: "10.0.0.10",
    control_plane_health_check_period_seconds: "5",
    control_plane_health_check_timeout_seconds: "3",
    control_plane_health_check_failure_threshold: "2",
  };
  const { config } = await load({ env });
  assert.deepEqual(config.instances[0]!.controlPlane, {
    address: "10.0.0.10",
    port: 7443,
    bootstrap: false,
    healthIntervalMs: 5000,
    healthTimeoutMs: 3000,
    healthThreshold: 2,
  });
  assert.equal(config.instances[0]!.leaseName, "classvip-control-plane");
  const [problem, ...more] = await problemsOf({ env: { ...env, svc_enable: "true" } });
  assert.match(problem!, /^controlPlane = "true" \(env cp_enable\): services are asked for too/);
  assert.deepEqual(more, []);
});

const REFUSED: [env: string, value: string, problem: RegExp][] = [
  ["vip_arp", "false", /ARP only.*true/],
  ["svc_enable", "false", /serve Services/],
  ["svc_election", "true", /an election for each Service/],
  ["bgp_enable", "true", /BGP/],
  ["vip_wireguard", "true", /WireGuard/],
  ["vip_routingtable", "1", /routing-table/],
  ["lb_enable", "T", /IPVS/],
  ["enable_upnp", "true", /UPnP/],
  ["vip_ddns", "true", /dynamic DNS/],
  ["egress_podcidr", "10.0.0.0/8", /egress/],
  ["vip_subnet", "24", /always a \/32/],
  ["vip_preserve_on_leadership_loss", "true", /without its Lease/],
  ["health_check_port", "8080", /no second port/],
  ["config_file", "/f", /file/],
];
for (const [env, value, problem] of REFUSED) {
  Deno.test(`kubeVipSettings() refuses ${env}=${value}`, async () => {
    const problems = await problemsOf({ env: { [env]: value } });
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0]!, problem);
    assert.ok(problems[0]!.startsWith(`${env} = "${value}" (env ${env})`));
  });
}

const WARNED: [env: string, value: string, warning: RegExp][] = [
  ["vip_arp", "true", /not needed/],
  ["svc_enable", "true", /not needed/],
  ["svc_election", "false", /not needed/],
  ["health_check_port", "0", /not needed/],
  ["vip_subnet", "/32,128", /not needed/],
  ["vip_renewdeadline", "10", /no effect/],
  ["vip_leasename", "x", /own lock for the control plane/],
  ["port", "6443", /control plane/],
  ["cp_namespace", "kube-system", /leaseNamespace/],
  ["lb_class_only", "false", /a class is served alone/],
];
for (const [env, value, warning] of WARNED) {
  Deno.test(`kubeVipSettings() warns of ${env}=${value}`, async () => {
    const { warnings } = await load({ env: { [env]: value } });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, warning);
    assert.ok(warnings[0]!.includes(`env ${env}`));
  });
}

Deno.test("kubeVipSettings() never shows a password", async () => {
  const { warnings } = await load({ env: { bgp_peerpass: "hunter2", bgp_peers: "a:1:hunter2" } });
  assert.doesNotMatch(warnings.join(), /hunter2/);
});

Deno.test("kubeVipSettings() serves classless Services only when asked", async () => {
  const of = async (env: Record<string, string>) => {
    const { config, warnings } = await load({ env });
    const { loadBalancerClass, alsoClassless } = config.instances[0]!;
    return [
      loadBalancerClass,
      alsoClassless,
      warnings.some((w) => w.includes("alsoClassless=true")),
    ];
  };
  const name = { lb_class_name: "x" };
  assert.deepEqual(await of(name), ["x", false, true]);
  assert.deepEqual(await of({ ...name, lb_class_legacy_handling: "true" }), ["x", true, false]);
  assert.deepEqual(await of({ ...name, lb_class_legacy_handling: "false" }), ["x", false, false]);
  assert.deepEqual(await of({ ...name, lb_class_only: "true" }), ["x", false, false]);
  const both = { lb_class_only: "true", lb_class_legacy_handling: "true" };
  assert.deepEqual(await of({ ...name, ...both }), ["x", false, false]);
  const own = "kube-vip.io/kube-vip-class";
  assert.deepEqual(await of({ lb_class_only: "true" }), [own, false, false]);
});

Deno.test("kubeVipSettings() takes the Services' interface over the control plane's", async () => {
  for (
    const order of [["vip_interface", "vip_servicesinterface"], [
      "vip_servicesinterface",
      "vip_interface",
    ]]
  ) {
    const env = Object.fromEntries(order.map((n) => [n, n === "vip_interface" ? "eth0" : "eth1"]));
    const { config, warnings } = await load({ env });
    assert.equal(config.instances[0]?.interface, "eth1");
    assert.match(warnings.join(), /env vip_interface \("eth0"\) is overruled/);
  }
});

Deno.test("kubeVipSettings() reads log levels as kube-vip does", async () => {
  const levels = { "-4": "debug", "0": "info", "4": "warn", "8": "error", warning: "warn" };
  for (const [given, wanted] of Object.entries(levels)) {
    assert.equal((await load({ env: { vip_loglevel: given } })).config.logLevel, wanted);
  }
});

Deno.test("kubeVipSettings() warns once of variables that nobody knows", async () => {
  const env = { vip_new: "1", lb_other: "2", svc_empty: "", VIPER: "x", vipers_nest: "y" };
  const { warnings } = await load({ env });
  assert.deepEqual(warnings, ["env vip_new, env lb_other: no effect, classvip does not know it"]);
  const others = await load({ env: { enable_endpointslices: "true", provider_config: "/p" } });
  assert.equal(others.warnings.length, 2);
});
