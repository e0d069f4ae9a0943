import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { RELEASED_ANNOTATION } from "../../lib/election/lease_record.ts";
import { readKubeVip, readPoolConfigMapName } from "../../lib/manifest/migration.ts";
import { cli } from "../cli/cli_helper.ts";
import { objectsIn } from "../cluster/manifests.ts";

type Env = Record<string, string>;

function daemonSet(env: Env, args: string[] = ["manager"]) {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "kube-vip-ds", namespace: "kube-system" },
    spec: {
      template: {
        spec: {
          containers: [{
            name: "kube-vip",
            image: "ghcr.io/kube-vip/kube-vip:v1.0.0",
            args,
            env: [
              { name: "vip_nodename", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
              ...Object.entries(env).map(([name, value]) => ({ name, value })),
            ],
          }],
        },
      },
    },
  };
}

const SERVICES = { vip_arp: "true", svc_enable: "true" };

function flagsOf(env: Env, args?: string[]): Env {
  const { services } = readKubeVip(daemonSet({ ...SERVICES, ...env }, args))!;
  return Object.fromEntries(services!.map(({ flag, value }) => [flag, value]));
}

Deno.test("readKubeVip() keeps what means the same, and serves the same Services", () => {
  const kubeVipClass = "kube-vip.io/kube-vip-class";
  assert.deepEqual(flagsOf({}), { loadBalancerClass: kubeVipClass, alsoClassless: "true" });
  assert.deepEqual(flagsOf({ lb_class_only: "true" }), { loadBalancerClass: kubeVipClass });
  assert.deepEqual(
    flagsOf({ lb_class_name: "a", lb_class_only: "true", vip_leaseduration: "15" }),
    { loadBalancerClass: "a", leaseDuration: "15" },
  );
  const words = ["manager", "--services", "--arp", "--interface", "eth1", "--lbClassOnly=true"];
  assert.equal(flagsOf({}, words)["interface"], "eth1");
});

Deno.test("readKubeVip() notes what differs, has no equal, or is not known", () => {
  const { notes } = readKubeVip(daemonSet({
    ...SERVICES,
    bgp_enable: "true",
    svc_election: "true",
    vip_renewdeadline: "10",
    vip_new: "1",
    vip_leaseduration: "soon",
    svc_leasename: "plndr-svcs-lock",
    prometheus_server: ":2112",
  }))!;
  for (
    const text of [
      /bgp_enable = "true" has no equal: classvip does not do BGP/,
      /svc_election = "true" has no equal: .* one Lease serves all Services/,
      /vip_renewdeadline: no effect/,
      /vip_new: classvip does not know it/,
      /vip_leaseduration = "soon": .* left out/,
      /kube-vip's Lease is not used/,
      /health and metrics answer on the node itself only/,
      /the lease duration is 5 s in place of/,
      /announcements are repeated every 60 s in place of 3 s/,
      /kube-vip serves Services without a class too, so alsoClassless is set/,
      /no interface is named: it is the one whose subnet holds the VIP/,
    ]
  ) assert.ok(notes.some((note) => text.test(note)), `${text} is not in:\n${notes.join("\n")}`);
  assert.ok(!notes.some((note) => /vip_nodename|vip_arp|svc_enable/.test(note)));
  const all = { lb_class_only: "true", vip_interface: "eth0", vip_leaseduration: "5" };
  const said = readKubeVip(daemonSet({ ...SERVICES, ...all }))!.notes.join("\n");
  assert.doesNotMatch(said, /alsoClassless|no interface|lease duration/);
});

Deno.test("readKubeVip() says which settings and nodes it cannot see", () => {
  const object = daemonSet(SERVICES);
  const [container] = object.spec.template.spec.containers;
  const notesOf = (container: object, pod: object = {}) => {
    const spec = { containers: [container], ...pod };
    return readKubeVip({ ...object, spec: { template: { spec } } })!.notes.join("\n");
  };
  const secret = { secretKeyRef: { name: "s", key: "k" } };
  const env = [
    ...container!.env,
    { name: "lb_class_name", valueFrom: secret },
    { name: "bgp_peerpass" },
  ];
  assert.match(notesOf({ ...container, env }), /env lb_class_name: its value stands elsewhere/);
  // As kube-vip writes what is empty.
  assert.doesNotMatch(notesOf({ ...container, env }), /bgp_peerpass/);
  const envFrom = [{ configMapRef: { name: "kube-vip" } }];
  assert.match(notesOf({ ...container, envFrom }), /envFrom: its settings stand elsewhere/);
  const some = { tolerations: [{ key: "a", operator: "Exists" }] };
  assert.match(notesOf(container!, some), /classvip runs on nodes with any taint/);
  const all = { tolerations: [{ effect: "NoSchedule", operator: "Exists" }] };
  assert.doesNotMatch(notesOf(container!, all), /taint/);
});

Deno.test("readKubeVip() notes a kubeconfig that the static pod does not mount", () => {
  const { spec: { template: { spec } } } = daemonSet({ address: "10.0.0.10", cp_enable: "true" });
  const notesOf = (path: string, kind = "Pod") => {
    const pod = { ...spec, volumes: [{ name: "kubeconfig", hostPath: { path } }] };
    return readKubeVip({ kind, spec: kind === "Pod" ? pod : { template: { spec: pod } } })!.notes
      .filter((note) => note.startsWith("kubeconfig"));
  };
  const [note, ...more] = notesOf("/etc/kubernetes/super-admin.conf");
  assert.match(
    note!,
    /mounts \/etc\/kubernetes\/super-admin.conf of the node, .* \/etc\/kubernetes\/admin.conf, which has no rights before kubeadm init/,
  );
  assert.deepEqual(more, []);
  assert.match(notesOf("/root/kubeconfig", "DaemonSet").join(), /mounts \/root\/kubeconfig/);
  assert.deepEqual(notesOf("/etc/kubernetes/admin.conf"), []);
  assert.deepEqual(notesOf("/etc/hosts"), []);
});

Deno.test("migrate() keeps the nodes that kube-vip runs on, and the secrets of its image", async () => {
  const object = daemonSet(SERVICES);
  const pod = {
    nodeSelector: { "node-role.kubernetes.io/control-plane": "" },
    affinity: { nodeAffinity: {} },
    imagePullSecrets: [{ name: "registry" }],
  };
  Object.assign(object.spec.template.spec, pod);
  const { code, out, err } = await cli(["migrate", "/p"], {}, { "/p": JSON.stringify(object) });
  assert.equal(code, 0, err);
  const { spec } = objectsIn(out).find(({ kind }) => kind === "DaemonSet")!.spec.template;
  for (const [field, value] of Object.entries(pod)) assert.deepEqual(spec[field], value);
});

Deno.test("readKubeVip() knows what is none", () => {
  for (
    const object of [undefined, null, 7, [], {}, { kind: "DaemonSet" }, {
      kind: "Pod",
      spec: { containers: [{ image: "ghcr.io/kube-vip/kube-vip-cloud-provider:v0.0.12" }] },
    }]
  ) assert.equal(readKubeVip(object), undefined);
  assert.equal(readPoolConfigMapName({ kind: "ConfigMap", data: { a: "b" } }), undefined);
});

Deno.test("migrate() prints manifests for every document, with the pools", async () => {
  const files = {
    "/all.yaml": [
      daemonSet({ ...SERVICES, vip_interface: "eth0" }),
      {
        kind: "ConfigMap",
        metadata: { name: "kubevip", namespace: "kube-system" },
        data: { "range-global": "10.0.0.1-10.0.0.9", odd: "x" },
      },
      { kind: "Deployment" },
    ].map((object) => JSON.stringify(object)).join("\n---\n"),
  };
  const { code, out, err } = await cli(["migrate", "/all.yaml", "--image=x:1"], {}, files);
  assert.equal(code, 0, err);
  const objects = objectsIn(out);
  const { spec } = objects.find(({ kind }) => kind === "DaemonSet")!;
  const [{ image, args }] = spec.template.spec.containers;
  assert.equal(image, "x:1");
  assert.ok(
    args.includes("--poolConfigMap=kube-system/kubevip") && args.includes("--interface=eth0"),
  );
  assert.ok(
    objects.some(({ kind, metadata }) => kind === "Role" && metadata.namespace === "kube-system"),
  );
  assert.match(out, /^# ConfigMap kube-system\/kubevip: odd: classvip does not know it$/m);
  // What it prints is understood again.
  const again = await cli(["config", ...args.slice(1)]);
  assert.equal(again.code, 0, again.err);
});

/** As `kube-vip manifest pod` writes it. */
function staticPod(env: Env) {
  const { spec: { template: { spec } }, metadata } = daemonSet(env);
  return { apiVersion: "v1", kind: "Pod", metadata, spec };
}

const CONTROL_PLANE = {
  vip_arp: "true",
  cp_enable: "true",
  address: "192.0.2.1",
  port: "6443",
  vip_interface: "eth0",
  vip_servicesinterface: "eth1",
};

Deno.test("migrate() reads a List, as kubectl prints several objects", async () => {
  const items = [{ kind: "Service" }, daemonSet(SERVICES)];
  const files = { "/l": JSON.stringify({ apiVersion: "v1", kind: "List", items }) };
  const { code, out, err } = await cli(["migrate", "/l"], {}, files);
  assert.equal(code, 0, err);
  assert.ok(objectsIn(out).some(({ kind }) => kind === "DaemonSet"));
});

Deno.test("migrate() makes a static pod of the control plane's VIP, alone or beside Services", async () => {
  const argsOf = async (object: unknown) => {
    const { code, out, err } = await cli(["migrate", "/p"], {}, { "/p": JSON.stringify(object) });
    assert.equal(code, 0, err);
    return objectsIn(out).flatMap(({ kind, spec }) =>
      kind === "Pod" ? [spec.containers[0].args] : kind === "DaemonSet" ? ["DaemonSet"] : []
    );
  };
  const [alone, ...none] = await argsOf(staticPod(CONTROL_PLANE));
  assert.deepEqual(none, []);
  for (const flag of ["controlPlane=true", "address=192.0.2.1", "apiPort=6443", "interface=eth0"]) {
    assert.ok(alone.includes(`--${flag}`), `--${flag} is not in ${alone}`);
  }
  // What it prints is understood again.
  const again = await cli(["config", ...alone.slice(1)]);
  assert.equal(again.code, 0, again.err);
  const [first, second] = await argsOf(staticPod({ ...CONTROL_PLANE, svc_enable: "true" }));
  assert.deepEqual(first, alone);
  assert.ok(second.includes("--interface=eth1") && !second.join().includes("controlPlane"));
  const both = await argsOf(daemonSet({ ...CONTROL_PLANE, svc_enable: "true" }));
  assert.deepEqual(both, [alone, "DaemonSet"]);
});

Deno.test("migrate() prints notes alone where kube-vip does nothing that classvip does", async () => {
  const files = { "/p": JSON.stringify(staticPod({ vip_arp: "true" })) };
  const { code, out } = await cli(["migrate", "/p"], {}, files);
  assert.equal(code, 0);
  assert.equal(parse(out), null);
  assert.match(out, /svc_enable is not set/);
});

Deno.test("docs/migration.md makes the Lease of the DaemonSet that migrate() prints", async () => {
  const text = await Deno.readTextFile("docs/migration.md");
  const [, lease] = /<<END\n([^]*?)\n *END/.exec(text)!;
  const { metadata, spec } = parse(lease!);
  const files = { "/f": JSON.stringify(daemonSet(SERVICES)) };
  const { out } = await cli(["migrate", "/f"], {}, files);
  const made = objectsIn(out).find(({ kind }) => kind === "DaemonSet")!;
  assert.deepEqual([metadata.name, metadata.namespace], [
    made.metadata.name,
    made.metadata.namespace,
  ]);
  assert.deepEqual(metadata.annotations, { [RELEASED_ANNOTATION]: "0" });
  assert.deepEqual(spec, { leaseTransitions: 0 });
});

Deno.test("migrate() says in sentences what is wrong with whatever stands in a file", async () => {
  const any = fc.jsonValue({ maxDepth: 2 });
  const name = fc.constantFrom(
    "vip_arp",
    "svc_enable",
    "cp_enable",
    "address",
    "port",
    "lb_class_name",
  );
  const env = fc.oneof(any, fc.array(fc.oneof(any, fc.record({ name, value: any }))));
  const container = fc.record({ image: fc.constant("kube-vip:1"), args: any, command: any, env });
  const pod = fc.oneof(any, fc.record({ containers: fc.oneof(any, fc.array(container)) }));
  const key = fc.constantFrom("cidr-global", "range-a", "allow-share-global", "interface-a");
  const object = fc.oneof(
    any,
    fc.record({
      kind: fc.constant("DaemonSet"),
      metadata: any,
      spec: fc.record({ template: fc.record({ spec: pod }) }),
    }),
    fc.record({ kind: fc.constant("Pod"), metadata: any, spec: pod }),
    fc.record({ kind: fc.constant("List"), items: any }),
    fc.record({ kind: fc.constant("ConfigMap"), metadata: any, data: fc.dictionary(key, any) }),
  );
  await fc.assert(fc.asyncProperty(fc.array(object, { maxLength: 3 }), async (objects) => {
    const text = objects.map((object) => JSON.stringify(object)).join("\n---\n");
    const { code, err } = await cli(["migrate", "/f"], {}, { "/f": text });
    assert.ok(code === 0 || code === 2, err);
    assert.doesNotMatch(err, /^\s*at /m);
  }));
});
